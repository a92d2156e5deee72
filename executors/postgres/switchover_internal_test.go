package postgres

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pigsync/pigsync/resource"
)

// Who is named is the one, or nobody is: who is the most advanced does not matter then.
func TestCandidate(t *testing.T) {
	t.Parallel()
	const cluster = `{"members": [
		{"name": "pg-1", "role": "leader", "state": "running", "lag": 0},
		{"name": "pg-2", "role": "replica", "state": "streaming", "lag": 900},
		{"name": "pg-3", "role": "replica", "state": "streaming", "lag": 10},
		{"name": "pg-4", "role": "replica", "state": "streaming", "lag": 99999999}]}`
	address, _ := patroniAt(t, "http", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/config" {
			_, _ = w.Write([]byte(`{"maximum_lag_on_failover": 1048576}`))
			return
		}
		_, _ = w.Write([]byte(cluster))
	})
	l := new(Hand).Look(t.Context(), Seat{PGSeat: resource.PGSeat{Instance: "pg-1", REST: "http" + address}}, Node{}, nil)
	for named, want := range map[string]struct{ name, says string }{
		"":     {name: "pg-3"},
		"pg-2": {name: "pg-2"},
		"pg-4": {says: "nobody could lead instead of pg-1: pg-4 is too far behind"},
		"pg-9": {says: "nobody could lead instead of pg-1"},
	} {
		got, err := l.candidate(named)
		if got != want.name || (err == nil) != (want.says == "") || err != nil && !strings.Contains(err.Error(), want.says) {
			t.Errorf("%q: got %q, %v, want %+v", named, got, err, want)
		}
	}
}
