package postgres

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pigsync/pigsync/resource"
)

// patroniWhich answers as is described for each path, by what it was told before.
func patroniWhich(t *testing.T, describe func(path, told string) string) (look func() *Look, told func() string) {
	t.Helper()
	var calls atomic.Value
	calls.Store("")
	address, _ := patroniAt(t, "http", func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			calls.Store(calls.Load().(string) + r.URL.Path)
		}
		_, _ = w.Write([]byte(describe(r.URL.Path, calls.Load().(string))))
	})
	seat := Seat{Cluster: "pg", PGSeat: resource.PGSeat{Instance: "pg-1", REST: "http" + address}}
	return func() *Look { return new(Hand).Look(t.Context(), seat, Node{}, nil) }, func() string { return calls.Load().(string) }
}

// What Patroni has learned while its server was down it forgets: it is told to read again, once, and only then.
func TestPatroniIsRemindedOfWhatWaits(t *testing.T) {
	t.Parallel()
	want, was := sized("100", "8"), sized("200", "16")
	for name, c := range map[string]struct {
		waits string // for a restart, before it was reminded
		told  string
	}{
		"it knows":          {`{"max_connections": {}, "max_worker_processes": {}}`, ""},
		"it knows half":     {`{"max_connections": {}}`, ""}, // it is right or not: it restarts
		"it knows nothing":  {``, "/reload"},
		"it names no cause": {`{}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			look, told := patroniWhich(t, func(_, told string) string {
				waits := c.waits
				if told != "" {
					waits = `{"max_connections": {}}`
				}
				if waits == "" {
					return `{"state": "running"}`
				}
				return fmt.Sprintf(`{"state": "running", "pending_restart": true, "pending_restart_reason": %s}`, waits)
			})
			if err := look().informed(want, was); err != nil {
				t.Error(err)
			}
			if told() != c.told {
				t.Errorf("told %q, want %q", told(), c.told)
			}
		})
	}
}

func sized(connections, workers string) resource.PGMember {
	return resource.PGMember{Settings: map[string]resource.PGSetting{"max_connections": {Value: connections}, "max_worker_processes": {Value: workers}}}
}

// A replica that runs and follows nobody is not well, where Patroni says so: nobody else is restarted meanwhile.
func TestWhoFollowsNobodyIsIll(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		patroni, state, tags, says string
	}{
		"it streams":          {"4.0.7", "streaming", "{}", ""},
		"it follows nobody":   {"4.0.7", "running", "{}", "pg-2 is running, and follows nobody"},
		"it should not":       {"4.0.7", "running", `{"nostream": true}`, ""},
		"nobody says":         {"3.0.2", "running", "{}", ""},
		"it reads an archive": {"4.0.7", "in archive recovery", "{}", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			look, _ := patroniWhich(t, func(path, _ string) string {
				switch path {
				case "/cluster":
					return fmt.Sprintf(`{"members": [{"name": "pg-1", "role": "leader", "state": "running"}, {"name": "pg-2", "role": "replica", "state": %q, "lag": 0, "tags": %s}]}`, c.state, c.tags)
				case "/config":
					return `{"maximum_lag_on_failover": 1048576}`
				}
				return fmt.Sprintf(`{"state": "running", "role": "primary", "server_version": 170012, "patroni": {"version": %q, "scope": "pg"}}`, c.patroni)
			})
			l := look()
			p, limit, err := l.askPeers()
			if err != nil {
				t.Fatal(err)
			}
			well, err := l.allWell(p, limit)
			if well != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("well: %t, %v: want %q", well, err, c.says)
			}
		})
	}
}

// Up is a replica that streams; an old Patroni does not say whether one does.
func TestUpIsAReplicaThatStreams(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		version, state, replication string
		up                          bool
	}{
		{"4.0.7", "running", "streaming", true},
		{"4.0.7", "running", "", false},
		{"4.0.7", "running", "in archive recovery", false},
		{"4.1.0", "streaming", "", true},
		{"3.0.4", "running", "", false},
		{"3.0.2", "running", "", true},
		{"", "running", "", true},
		{"4.0.7", "starting", "streaming", false},
	} {
		s := status{Role: "replica", State: c.state, Replication: c.replication, Server: 170012}
		s.Patroni.Version = c.version
		if s.up() != c.up {
			t.Errorf("%+v: up is %t", c, s.up())
		}
	}
}
