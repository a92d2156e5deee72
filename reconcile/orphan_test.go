package reconcile_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/resource"
)

const tended = "toy_tended: [p, q], toy_kept: [k]"

// leaving is a story in which nodeB was converged with these toys.
func leaving(t *testing.T, toys string) *story {
	t.Helper()
	s := play(t)
	s.converge(s.commit("A", toyText(map[string]string{nodeA: "toy_files: [x]", nodeB: toys})), false)
	return s
}

// leaves commits that nodeB is gone, while nodeA gets a toy more, and wants that to be held.
func (s *story) leaves() *reconcile.Round {
	s.t.Helper()
	round := s.run(s.t.Context(), s.commit("B", toyText(map[string]string{nodeA: "toy_files: [x, y]"})))
	if round.Outcome() != reconcile.Held {
		s.t.Fatalf("%v\n%s", round.Outcome(), show(round))
	}
	s.wantThere(nodeA, "x", "y")
	return round
}

// objected lists what was objected to, and how.
func objected(r *reconcile.Round) (list []string) {
	for _, o := range r.Objections {
		s := r.Plan.Steps[o.Step]
		list = append(list, o.Code+" "+s.Action.String()+s.ID.Name)
	}
	return list
}

func (s *story) wantObjections(r *reconcile.Round, want ...string) {
	s.t.Helper()
	if got := objected(r); !slices.Equal(got, want) {
		s.t.Errorf("objections %v, want %v\n%s", got, want, show(r))
	}
}

func TestWhoLeavesIsAnOrphanUntilSomebodyApproves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := leaving(t, tended)
		round := s.leaves()
		s.wantObjections(round, "PS108 -/q", "PS108 -/p")
		s.wantThere(nodeB, "k", "p", "q")
		st := reconcile.StatusOf("test", round)
		if i := slices.IndexFunc(st.Owners, func(o reconcile.OwnerStatus) bool { return o.Orphan }); i < 0 || st.Owners[i].Owner != "toy/"+nodeB || st.Owners[i].Differ != 2 {
			t.Errorf("owners %+v, want toy/%s to be an orphan", st.Owners, nodeB)
		}
		s.approve(round)
		s.converge(s.commits["B"], false)
		s.wantThere(nodeB, "k")
		if n := len(s.fleet.calls); s.fleet.calls[n-2].ID != toyFile("q", nodeB) || s.fleet.calls[n-1].ID != toyFile("p", nodeB) {
			t.Errorf("taken back in another order than it was made: %v", s.fleet.calls[n-2:])
		}
	})
}

func TestWhoComesBackIsNoOrphan(t *testing.T) {
	for name, approved := range map[string]bool{"before it was taken back": false, "after": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := leaving(t, tended)
				if round := s.leaves(); approved {
					s.approve(round)
					s.converge(s.commits["B"], false)
				}
				s.converge(s.commit("C", toyText(map[string]string{nodeA: "toy_files: [x]", nodeB: tended})), false)
				s.wantThere(nodeB, "k", "p", "q")
			})
		})
	}
}

// A machine that is down is no reason to forget what is on it.
func TestAnOrphanOutOfReachStaysUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := leaving(t, tended)
		s.fleet.Down(nodeB, true)
		round := s.leaves()
		s.wantObjections(round, "PS108 ?/p", "PS108 ?/q")
		if st := reconcile.StatusOf("test", round); st.State != reconcile.Unknown {
			t.Errorf("state %s, want unknown", st.State)
		}
		s.fleet.Down(nodeB, false)
		round = s.run(t.Context(), s.commits["B"])
		s.wantObjections(round, "PS108 -/q", "PS108 -/p")
		s.wantThere(nodeB, "k", "p", "q")
	})
}

// What never answers again is forgotten once exactly that was approved, and left alone from then on.
func TestAnOrphanOutOfReachIsForgottenOnceApproved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := leaving(t, tended)
		s.fleet.Down(nodeB, true)
		s.approve(s.leaves())
		s.converge(s.commits["B"], false)
		s.fleet.Down(nodeB, false)
		s.converge(s.commit("C", toyText(map[string]string{nodeA: "toy_files: [x]"})), false)
		s.wantThere(nodeB, "k", "p", "q")
	})
}

// An approval of a plan in which something else is to be done forgets nobody.
func TestNobodyIsForgottenByTheWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const nodeC = "10.0.0.3"
		s := play(t)
		s.fleet.node(nodeC)
		s.converge(s.commit("A", toyText(map[string]string{nodeA: "toy_files: [x]", nodeB: tended, nodeC: tended})), false)
		s.fleet.Down(nodeC, true)
		s.approve(s.leaves())
		round := s.run(t.Context(), s.commits["B"])
		s.wantThere(nodeB, "k")
		s.wantObjections(round, "PS108 ?/p", "PS108 ?/q")
		s.approve(round)
		s.converge(s.commits["B"], false)
	})
}

