package reconcile_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/resource"
)

var errBoom = errors.New("boom")

// failAt lets every change of a toy fail.
func (s *story) failAt(name string) {
	s.fleet.before = func(c diff.Change) error {
		if c.ID.Name == "/"+name {
			return errBoom
		}
		return nil
	}
}

// What a commit made that never converged goes when it is reverted, and nothing else does.
func TestRevertPrunesWhatNeverConverged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(t)
		a := toyText(map[string]string{nodeA: "toy_files: [x], toy_kept: [k]"})
		s.converge(s.commit("A", a), false)
		s.failAt("z")
		round := s.run(t.Context(), s.commit("B", toyText(map[string]string{nodeA: "toy_files: [x, y, z], toy_kept: [k, l]"})))
		if round.Outcome() != reconcile.Failed {
			t.Fatalf("%v\n%s", round.Outcome(), show(round))
		}
		s.wantThere(nodeA, "k", "l", "x", "y")
		s.restart()
		s.Modules = append(s.Modules[:0:0], toy())
		s.converge(s.commit("C", a), false)
		s.wantThere(nodeA, "k", "l", "x")
		if s.converge(s.commits["C"], false); len(s.Journal.Attempted()) != 1 {
			t.Errorf("attempted since: %v", s.Journal.Attempted())
		}
	})
}

// The same revision again, as a directory gives it when an edit is undone: it is no drift.
func TestUndoingAnEditIsNoDrift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(t)
		a := s.commit("A", toyText(map[string]string{nodeA: "toy_files: [x]"}))
		s.converge(a, false)
		s.failAt("z")
		s.run(t.Context(), s.commit("B", toyText(map[string]string{nodeA: "toy_files: [x, y, z]"})))
		s.fleet.revive()
		s.Policies = append(s.Policies, policies.Modes([]policies.Mode{{Owners: []string{"*", "*/*"}, Heal: new(false)}}))
		s.converge(a, false)
		s.wantThere(nodeA, "x")
		s.fleet.Set(toyFile("x", nodeA), nil)
		if round := s.run(t.Context(), a); round.Outcome() != reconcile.Held || !round.Settled {
			t.Errorf("what is drift now is not: %v", round.Outcome())
		}
	})
}

// A commit that only spoke of what somebody else had made there does not take it along when it goes.
func TestRevertLeavesWhatItNeverTouched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(t)
		a := toyText(map[string]string{nodeA: "toy_files: [x]"})
		s.converge(s.commit("A", a), false)
		s.fleet.Set(toyFile("theirs", nodeB), resource.NewFile([]byte("theirs"), 0o644, "root", "root"))
		hold := history.HoldOrdered{HoldOrder: policies.HoldOrder{Owner: "toy/" + nodeB, By: "me", Reason: "not yet", Until: s.Now().AddDate(1, 0, 0)}}
		if err := s.Journal.Append(hold); err != nil {
			t.Fatal(err)
		}
		b := toyText(map[string]string{nodeA: "toy_files: [x]", nodeB: "toy_files: [theirs]"})
		if round := s.run(t.Context(), s.commit("B", b)); round.Outcome() != reconcile.Held {
			t.Fatalf("%v\n%s", round.Outcome(), show(round))
		}
		if err := s.Journal.Append(history.Released{Owner: "toy/" + nodeB, By: "me"}); err != nil {
			t.Fatal(err)
		}
		s.converge(s.commit("C", a), false)
		s.wantThere(nodeB, "theirs")
	})
}

// What was begun and has no result may have been made.
func TestRevertPrunesWhatACrashHid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(t)
		a := toyText(map[string]string{nodeA: "toy_files: [x]"})
		s.converge(s.commit("A", a), false)
		s.fleet.after = func(diff.Change) error {
			s.Journal.Close()
			s.fleet.crash()
			return nil
		}
		s.run(t.Context(), s.commit("B", toyText(map[string]string{nodeA: "toy_files: [x, y]"})))
		s.wantThere(nodeA, "x", "y")
		s.restart()
		s.Modules = append(s.Modules[:0:0], toy())
		s.converge(s.commit("C", a), false)
		s.wantThere(nodeA, "x")
	})
}

