package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

const (
	// watchTimeout bounds the request that sets up a watch.
	watchTimeout = 30 * time.Second
	// watchAgain is how soon one that could not be set up is asked for again.
	watchAgain = time.Minute
)

var (
	_ executors.Watcher = (*Fleet)(nil)

	errNoStream = errors.New("there is no connection to the node")
	errNotYet   = errors.New("it is being set up")
)

// vigils are the watches over the nodes of a fleet.
type vigils struct {
	mu     sync.Mutex // guards what follows
	stir   func(executors.Stir)
	wanted map[string][]resource.ID // by node
	kept   map[string]*vigil        // by node
}

// vigil is the watch over one node.
type vigil struct {
	remote *Remote       // that keeps it
	heard  *Remote       // the end of which is waited for
	ids    []resource.ID // that were asked for last
	asked  time.Time
	asking bool
	err    error // nil while it is kept
}

// Watch asks the helpers to watch, over the streams that looking has opened. A node without one is not watched
// until somebody has looked at it.
func (f *Fleet) Watch(ids []resource.ID, stir func(executors.Stir)) {
	byNode, _ := f.spread(slices.DeleteFunc(slices.Clone(ids), func(id resource.ID) bool {
		return !slices.Contains(resource.NodeKinds, id.Kind) && !isPG(id.Kind)
	}))
	v := &f.vigils
	v.mu.Lock()
	defer v.mu.Unlock()
	v.stir, v.wanted = stir, byNode
	if v.kept == nil {
		v.kept = map[string]*vigil{}
	}
	for at := range v.kept {
		if byNode[at] == nil {
			delete(v.kept, at)
		}
	}
	for at, ids := range byNode {
		slices.SortFunc(ids, resource.ID.Compare)
		f.post(at, ids)
	}
}

// post sees to it that the watch over a node is the one that is wanted; the vigils are locked.
func (f *Fleet) post(at string, ids []resource.ID) {
	k := f.vigils.kept[at]
	if k == nil {
		k = &vigil{err: errNotYet}
		f.vigils.kept[at] = k
	}
	r := f.stream(at)
	switch {
	case k.asking:
		return // whoever asks will ask again
	case r == nil:
		k.remote, k.err = nil, errNoStream
		return
	case k.remote == r && slices.Equal(k.ids, ids) && (k.err == nil || time.Since(k.asked) < watchAgain):
		return
	}
	k.remote, k.ids, k.asking, k.asked = r, ids, true, time.Now()
	go f.keep(at, k, r, ids)
}

// stream is the living stream to a node, nil when there is none.
func (f *Fleet) stream(at string) *Remote {
	f.mu.Lock()
	s := f.nodes[at]
	f.mu.Unlock()
	if s == nil || f.here(at) != nil {
		return nil
	}
	return s.living()
}

// keep asks for a watch, and says so when it is lost.
func (f *Fleet) keep(at string, k *vigil, r *Remote, ids []resource.ID) {
	ctx, cancel := context.WithTimeout(context.Background(), watchTimeout)
	defer cancel()
	err := r.watch(ctx, ids, f.placesAt(at, false), func(ids []resource.ID) { f.vigils.tell(at, ids) })
	v := &f.vigils
	v.mu.Lock()
	fresh := k.heard != r // else it only watches something else now
	k.heard, k.asking, k.err = r, false, err
	if wanted := v.wanted[at]; wanted != nil && !slices.Equal(wanted, ids) && v.kept[at] == k {
		f.post(at, wanted)
	}
	v.mu.Unlock()
	if err == nil {
		v.tell(at, nil)
	}
	if fresh {
		<-r.dead
		v.lose(at, k, r)
	}
}

// lose notes that the stream of a watch has ended. A look opens the next one.
func (v *vigils) lose(at string, k *vigil, r *Remote) {
	v.mu.Lock()
	lost := k.remote == r
	if lost {
		k.err = fmt.Errorf("the connection was lost: %w", r.cause)
	}
	v.mu.Unlock()
	if lost {
		v.tell(at, nil)
	}
}

func (v *vigils) tell(at string, ids []resource.ID) {
	v.mu.Lock()
	stir, wanted := v.stir, v.wanted[at] != nil
	v.mu.Unlock()
	if wanted && stir != nil {
		stir(executors.Stir{At: at, IDs: ids})
	}
}

// Watches tells how the watches over the nodes stand.
func (f *Fleet) Watches() (all []executors.Watch) {
	v := &f.vigils
	v.mu.Lock()
	defer v.mu.Unlock()
	for at, k := range v.kept {
		all = append(all, executors.Watch{At: at, Source: executors.SourceNode, Err: k.err})
	}
	return all
}
