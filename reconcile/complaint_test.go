package reconcile_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigsync/pigsync/reconcile"
)

// A commit that cannot be acted on is told to the log once, not every minute; another one, and the same after
// another, again.
func TestARefusalIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(t)
		var log bytes.Buffer
		s.Log = slog.New(slog.NewTextHandler(&log, nil))
		v := serve(t, s)
		refusals := func(want int) {
			t.Helper()
			if n := strings.Count(log.String(), "the revision cannot be acted on"); n != want {
				t.Errorf("said %d times, want %d:\n%s", n, want, log.String())
			}
		}
		bad := toyText(map[string]string{nodeA: "toy_amiss: true"})
		v.push("A", bad)
		after(time.Hour)
		v.wantState(reconcile.Rejected, "A")
		refusals(1)
		v.push("B", bad)
		after(time.Hour)
		refusals(2)
		v.push("C", toyText(map[string]string{nodeA: "toy_files: [a]"}))
		after(time.Minute)
		v.push("D", bad)
		after(time.Hour)
		refusals(3)
	})
}
