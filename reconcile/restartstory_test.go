package reconcile_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/resource"
)

// beside is a module that looks at a PostgreSQL cluster, and wants nothing of it.
func beside(cluster string) *modules.Module {
	return &modules.Module{
		Name:    "beside",
		Survey:  func(*inventory.Inventory) []resource.ID { return []resource.ID{resource.PGClusterOf(cluster)} },
		Compile: func(*modules.Pass) {},
	}
}

// Who begins to wait for a restart is shown at once. The next process knows since when, quiet rounds write nothing, and
// the end is told.
func TestADaemonRemembersSinceWhenARestartIsPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pg := resource.PGClusterOf("pg")
		seen := func(v *served, reasons ...string) {
			m := resource.PGMember{Cluster: "pg", Role: resource.PGLeader, Pending: len(reasons) > 0, Reasons: reasons, Settings: map[string]resource.PGSetting{}}
			v.fleet.Set(pg, resource.PGCluster{Members: []resource.PGMemberInfo{{Instance: "pg-1", Node: nodeA, PGMember: m}}})
		}
		s := play(t)
		l := &lookout{Executor: s.fleet, asked: map[string][]time.Time{}}
		s.hands, s.Modules = l, append(s.Modules, beside("pg"))
		v := serve(t, s)
		seen(v)
		v.push("A", toyText(map[string]string{nodeA: "toy_files: [f]"}))
		after(time.Hour)
		seen(v, "max_connections")
		l.stirs(pg)
		after(time.Second)
		since := time.Now()
		want := func(reason string) {
			t.Helper()
			st := v.wantState(reconcile.InSync, "A")
			if len(st.Restarts) != 1 || st.Restarts[0].Reasons[0] != reason || since.Sub(st.Restarts[0].Since).Abs() > 2*time.Second {
				t.Errorf("who waits: %+v, want %s since %v", st.Restarts, reason, since)
			}
			b, err := json.Marshal(st)
			if err != nil || !strings.Contains(string(b), `"pending_restarts":[{"instance":"pg-1","node":"10.0.0.1","cluster":"pg","reasons":["`+reason+`"],"since":"`) {
				t.Errorf("%v: %s", err, b)
			}
		}
		want("max_connections")
		after(5 * time.Hour)
		want("max_connections")
		v.stop()
		<-v.done
		looks := v.Modules
		v.restart()
		v.Modules = looks
		v.up()
		after(5 * time.Hour)
		want("max_connections")
		seen(v, "wal_level")
		since = time.Now()
		l.stirs(pg)
		after(time.Second)
		want("wal_level")
		seen(v)
		after(time.Hour)
		if st := v.wantState(reconcile.InSync, "A"); len(st.Restarts) != 0 {
			t.Errorf("%+v", st.Restarts)
		}
		n := 0
		for range v.Journal.Records(history.Query{Kinds: []history.Kind{history.KindRestarts}}) {
			n++
		}
		if n != 3 {
			t.Errorf("%d records of who waits, want three", n)
		}
	})
}