// What a wrong line hides has not left.
func TestAWrongLineMakesNoOrphan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := leaving(t, tended)
		s.Modules[0].Compile = wrongAt(nodeB)
		round := s.run(t.Context(), s.commit("B", toyText(map[string]string{nodeA: "toy_files: [x]", nodeB: tended})))
		if len(round.Plan.Steps) > 0 || round.Outcome() != reconcile.Held {
			t.Errorf("%v\n%s", round.Outcome(), show(round))
		}
	})
}

// wrongAt compiles toys but for a node, whose lines are wrong at the newest commit.
func wrongAt(node string) func(*modules.Pass) {
	first := true
	return func(p *modules.Pass) {
		for _, h := range p.Inventory.Hosts() {
			if first && h.Addr == node {
				p.For("toy/"+node).Errorf(h.Pos, "TOY004", "it cannot be read")
				continue
			}
			compileToys(p, h)
		}
		first = false
	}
}

func TestATenantKeepsANode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := leaving(t, "toy_tended: [p, q], toy_tenant: store")
		unit := modules.UnitOf("store", nodeB)
		s.fleet.Set(unit, resource.Unit{Enabled: true})
		round := s.leaves()
		s.wantObjections(round, "PS109 -/q", "PS109 -/p")
		if !strings.Contains(show(round), "lodger/store still lives there: unit:store@"+nodeB) {
			t.Errorf("it does not say who:\n%s", show(round))
		}
		s.approve(round)
		s.run(t.Context(), s.commits["B"])
		s.wantThere(nodeB, "p", "q")
		s.fleet.Set(unit, nil)
		s.converge(s.commits["B"], false) // it was approved
		s.wantThere(nodeB)
	})
}

// What is kept goes with its owner if the inventory asks so, unless it was there before.
func TestWhatWasLentGoesAndWhatWasFoundStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(t)
		s.fleet.Set(toyFile("found", nodeB), resource.NewFile([]byte("text"), 0o644, "root", "root"))
		s.converge(s.commit("A", toyText(map[string]string{nodeA: "toy_files: [x]", nodeB: "toy_kept: [found, made], toy_asked: true"})), false)
		s.approve(s.leaves())
		s.converge(s.commits["B"], false)
		s.wantThere(nodeB, "found")
	})
}

// What others do comes first: they may point at who leaves.
func TestOrphansGoLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := leaving(t, tended)
		s.failAt("y")
		b := s.commit("B", toyText(map[string]string{nodeA: "toy_files: [x, y]"}))
		round := s.run(t.Context(), b)
		s.approve(round)
		s.run(t.Context(), b)
		s.wantThere(nodeB, "k", "p", "q")
		s.fleet.revive()
		s.converge(b, false)
		s.wantThere(nodeB, "k")
		if last := s.fleet.calls[len(s.fleet.calls)-1]; last.Action != diff.Delete {
			t.Errorf("the last to be done was %c %s", last.Action, last.ID)
		}
	})
}

// While somebody who left is not taken back yet, what moves away from the rest of the commit is drift as ever,
// also for a daemon that was started meanwhile, and what was left behind is none.
func TestDriftIsDriftBesideAnOrphan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := leaving(t, tended)
		if round := s.leaves(); round.Settled {
			t.Error("the commit itself counts as drift")
		}
		s.restart()
		s.Modules, s.Policies = []*modules.Module{toy()}, append(s.Policies, policies.Modes([]policies.Mode{{Owners: []string{"*", "*/*"}, Heal: new(false)}}))
		x := toyFile("x", nodeA)
		was := s.fleet.Observe(t.Context(), []resource.ID{x})[x].Spec
		s.fleet.Set(x, nil)
		round := s.run(t.Context(), s.commits["B"])
		s.wantObjections(round, "PS107 +/x", "PS108 -/q", "PS108 -/p")
		if st := reconcile.StatusOf("test", round); !st.Drift {
			t.Error("the status tells of no drift")
		}
		s.fleet.Set(x, was)
		round = s.run(t.Context(), s.commits["B"])
		if st := reconcile.StatusOf("test", round); st.Drift {
			t.Errorf("what was left behind is called drift\n%s", show(round))
		}
		s.approve(round)
		s.converge(s.commits["B"], false)
		s.wantThere(nodeB, "k")
	})
}
