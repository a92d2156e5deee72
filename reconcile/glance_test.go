package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/resource"
)

// lookout is a fleet of which a test tells the daemon that it stirs; it notes who was asked when.
type lookout struct {
	executors.Executor
	echo bool // what is changed stirs

	mu    sync.Mutex // guards what follows
	stir  func(executors.Stir)
	ids   []resource.ID
	lost  error
	blind resource.ID // of this nothing is known
	asked map[string][]time.Time
}

func (l *lookout) Watch(ids []resource.ID, stir func(executors.Stir)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ids, l.stir = ids, stir
}

func (l *lookout) Watches() []executors.Watch {
	l.mu.Lock()
	defer l.mu.Unlock()
	return []executors.Watch{{At: nodeA, Source: executors.SourceNode}, {At: nodeB, Source: executors.SourceNode, Err: l.lost}}
}

func (l *lookout) stirs(id resource.ID) {
	l.mu.Lock()
	stir := l.stir
	l.mu.Unlock()
	if stir != nil {
		stir(executors.Stir{At: id.At, IDs: []resource.ID{id}})
	}
}

func (l *lookout) Observe(ctx context.Context, ids []resource.ID) map[resource.ID]resource.State {
	l.mu.Lock()
	places := map[string]bool{}
	for _, id := range ids {
		if !places[id.At] {
			places[id.At] = true
			l.asked[id.At] = append(l.asked[id.At], time.Now())
		}
	}
	blind := l.blind
	l.mu.Unlock()
	seen := l.Executor.Observe(ctx, ids)
	if _, asked := seen[blind]; asked {
		seen[blind] = resource.State{Err: errBoom}
	}
	return seen
}

func (l *lookout) Apply(ctx context.Context, c diff.Change) error {
	err := l.Executor.Apply(ctx, c)
	if l.echo {
		l.stirs(c.ID)
	}
	return err
}

// since forgets who was asked, and gives it.
func (l *lookout) since() map[string][]time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	asked := l.asked
	l.asked = map[string][]time.Time{}
	return asked
}

// looksOut is a daemon over two nodes with a file each, which agree.
func looksOut(t *testing.T, ps ...*policies.Policy) (*served, *lookout) {
	s := play(t)
	l := &lookout{Executor: s.fleet, asked: map[string][]time.Time{}}
	s.hands, s.Policies = l, append(s.Policies, ps...)
	v := serve(t, s)
	v.push("A", toyText(map[string]string{nodeA: "toy_files: [f, g]", nodeB: "toy_files: [f]"}))
	after(10 * time.Second)
	v.wantState(reconcile.InSync, "A")
	l.since()
	return v, l
}

// Where something stirs is looked at once, and nowhere else; the minute of the interval is not waited for.
func TestAStirIsAReasonToLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, l := looksOut(t)
		began := time.Now()
		l.stirs(toyFile("f", nodeA))
		after(200 * time.Millisecond)
		if asked := l.since(); len(asked[nodeA]) != 1 || len(asked[nodeB]) != 0 {
			t.Errorf("nothing had changed, and asked were %v", asked)
		}
		after(10 * time.Second)
		v.fleet.Set(toyFile("f", nodeA), nil)
		l.stirs(toyFile("f", nodeA))
		after(500 * time.Millisecond)
		v.wantThere(nodeA, "f", "g")
		v.wantState(reconcile.InSync, "A")
		if time.Since(began) > time.Minute {
			t.Error("the test waited for the interval")
		}
	})
}

// Drift that is only reported is shown at once, too, and so is its end.
func TestAStirShowsWhatIsOnlyReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, l := looksOut(t, policies.Modes([]policies.Mode{{Owners: []string{"*", "*/*"}, Heal: new(false)}}))
		f := toyFile("f", nodeA)
		was := v.fleet.Get(f)
		for range 3 {
			v.fleet.Set(f, nil)
			l.stirs(f)
			after(400 * time.Millisecond)
			if st := v.wantState(reconcile.OnHold, "A"); !st.Drift {
				t.Error("the drift is not shown")
			}
			v.fleet.Set(f, was)
			l.stirs(f)
			after(400 * time.Millisecond)
			v.wantState(reconcile.InSync, "A")
		}
	})
}

// While something is left that must wait, where another place stirs is looked at all the same.
func TestAStirIsHeardWhileSomethingWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, l := looksOut(t)
		l.mu.Lock()
		l.blind = toyFile("f", nodeB)
		l.mu.Unlock()
		v.push("B", toyText(map[string]string{nodeA: "toy_files: [f, g]", nodeB: "toy_files: [f, h]"}))
		after(30 * time.Second)
		v.wantState(reconcile.Unknown, "B")
		v.fleet.Set(toyFile("f", nodeA), nil)
		l.stirs(toyFile("f", nodeA))
		after(500 * time.Millisecond)
		v.wantThere(nodeA, "f", "g")
	})
}

