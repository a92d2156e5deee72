package reconcile_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"testing/synctest"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/sources"
)

// An end is a way in which a process ends at the k-th change it makes.
type end struct {
	name string
	at   func(s *story, k int, stop context.CancelFunc)
}

func ends() []end {
	die := func(s *story) {
		s.Journal.Close() // nothing is written any more
		s.fleet.crash()   // nor done
	}
	return []end{
		{"before it is done", func(s *story, k int, _ context.CancelFunc) {
			s.fleet.before = func(diff.Change) error {
				if len(s.fleet.calls) == k {
					die(s)
					return errDead
				}
				return nil
			}
		}},
		{"before that is written down", func(s *story, k int, _ context.CancelFunc) {
			s.fleet.after = func(diff.Change) error {
				if len(s.fleet.calls) == k {
					die(s)
				}
				return nil
			}
		}},
		{"in good order", func(s *story, k int, stop context.CancelFunc) {
			s.fleet.before = func(diff.Change) error {
				if len(s.fleet.calls) == k {
					stop()
				}
				return nil
			}
		}},
	}
}

// Wherever the process ends, the next one comes to the same end, and nothing that matters is done
// twice: members are added and units started as often as if nothing had happened.
func TestCrashAnywhere(t *testing.T) {
	for _, c := range scenarios() {
		t.Run(c.name, func(t *testing.T) {
			var base *fleet
			n := 0
			synctest.Test(t, func(t *testing.T) {
				s := c.begin(t)
				base = s.fleet.copy(t)
				s.converge(s.commit("after", members(c.vars, c.after...)), c.approve)
				n = len(s.fleet.calls)
			})
			for _, e := range ends() {
				for k := 1; k <= n; k += stride(n) {
					synctest.Test(t, func(t *testing.T) { c.crash(t, base.copy(t), e, k) })
					if t.Failed() {
						t.Fatalf("the process ended at change %d of %d %s", k, n, e.name)
					}
				}
			}
		})
	}
}

// stride leaves out some points of a long story; PIGSYNC_EVERY_CRASH leaves out none.
func stride(n int) int {
	if os.Getenv("PIGSYNC_EVERY_CRASH") != "" {
		return 1
	}
	return 1 + n/6
}

func (c scenario) crash(t *testing.T, f *fleet, e end, k int) {
	s := tell(t, f)
	if c.before != nil {
		s.hasConverged(s.commit("before", members("", c.before...)))
	}
	rev := s.commit("after", members(c.vars, c.after...))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	e.at(s, k, stop)
	for range 3 { // some of it may have to be approved
		round := s.run(ctx, rev)
		if f.dead || ctx.Err() != nil || round.Outcome() == reconcile.Converged {
			break
		}
		s.approve(round)
	}
	if len(f.calls) < k {
		return // the order of the steps is not always the same, and so is their number
	}
	s.restart()
	s.converge(rev, c.approve)
	c.check(t, s)
	if err := history.Verify(s.dir); err != nil {
		t.Error(err)
	}
}

// hasConverged tells the journal of a revision before.
func (s *story) hasConverged(rev sources.Revision) {
	for _, e := range []history.Entry{history.RunBegan{Inventory: "test", Revision: rev.ID}, history.Converged{Revision: rev.ID}} {
		if err := s.Journal.Append(e); err != nil {
			s.t.Fatal(fmt.Errorf("prepare the journal: %w", err))
		}
	}
}
