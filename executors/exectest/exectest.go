package exectest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

// Options say what an executor can do.
type Options struct {
	Samples []Sample
	Strange []resource.ID                         // what it cannot know anything of
	Blind   func(t testing.TB) executors.Executor // one that cannot see its samples; nil: there is none
	Secrets func() []string                       // what nobody may see, asked for at the end; nil: nothing
	Logged  func() string                         // all that was logged so far; nil: nothing is

	// These are for RunFiles.
	At    string // the place of all files; "" means "node-1"
	Tree  bool   // names are paths of one file system, and commands run
	Owner string // a user and group that exist, other than root; "" leaves owners out
	Walks int    // random walks of about thirty changes; 0 means as many as rapid makes
}

// Sample is a resource and the specs it goes through, from what is there first to the last and, unless
// that is never done, to its removal. Each spec differs from the one before.
type Sample struct {
	ID    resource.ID
	Specs []resource.Spec
	First resource.Spec       // what is there before; nil is nothing
	Needs []resource.Resource // made before it, in order
	Never []resource.Spec     // what it never becomes; with nil among them it is never removed
	Late  bool                // what was planned from another state may be made all the same: the hand knows what counts
}

// timeout bounds every call of the suite.
const timeout = 60 * time.Second

// Run tries what every executor promises. New is called for each test and may register cleanups.
func Run(t *testing.T, New func(t testing.TB) executors.Executor, o Options) {
	for _, s := range o.Samples {
		t.Run("life of a "+string(s.ID.Kind), func(t *testing.T) { start(t, New, o).whole(s) })
	}
	t.Run("every id gets a state", func(t *testing.T) { start(t, New, o).everyID() })
	t.Run("what cannot be applied", func(t *testing.T) { start(t, New, o).refused() })
	t.Run("a dry run", func(t *testing.T) { start(t, New, o).dryRun() })
	t.Run("all at the same time", func(t *testing.T) { start(t, New, o).together() })
	t.Run("the same at the same time", func(t *testing.T) { start(t, New, o).race() })
	if o.Blind != nil {
		t.Run("what cannot be seen", func(t *testing.T) { start(t, o.Blind, o).unseen() })
	}
}

// bench is one executor under test.
type bench struct {
	*testing.T
	e executors.Executor
	o Options
}

func start(t *testing.T, New func(t testing.TB) executors.Executor, o Options) *bench {
	w := &witness{Executor: New(t), said: map[string]bool{}}
	t.Cleanup(func() { w.search(t, o) })
	return &bench{T: t, e: w, o: o}
}

func (b *bench) ctx() context.Context {
	ctx, cancel := context.WithTimeout(b.Context(), timeout)
	b.Cleanup(cancel)
	return ctx
}

// look observes one id, which must be known.
func (b *bench) look(id resource.ID) (resource.Spec, error) {
	s, ok := b.e.Observe(b.ctx(), []resource.ID{id})[id]
	if !ok {
		return nil, fmt.Errorf("%s: no state", id)
	}
	return s.Spec, s.Err
}

// change is the step from have to want, nil for absent.
func change(id resource.ID, want, have resource.Spec) diff.Change {
	c := diff.Change{Action: diff.Update, Have: have}
	c.ID, c.Spec = id, want
	switch {
	case want == nil:
		c.Action, c.Spec = diff.Delete, have
	case have == nil:
		c.Action = diff.Create
	}
	return c
}

// set makes want true from what is there.
func (b *bench) set(id resource.ID, want resource.Spec) error {
	have, err := b.look(id)
	if err != nil {
		return err
	}
	return b.e.Apply(b.ctx(), change(id, want, have))
}

// holds looks whether what is there is what should be, and gives it.
func (b *bench) holds(id resource.ID, want resource.Spec) (resource.Spec, error) {
	have, err := b.look(id)
	if err == nil {
		err = differs(want, have)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", id, err)
	}
	return have, nil
}

func differs(want, have resource.Spec) error {
	switch {
	case want == nil && have == nil:
		return nil
	case want == nil:
		return fmt.Errorf("%v is there", have)
	case have == nil:
		return errors.New("is not there")
	}
	if d := want.Compare(have); len(d) > 0 {
		return fmt.Errorf("differs in %v", d)
	}
	return nil
}

// need makes what a sample needs, where it is not there yet.
func (b *bench) need(s Sample) {
	b.Helper()
	for _, r := range s.Needs {
		if _, err := b.holds(r.ID, r.Spec); err == nil {
			continue
		}
		b.try(b.set(r.ID, r.Spec))
	}
}

func (b *bench) try(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