// After a failure a stir is no reason to try again, and what is seen is shown.
func TestAStirIsShownAfterAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, l := looksOut(t)
		tries := 0
		v.fleet.with(func() {
			v.fleet.before = func(c diff.Change) error {
				tries++
				return errBoom
			}
		})
		v.push("B", toyText(map[string]string{nodeA: "toy_files: [f, g, h]", nodeB: "toy_files: [f]"}))
		after(30 * time.Second)
		v.wantState(reconcile.Failing, "B")
		shown, before := v.d.Status(), tries
		v.fleet.Set(toyFile("g", nodeA), nil)
		l.stirs(toyFile("g", nodeA))
		after(200 * time.Millisecond)
		if st := v.wantState(reconcile.Failing, "B"); st == shown || tries != before {
			t.Errorf("shown anew: %t; tried %d times, want %d", st != shown, tries, before)
		}
	})
}

// What stirs all the time for nothing costs little, and drowns nothing else.
func TestAStormOfStirs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, l := looksOut(t)
		storm := func() {
			for range 1000 {
				l.stirs(toyFile("g", nodeA))
				time.Sleep(10 * time.Millisecond)
			}
		}
		storm()
		for range 11 {
			storm()
		}
		if asked := l.since(); len(asked[nodeA]) > 20 {
			t.Errorf("two minutes of storm: asked %d times", len(asked[nodeA]))
		}
		v.fleet.Set(toyFile("f", nodeA), nil)
		l.stirs(toyFile("f", nodeA))
		storm()
		v.wantThere(nodeA, "f", "g")
		v.fleet.Set(toyFile("g", nodeA), nil) // the one that cried wolf is heard, later
		l.stirs(toyFile("g", nodeA))
		after(30 * time.Second)
		v.wantThere(nodeA, "f", "g")
	})
}

// What the daemon does itself does not wake it for ever.
func TestOwnChangesAreNoReasonForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, l := looksOut(t)
		l.echo = true
		v.fleet.Set(toyFile("f", nodeA), nil)
		l.stirs(toyFile("f", nodeA))
		after(10 * time.Second)
		v.wantThere(nodeA, "f", "g")
		if asked := l.since(); len(asked[nodeA]) > 5 {
			t.Errorf("healing one file took %d looks", len(asked[nodeA]))
		}
		v.fleet.with(func() { v.fleet.before = func(diff.Change) error { return errBoom } })
		v.fleet.Set(toyFile("f", nodeA), nil)
		l.stirs(toyFile("f", nodeA))
		after(time.Second)
		l.since()
		for range 60 {
			l.stirs(toyFile("f", nodeA))
			after(time.Second)
		}
		if asked := l.since(); len(asked[nodeA]) > 12 {
			t.Errorf("what fails is tried with growing pauses, and a stir is no short cut: asked %d times in a minute", len(asked[nodeA]))
		}
	})
}

// Each place has its turn in every interval, and not all have it at the same time.
func TestPlacesAreAskedInTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, l := looksOut(t)
		seen := v.d.Status().Seen
		after(2 * time.Minute)
		l.since()
		after(5 * time.Minute)
		asked := l.since()
		together := map[string]int{}
		for _, at := range []string{nodeA, nodeB} {
			if n := len(asked[at]); n < 4 || n > 6 {
				t.Errorf("%s was asked %d times in 5 minutes", at, n)
			}
			for _, when := range asked[at] {
				together[fmt.Sprint(when.Unix())]++
			}
		}
		for when, n := range together {
			if n > 1 {
				t.Errorf("%d nodes were asked at %s", n, when)
			}
		}
		if now := v.d.Status().Seen; now.Sub(seen) < 5*time.Minute {
			t.Errorf("all was seen at %s, says the status", now)
		}
		v.fleet.Set(toyFile("f", nodeB), nil) // and nothing stirs
		after(65 * time.Second)
		v.wantThere(nodeB, "f")
	})
}

// A watch that is lost is said, and polling goes on.
func TestALostWatchIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, l := looksOut(t)
		if st := v.d.Status(); st.Watched != 2 || len(st.Unwatched) != 0 {
			t.Errorf("%d watched, and not: %+v", st.Watched, st.Unwatched)
		}
		l.mu.Lock()
		l.lost = errors.New("cut")
		l.mu.Unlock()
		l.stirs(resource.ID{At: nodeB})
		after(time.Second)
		if st := v.wantState(reconcile.InSync, "A"); st.Watched != 1 || len(st.Unwatched) != 1 || st.Unwatched[0].Place != nodeB {
			t.Errorf("%d watched, and not: %+v", st.Watched, st.Unwatched)
		}
	})
}
