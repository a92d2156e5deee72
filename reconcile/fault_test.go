package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/resource"
)

// trouble is a fleet's bad days, the same for the same seed as far as the order of steps is.
type trouble struct {
	*rand.Rand
	s     *story
	nodes []string
	away  string
	dark  bool // it has no power; else nobody can reach it
}

var errLost = errors.New("the answer was lost")

// begin lets changes fail before or after they are made, and the world move in between.
func (x *trouble) begin() {
	x.s.fleet.before = func(c diff.Change) error {
		switch x.IntN(12) {
		case 0:
			return errBoom
		case 1:
			return executors.ErrMoved
		}
		return nil
	}
	x.s.fleet.after = func(diff.Change) error {
		if x.IntN(10) == 0 {
			return errLost
		}
		return nil
	}
}

// day takes another node away for a while, or none.
func (x *trouble) day() {
	x.back()
	if x.IntN(2) == 0 {
		return
	}
	x.away, x.dark = x.nodes[x.IntN(len(x.nodes))], x.IntN(2) == 0
	if x.dark {
		x.s.fleet.with(func() { x.s.fleet.cutPower(x.away) })
	} else {
		x.s.fleet.Down(x.away, true)
	}
}

// back ends what keeps a node away.
func (x *trouble) back() {
	switch {
	case x.away == "":
	case x.dark:
		x.s.fleet.powerOn(x.away)
	default:
		x.s.fleet.Down(x.away, false)
	}
	x.away = ""
}

func (x *trouble) end() {
	x.s.fleet.revive()
	x.back()
}

// Once faults end, all converges; while they last, nothing is done that should not be (the fleet and
// checkRound see to that).
func TestFaultsPass(t *testing.T) {
	for _, c := range scenarios() {
		t.Run(c.name, func(t *testing.T) {
			for seed := range seeds() {
				synctest.Test(t, func(t *testing.T) { c.suffer(t, seed) })
				if t.Failed() {
					t.Fatalf("seed %d", seed)
				}
			}
		})
	}
}

// seeds is how many fates are tried; PIGSYNC_SEEDS asks for more.
func seeds() uint64 {
	if n, err := strconv.ParseUint(os.Getenv("PIGSYNC_SEEDS"), 10, 64); err == nil {
		return n
	}
	return 4
}

func (c scenario) suffer(t *testing.T, seed uint64) {
	s := c.begin(t)
	rev := s.commit("after", members(c.vars, c.after...))
	x := &trouble{Rand: rand.New(rand.NewPCG(seed, 1)), s: s, nodes: hosts(5)}
	s.rounds = nil
	x.begin()
	for range 4 {
		x.day()
		if round := s.run(t.Context(), rev); c.approve && round.Outcome() == reconcile.Held {
			s.approve(round)
		}
		time.Sleep(time.Minute)
	}
	x.end()
	for _, r := range s.rounds {
		checkRound(t, r)
	}
	s.converge(rev, true) // a node that was away may have lost its place
	if got := s.fleet.String(); got != c.want {
		t.Errorf("the cluster is %s, want %s", got, c.want)
	}
}

// checkRound looks for what must never be in the results of a round.
func checkRound(t *testing.T, r *reconcile.Round) {
	t.Helper()
	ran := func(err error) bool {
		return err == nil || !errors.Is(err, reconcile.ErrHeld) && !errors.Is(err, reconcile.ErrBlocked) &&
			!errors.Is(err, reconcile.ErrUnknown) && !errors.Is(err, reconcile.ErrDropped) && !errors.Is(err, reconcile.ErrJournal)
	}
	for i, s := range r.Plan.Steps {
		if !ran(r.Results[i]) {
			continue
		}
		if s.Action == diff.Wait || r.Verdicts[i] != 0 {
			t.Errorf("%c %s ran with the verdict %s", s.Action, s.ID, r.Verdicts[i])
		}
		for j, o := range r.Plan.Steps {
			needed := slices.Contains(s.Needs, j) || s.Action == diff.Delete && o.Action != diff.Delete && o.Owner == s.Owner
			if needed && r.Results[j] != nil {
				t.Errorf("%c %s ran although %c %s did not succeed: %v", s.Action, s.ID, o.Action, o.ID, r.Results[j])
			}
		}
	}
}

