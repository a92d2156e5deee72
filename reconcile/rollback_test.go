package reconcile_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/reconcile"
)

func TestABadCommitIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := serve(t, play(t))
		v.push("A", toyText(map[string]string{nodeA: "toy_files: [a]"}))
		after(time.Minute)
		v.wantState(reconcile.InSync, "A")
		v.push("B", toyText(map[string]string{nodeA: "toy_files: [a, b], toy_gates: [sick]"}))
		after(7 * time.Minute) // the first run fails after five, the next ones at once
		if v.d.Status().State == reconcile.Isolated {
			t.Error("what fails for a moment makes no commit bad")
		}
		after(20 * time.Minute)
		s := v.wantState(reconcile.Isolated, "B")
		if q := s.Quarantine; q == nil || q.Revision != "B" || q.Return != "A" || q.By != "" || q.Reason == "" {
			t.Errorf("%+v", q)
		}
		v.wantThere(nodeA, "a")
		v.stop()
		<-v.done
		v.restart()
		v.Modules = []*modules.Module{toy()}
		v.up()
		after(time.Minute)
		v.wantState(reconcile.Isolated, "B") // the next process knows
		v.wantThere(nodeA, "a")
		v.push("C", toyText(map[string]string{nodeA: "toy_files: [c]"}))
		after(time.Minute)
		v.wantState(reconcile.InSync, "C")
		v.wantThere(nodeA, "c")
	})
}

// Who cannot see cannot tell whether a commit is bad.
func TestACommitIsNotBadWhileSomethingIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := serve(t, play(t))
		v.push("A", toyText(map[string]string{nodeA: "toy_files: [a]", nodeB: "toy_files: [z]"}))
		after(time.Minute)
		v.fleet.Down(nodeB, true)
		v.push("B", toyText(map[string]string{nodeA: "toy_files: [a, b], toy_gates: [sick]", nodeB: "toy_files: [z]"}))
		after(time.Hour)
		if s := v.d.Status(); s.State == reconcile.Isolated {
			t.Errorf("%+v", s.Quarantine)
		}
	})
}

// The first commit of all has nothing to go back to.
func TestTheFirstCommitIsNotTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := serve(t, play(t))
		v.push("A", toyText(map[string]string{nodeA: "toy_files: [a], toy_gates: [sick]"}))
		after(time.Hour)
		v.wantState(reconcile.Failing, "A")
	})
}

func TestSomebodyTakesACommitBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := serve(t, play(t))
		v.stop()
		<-v.done
		reg := prometheus.NewRegistry()
		v.metrics = reconcile.NewMetrics(reg, v.Name)
		v.up()
		for _, id := range []string{"A", "B"} {
			v.push(id, toyText(map[string]string{nodeA: "toy_files: [" + map[string]string{"A": "a", "B": "b"}[id] + "]"}))
			after(time.Minute)
			v.wantState(reconcile.InSync, id)
		}
		from, to, ok := reconcile.Returnable(v.Journal, "")
		if !ok || from != "B" || to != "A" {
			t.Fatalf("from %q to %q: %v", from, to, ok)
		}
		if err := v.Journal.Decide(history.Decision{Rollback: &history.Quarantined{Revision: from, Return: to, By: "ann", Reason: "slow"}}); err != nil {
			t.Fatal(err)
		}
		v.d.Wake()
		after(time.Minute)
		if s := v.wantState(reconcile.Isolated, "B"); s.Quarantine.By != "ann" {
			t.Errorf("%+v", s.Quarantine)
		}
		counted := fmt.Sprintf("# HELP pigsync_rollbacks_total Returns of a unit to an earlier commit, by result.\n# TYPE pigsync_rollbacks_total counter\n"+
			"pigsync_rollbacks_total{cluster=%q,inventory=%q,result=\"ok\"} 1\n", nodeA, v.Name)
		if err := testutil.GatherAndCompare(reg, strings.NewReader(counted), "pigsync_rollbacks_total"); err != nil {
			t.Error(err)
		}
		v.wantThere(nodeA, "a")
		if err := v.Journal.Decide(history.Decision{Forgive: &history.Forgiven{Revision: "B", By: "ann"}}); err != nil {
			t.Fatal(err)
		}
		v.d.Wake()
		after(time.Minute)
		v.wantState(reconcile.InSync, "B")
		v.wantThere(nodeA, "b")
	})
}
