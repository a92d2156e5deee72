package memory

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

// World is the fleet. Its exported fields must not be changed while it is used.
type World struct {
	Fail  func(diff.Change) error // asked before acting, nil never fails
	Lose  func(diff.Change) error // asked after acting: the change was made, the answer is the error
	Holds func(resource.ID) bool  // whether a gate holds, nil: all do
	// Flaky is how likely a change fails by chance, half of them after it was made. 0 is never.
	Flaky float64

	mu    sync.Mutex // guards what follows
	rand  *rand.Rand
	specs map[resource.ID]resource.Spec
	down  map[string]bool
	log   []diff.Change
	left  int // changes until the crash, -1 for none
	made  int // things that were given a number
}

var _ executors.Executor = (*World)(nil)

var (
	errDown    = errors.New("the node does not answer")
	errCrashed = errors.New("the process has crashed")
	errChance  = errors.New("bad luck")
	errGate    = errors.New("the gate does not hold")
)

// New makes an empty fleet.
func New(seed uint64) *World {
	return &World{
		rand: rand.New(rand.NewPCG(seed, seed)), specs: map[resource.ID]resource.Spec{},
		down: map[string]bool{}, left: -1,
	}
}

// Set makes something be there as it is given; nil takes it away.
func (w *World) Set(id resource.ID, s resource.Spec) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.set(id, s)
}

func (w *World) set(id resource.ID, s resource.Spec) {
	if s == nil {
		delete(w.specs, id)
		return
	}
	w.specs[id] = s
}

// Get says what is there, whether the node answers or not; nil is nothing.
func (w *World) Get(id resource.ID) resource.Spec {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.specs[id]
}

// IDs lists what is there, sorted.
func (w *World) IDs() []resource.ID {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.SortedFunc(maps.Keys(w.specs), resource.ID.Compare)
}

// Down lets everything at a place answer with an error, or no longer.
func (w *World) Down(at string, down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down[at] = down
}

// CrashAfter lets n more changes be made. Every later call fails until it is called again; a negative
// n never crashes.
func (w *World) CrashAfter(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.left = n
}

// Applied lists the changes that were made, in order.
func (w *World) Applied() []diff.Change {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.log)
}

// Observe says what is there.
func (w *World) Observe(ctx context.Context, ids []resource.ID) map[resource.ID]resource.State {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make(map[resource.ID]resource.State, len(ids))
	for _, id := range ids {
		spec, err := w.see(ctx, id)
		if err != nil {
			err = fmt.Errorf("observe %s: %w", id, err)
		}
		out[id] = resource.State{Spec: spec, Err: err}
	}
	return out
}

func (w *World) see(ctx context.Context, id resource.ID) (resource.Spec, error) {
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case w.left == 0:
		return nil, errCrashed
	case w.down[id.At]:
		return nil, errDown
	case id.Kind == resource.KindEtcdHealth:
		return resource.EtcdHealth{Healthy: w.holds(id)}, nil
	case id.Kind == resource.KindPGHealth:
		return resource.PGHealth{Healthy: w.holds(id)}, nil
	case id.Kind == resource.KindPGAbsent:
		_, there := w.specs[absentee(id)]
		return resource.PGAbsent{There: there}, nil
	case id.Kind == resource.KindPGOff:
		return resource.PGOff{Open: w.open(absentee(id))}, nil
	}
	return w.specs[id], nil
}

func (w *World) holds(id resource.ID) bool { return w.Holds == nil || w.Holds(id) }

// Apply makes a change, or fails as it was told to.
func (w *World) Apply(ctx context.Context, c diff.Change) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	err := w.apply(ctx, c)
	if err == nil || errors.Is(err, executors.ErrMoved) {
		return err
	}
	return fmt.Errorf("apply %s: %w", c.ID, err)
}

func (w *World) apply(ctx context.Context, c diff.Change) error {
	have, err := w.see(ctx, c.ID)
	if err != nil {
		return err
	}
	if err := ask(w.Fail, c); err != nil {
		return err
	}
	chance := w.rand.Float64()
	if chance < w.Flaky/2 {
		return errChance
	}
	switch {
	case c.Action == diff.Check:
		if !w.holds(c.ID) {
			return errGate
		}
		return nil
	case c.Action == diff.Wait || c.Spec == nil && c.Action != diff.Delete:
		return diff.ErrNotKnown
	case !reflect.DeepEqual(c.Have, have):
		return executors.ErrMoved
	}
	w.act(c)
	if chance < w.Flaky {
		return errChance
	}
	return ask(w.Lose, c)
}

func (w *World) act(c diff.Change) {
	switch {
	case c.ID.Kind == resource.KindPGAbsent:
		w.set(absentee(c.ID), nil)
	case c.ID.Kind == resource.KindPGOff:
		w.close(absentee(c.ID))
	case c.Action == diff.Delete:
		w.set(c.ID, nil)
	default:
		w.made++
		w.set(c.ID, shown(c, w.made))
	}
	w.log = append(w.log, c)
	if w.left > 0 {
		w.left--
	}
}

// open tells whether a role or a database may be used.
func (w *World) open(id resource.ID) bool {
	switch s := w.specs[id].(type) {
	case resource.PGRole:
		return s.Is[resource.PGLogin]
	case resource.PGDatabase:
		return s.Open()
	}
	return false
}

// close lets nobody use it any more.
func (w *World) close(id resource.ID) {
	switch s := w.specs[id].(type) {
	case resource.PGRole:
		s.Is = maps.Clone(s.Is)
		s.Is[resource.PGLogin] = false
		w.set(id, s)
	case resource.PGDatabase:
		s.AllowConn = new(false)
		w.set(id, s)
	}
}

// absentee is what an id wishes gone.
func absentee(id resource.ID) resource.ID {
	kind, name, _ := strings.Cut(id.Name, "/")
	return resource.ID{Kind: resource.Kind(kind), Name: name, At: id.At}
}

func ask(f func(diff.Change) error, c diff.Change) error {
	if f == nil {
		return nil
	}
	return f(c)
}
