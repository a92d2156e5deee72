package reconcile_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/resource"
)

// What takes a while can be seen while it goes on: the drift, and what is done about it.
func TestWhatIsBeingDoneIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(t)
		s.hands = &slow{Executor: s.fleet, takes: 20 * time.Second}
		v := serve(t, s)
		v.push("A", toyText(map[string]string{nodeA: "toy_files: [f]"}))
		after(10 * time.Second)
		if st := v.wantState(reconcile.Converging, "A"); st.Drift || len(st.Plan.Steps) != 1 || len(st.Results) != 0 {
			t.Errorf("while it is made: %+v", st)
		}
		after(time.Minute)
		v.wantState(reconcile.InSync, "A")
		v.fleet.Set(toyFile("f", nodeA), resource.NewFile([]byte("other"), 0o644, "root", "root"))
		v.d.Wake()
		after(10 * time.Second)
		st := v.wantState(reconcile.Converging, "A")
		if !st.Drift || len(st.Plan.Steps) != 1 || st.Plan.Steps[0].Fields[0].Path != "content" {
			t.Errorf("while it is healed: %+v", st)
		}
		after(time.Minute)
		v.wantState(reconcile.InSync, "A")
	})
}

// Where nothing may be done the picture is that of the round as a whole.
func TestWhatIsHeldDoesNotConverge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(t)
		v := serve(t, s)
		v.push("A", toyText(map[string]string{nodeA: "toy_files: [f]"}))
		after(time.Second)
		v.fleet.Down(nodeA, true)
		since := v.d.Status().Since
		v.d.Wake()
		after(time.Second)
		st := v.wantState(reconcile.Unknown, "A")
		v.d.Wake()
		after(time.Second)
		if now := v.wantState(reconcile.Unknown, "A"); now.Since != st.Since || now.Since == since {
			t.Errorf("it is so since %s, then since %s", st.Since, now.Since)
		}
	})
}