// Without a journal that can be written, differences are seen and reported, and nothing is done.
func TestNothingIsDoneThatCannotBeWrittenDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(t)
		s.converge(s.commit("A", toyText(map[string]string{nodeA: "toy_files: [x]"})), false)
		s.Journal.Close()
		calls := len(s.fleet.calls)
		round := s.run(t.Context(), s.commit("B", toyText(map[string]string{nodeA: "toy_files: [y]"})))
		if len(s.fleet.calls) != calls || round.Outcome() != reconcile.Failed || len(round.Plan.Steps) != 2 {
			t.Errorf("%v, %d changes\n%s", round.Outcome(), len(s.fleet.calls)-calls, show(round))
		}
		for _, err := range round.Results {
			if !errors.Is(err, reconcile.ErrJournal) {
				t.Errorf("got %v", err)
			}
		}
		if round := s.run(t.Context(), s.commits["A"]); round.Outcome() != reconcile.Converged {
			t.Errorf("what is as it should be is not: %v", round.Outcome())
		}
	})
}

// A journal that fails in the middle of a plan stops what has not begun.
func TestAJournalThatFailsInTheMiddle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(t)
		s.fleet.after = func(c diff.Change) error {
			if c.ID.Name == "/f2" {
				s.Journal.Close()
			}
			return nil
		}
		last := s.run(t.Context(), s.commit("A", toyText(map[string]string{nodeA: "toy_files: [f1, f2, f3]"})))
		s.wantThere(nodeA, "f1", "f2")
		first := s.rounds[0].Results
		if !errors.Is(first[1], reconcile.ErrJournal) || !errors.Is(first[2], reconcile.ErrBlocked) || last.Outcome() != reconcile.Failed {
			t.Errorf("got %v, then %v", first, last.Results)
		}
	})
}

// broken panics where it is told to.
type broken struct {
	executors.Executor
	observe, apply bool
}

func (b *broken) Observe(ctx context.Context, ids []resource.ID) map[resource.ID]resource.State {
	if b.observe {
		panic("observe")
	}
	return b.Executor.Observe(ctx, ids)
}

func (b *broken) Apply(ctx context.Context, c diff.Change) error {
	if b.apply && c.ID.Name == "/f" {
		panic("apply")
	}
	return b.Executor.Apply(ctx, c)
}

func TestPanicsAreErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(t)
		hands := &broken{Executor: s.fleet, apply: true}
		s.hands = hands
		rev := s.commit("A", toyText(map[string]string{nodeA: "toy_files: [f]", nodeB: "toy_files: [g]"}))
		if round := s.run(t.Context(), rev); round.Outcome() != reconcile.Failed || !strings.Contains(fmt.Sprint(round.Causes()), "apply") {
			t.Errorf("%v %v", round.Outcome(), round.Causes())
		}
		s.wantThere(nodeB, "g")
		hands.observe = true
		round := s.run(t.Context(), rev)
		for _, step := range round.Plan.Steps {
			if step.Action != diff.Wait {
				t.Errorf("%c %s", step.Action, step.ID)
			}
		}
		s.Modules = append(s.Modules, &modules.Module{Name: "bad", Survey: func(*inventory.Inventory) []resource.ID { panic("survey") }})
		if _, err := s.Run(t.Context(), rev, s.at, nil); err == nil {
			t.Error("a module that panics is accepted")
		}
	})
}

// What nobody needs any more is not looked at for ever.
func TestForgetsWhatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(t)
		both := toyText(map[string]string{nodeA: "toy_files: [x]", nodeB: "toy_files: [x]"})
		s.converge(s.commit("A", both), false)
		only := s.commit("B", toyText(map[string]string{nodeA: "toy_files: [x]"}))
		s.converge(only, false)
		s.run(t.Context(), only)
		round := s.run(t.Context(), only)
		if len(round.Have) != 2 { // the facts and the file
			t.Errorf("still looking at %v", round.Have)
		}
	})
}

// A look that ends in the middle says nothing, and is not written down.
func TestALookThatWasStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(t)
		rev := s.commit("A", toyText(map[string]string{nodeA: "toy_files: [x]"}))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		seq, _ := s.Journal.Head()
		if round, err := s.Run(ctx, rev, s.at, nil); round != nil || !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if now, _ := s.Journal.Head(); now != seq {
			t.Error("it was written down")
		}
	})
}
