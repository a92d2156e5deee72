package postgres

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

// A server that goes on without its etcd takes writes, and is not changed: nobody holds the lock.
func TestFailsafeIsNoLeader(t *testing.T) {
	t.Parallel()
	said := `{"state": "running", "role": "primary", "server_version": 170012, "timeline": 2, "patroni": {"scope": "pg", "name": "pg-1"}`
	for name, c := range map[string]struct {
		more  string
		leads bool
	}{
		"with etcd":        {"", true},
		"without a leader": {`, "cluster_unlocked": true`, false},
		"without etcd":     {`, "failsafe_mode_is_active": true`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, _ := patroniAt(t, "http", func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodGet {
					t.Errorf("%s %s", r.Method, r.URL.Path)
				}
				_, _ = w.Write([]byte(said + c.more + "}"))
			})
			look := func() *Look {
				seat := Seat{Cluster: "pg", PGSeat: resource.PGSeat{Instance: "pg-1", REST: "http" + address}}
				return new(Hand).Look(t.Context(), seat, Node{}, nil)
			}
			err := look().leads()
			if (err == nil) != c.leads || err != nil && !errors.Is(err, ErrElsewhere) {
				t.Errorf("leads: %v", err)
			}
			if c.leads {
				return
			}
			if err := look().mayRestart(); !errors.Is(err, executors.ErrMoved) {
				t.Errorf("may restart: %v", err)
			}
			if name == "without etcd" && !strings.Contains(err.Error(), "failsafe") {
				t.Errorf("it is said: %v", err)
			}
		})
	}
}
