package executors

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// Executor observes and changes resources of some kinds. It is safe for concurrent use.
type Executor interface {
	// Observe says what is true of ids now. Every id gets a State.
	Observe(ctx context.Context, ids []resource.ID) map[resource.ID]resource.State
	// Apply makes one change true and returns once it holds. It first looks again: when what
	// is there is no longer c.Have, it changes nothing and returns ErrMoved.
	Apply(ctx context.Context, c diff.Change) error
}

// ErrMoved reports that the world changed between observing and applying.
var ErrMoved = errors.New("the world has moved since the plan was made")

// Mux sends each kind to its executor, all at once.
type Mux map[resource.Kind]Executor

// Observe asks every executor once.
func (m Mux) Observe(ctx context.Context, ids []resource.ID) map[resource.ID]resource.State {
	out := make(map[resource.ID]resource.State, len(ids))
	byHand := map[Executor][]resource.ID{}
	for _, id := range ids {
		if e, ok := m[id.Kind]; ok {
			byHand[e] = append(byHand[e], id)
		} else {
			out[id] = resource.State{Err: nobody(id)}
		}
	}
	var mu sync.Mutex // guards out
	var wg sync.WaitGroup
	for e, ids := range byHand {
		wg.Go(func() {
			seen := Seen(ids, func() map[resource.ID]resource.State { return e.Observe(ctx, ids) })
			mu.Lock()
			defer mu.Unlock()
			maps.Copy(out, seen)
		})
	}
	wg.Wait()
	return out
}

// Apply asks the executor of the change's kind.
func (m Mux) Apply(ctx context.Context, c diff.Change) error {
	e, ok := m[c.ID.Kind]
	if !ok {
		return nobody(c.ID)
	}
	return e.Apply(ctx, c)
}

// Seen is what look says of ids. One that panics has told nothing; that it does so in a goroutine of
// its own must not end the process, and with it the looks at everything else.
func Seen(ids []resource.ID, look func() map[resource.ID]resource.State) (seen map[resource.ID]resource.State) {
	defer func() {
		if p := recover(); p != nil {
			seen = make(map[resource.ID]resource.State, len(ids))
			for _, id := range ids {
				seen[id] = resource.State{Err: fmt.Errorf("observe %s: the executor failed: %v", id, p)}
			}
		}
	}()
	return look()
}

func nobody(id resource.ID) error { return fmt.Errorf("nobody here can handle %s", id) }

// DryRun observes and never applies.
type DryRun struct{ Executor }

// Apply does nothing, successfully.
func (DryRun) Apply(context.Context, diff.Change) error { return nil }
