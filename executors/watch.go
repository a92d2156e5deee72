package executors

import (
	"context"
	"time"

	"github.com/pigsync/pigsync/resource"
)

// Watcher is an Executor that can tell when something may have changed, so that nobody has to wait for the
// next look. It decides nothing: whoever is told looks. Optional.
type Watcher interface {
	// Watch keeps watch over these ids from now on and over nothing else, as far as it can. It does not wait.
	// stir is called from many goroutines at once, and must be quick. When the watch over a place begins,
	// or begins anew, that place stirs once: something may have changed before.
	Watch(ids []resource.ID, stir func(Stir))
	// Watches tells how the watches stand that are wanted.
	Watches() []Watch
}

// Stir says that something may have changed at a place.
type Stir struct {
	At  string
	IDs []resource.ID // what may have; none: anything there
}

// Watch is how the watch over a place stands.
type Watch struct {
	At     string // a node or a cluster
	Source string // who watches there: SourceNode, SourceEtcd
	Err    error  // nil while it is kept; else only a look tells whether something has changed
}

// The sources of a watch.
const (
	SourceNode = "node" // the helper: files and units
	SourceEtcd = "etcd" // keys of Patroni
)

// Watch lets everybody watch who can.
func (m Mux) Watch(ids []resource.ID, stir func(Stir)) {
	for w := range m.watchers() {
		w.Watch(ids, stir)
	}
}

// Watches are those of all who can watch.
func (m Mux) Watches() (all []Watch) {
	for w := range m.watchers() {
		all = append(all, w.Watches()...)
	}
	return all
}

func (m Mux) watchers() map[Watcher]bool {
	found := map[Watcher]bool{}
	for _, e := range m {
		if w := WatcherOf(e); w != nil {
			found[w] = true
		}
	}
	return found
}

// WatcherOf finds who can watch in an executor, or in what it is wrapped around; nil when nobody can.
func WatcherOf(e Executor) Watcher {
	w, _ := unwrapped(e, func(e Executor) bool { _, ok := e.(Watcher); return ok }).(Watcher)
	return w
}

// Inquirer is an Executor that can find out who was where something changed that nobody asked for. It only reads.
// Optional.
type Inquirer interface {
	// Inquire gives what was found about each id since a time, the newest first. What cannot be read is no clue.
	Inquire(ctx context.Context, ids []resource.ID, since time.Time) map[resource.ID][]resource.Clue
}

// Inquire asks everybody who can find something out.
func (m Mux) Inquire(ctx context.Context, ids []resource.ID, since time.Time) map[resource.ID][]resource.Clue {
	found := map[resource.ID][]resource.Clue{}
	asked := map[Inquirer]bool{}
	for _, e := range m {
		q := InquirerOf(e)
		if q == nil || asked[q] {
			continue
		}
		asked[q] = true
		for id, clues := range q.Inquire(ctx, ids, since) {
			found[id] = append(found[id], clues...)
		}
	}
	return found
}

// InquirerOf finds who can inquire in an executor, or in what it is wrapped around; nil when nobody can.
func InquirerOf(e Executor) Inquirer {
	q, _ := unwrapped(e, func(e Executor) bool { _, ok := e.(Inquirer); return ok }).(Inquirer)
	return q
}

// unwrapped looks for the executor that fits, from the outside to the inside.
func unwrapped(e Executor, fits func(Executor) bool) Executor {
	for e != nil && !fits(e) {
		inner, wrapped := e.(interface{ Unwrap() Executor })
		if !wrapped {
			return nil
		}
		e = inner.Unwrap()
	}
	return e
}