func TestAFrozenOwnerIsNeitherChangedNorPruned(t *testing.T) {
	for _, owner := range []string{"", ", toy_owner: other"} {
		synctest.Test(t, func(t *testing.T) {
			s := play(t)
			s.converge(s.commit("A", toyText(map[string]string{nodeA: "toy_files: [x]" + owner, nodeB: "toy_files: [x]"})), false)
			rev := s.commit("B", toyText(map[string]string{nodeA: "toy_files: [y], toy_wrong: true" + owner, nodeB: "toy_files: [y]"}))
			round := s.run(t.Context(), rev)
			s.wantThere(nodeA, "x")
			s.wantThere(nodeB, "y")
			if round.Outcome() != reconcile.Held {
				t.Errorf("%v\n%s", round.Outcome(), show(round))
			}
			s.converge(s.commit("C", toyText(map[string]string{nodeA: "toy_files: [y]" + owner, nodeB: "toy_files: [y]"})), false)
			s.wantThere(nodeA, "y")
		})
	}
}

// A frozen owner of which nothing is there yet keeps a commit from being converged.
func TestAFrozenOwnerIsNotConverged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(t)
		round := s.run(t.Context(), s.commit("A", toyText(map[string]string{nodeA: "toy_wrong: true", nodeB: "toy_files: [x]"})))
		if _, ok := s.Journal.LastConverged(); ok || round.Outcome() != reconcile.Held {
			t.Errorf("%v, last converged %v", round.Outcome(), ok)
		}
		st := reconcile.StatusOf("test", round)
		if st.Owners[0].Owner != "toy/" || st.Owners[0].State != reconcile.Rejected {
			t.Errorf("owners %v", st.Owners)
		}
	})
}

// Less is pruned, never more, when an earlier revision is gone, or cannot be read, or could not be
// acted on.
func TestAPriorThatIsGonePrunesLess(t *testing.T) {
	for name, spoil := range map[string]func(*story){
		"gone":       func(s *story) { delete(s.commits, "B") },
		"unreadable": func(s *story) { s.commit("B", "]") },
		"refused": func(s *story) {
			s.commit("B", toyText(map[string]string{nodeA: "toy_files: [x, y]", nodeB: "toy_amiss: true"}))
		},
		"misspelt": func(s *story) {
			s.commit("B", toyText(map[string]string{nodeA: "toy_files: [x, y]", "nobody": ""}))
		},
		"wrong": func(s *story) { s.commit("B", toyText(map[string]string{nodeA: "toy_files: [x, y], toy_late: true"})) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := play(t)
				a := toyText(map[string]string{nodeA: "toy_files: [x, w]"})
				s.converge(s.commit("A", a), false)
				s.failAt("z")
				s.run(t.Context(), s.commit("B", toyText(map[string]string{nodeA: "toy_files: [x, y, z]"})))
				s.fleet.revive()
				spoil(s)
				s.converge(s.commit("C", toyText(map[string]string{nodeA: "toy_files: [x]"})), false)
				s.wantThere(nodeA, "x", "y")
			})
		})
	}
}

func TestARefusedCommitChangesNothing(t *testing.T) {
	for name, text := range map[string]string{
		"unreadable": "all: [",
		"empty":      "",
		"refused":    toyText(map[string]string{nodeA: "toy_amiss: true", nodeB: "toy_files: [y]"}),
		"twice":      "all:\n  hosts:\n    10.0.0.1: {}\n    10.0.0.1: { toy_files: [y] }\n",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := play(t)
				s.converge(s.commit("A", toyText(map[string]string{nodeA: "toy_files: [x]", nodeB: "toy_files: [x]"})), false)
				calls := len(s.fleet.calls)
				_, err := s.Run(t.Context(), s.commit("B", text), s.at, nil)
				if err == nil || len(s.fleet.calls) != calls {
					t.Fatalf("%v, %d changes", err, len(s.fleet.calls)-calls)
				}
				if got := s.Journal.Attempted(); len(got) != 1 || got[0] != "A" {
					t.Errorf("it counts as attempted: %v", got)
				}
			})
		})
	}
}

// An inventory without the cluster, or without anything, takes nothing of the cluster away.
func TestRemovingTheClusterIsHeld(t *testing.T) {
	for name, text := range map[string]string{
		"no group":   members(""),
		"no hosts":   "all: {}\n",
		"empty":      "all:\n  children:\n    etcd: { hosts: {} }\n",
		"only nodes": strings.ReplaceAll(members("", upTo(3)...), "etcd:", "other:"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := scenario{before: upTo(3)}.begin(t)
				round, err := s.Run(t.Context(), s.commit("B", text), s.at, nil)
				if err == nil && round.Outcome() != reconcile.Held {
					t.Errorf("%v\n%s", round.Outcome(), show(round))
				}
				for _, c := range s.fleet.calls {
					t.Errorf("%c %s was done", c.Action, c.ID)
				}
				if got := s.fleet.String(); got != three {
					t.Errorf("the cluster is %s", got)
				}
			})
		})
	}
}
