package reconcile

import (
	"context"
	"errors"
	"io/fs"

	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/resource"
	"github.com/pigsync/pigsync/sources"
)

// ErrStarting says that the fleet was not looked at yet.
var ErrStarting = errors.New("the fleet was not looked at yet")

// Preview tells what the inventory in tree would do, and changes nothing. Nobody has agreed to that
// inventory yet, so it is not believed: only the nodes of the inventory in force are looked at, the way
// that one says; the others are unknown. The policies are the daemon's own. One is made at a time.
func (d *Daemon) Preview(ctx context.Context, revision string, tree fs.FS) (*Round, error) {
	select {
	case d.previewing <- struct{}{}:
		defer func() { <-d.previewing }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	hands := d.hands.Load()
	if hands == nil {
		return nil, ErrStarting
	}
	apart := &Reconciler{
		Name: d.Name, File: d.File, Access: d.Access, Modules: d.Modules, Policies: d.Policies, Journal: d.Journal, Now: d.Now, Log: d.Log,
		Reach: func(resource.Places) executors.Executor { return executors.DryRun{Executor: *hands} },
	}
	rev := sources.Revision{ID: revision, Tree: tree}
	return apart.Plan(ctx, rev, apart.Priors(rev, d.at(ctx)))
}

// remembering keeps the hands that the rounds have, for those who only look.
func (d *Daemon) remembering(reach func(resource.Places) executors.Executor) func(resource.Places) executors.Executor {
	return func(p resource.Places) executors.Executor {
		hands := reach(p)
		d.hands.Store(&hands)
		d.attention.locate(p)
		return hands
	}
}

// Memory is the journal, nil when nothing is remembered.
func (d *Daemon) Memory() *history.Journal { return d.Journal }
