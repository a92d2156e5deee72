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
			seen := e.Observe(ctx, ids)
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

func nobody(id resource.ID) error { return fmt.Errorf("nobody here can handle %s", id) }

// DryRun observes and never applies.
type DryRun struct{ Executor }

// Apply does nothing, successfully.
func (DryRun) Apply(context.Context, diff.Change) error { return nil }
