package etcd

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

var (
	_ executors.Watcher = (*Executor)(nil)

	errNotYet  = errors.New("it is being set up")
	errNowhere = errors.New("no etcd is known in which its keys could be")
)

const (
	firstPause = time.Second // after a watch was lost
	lastPause  = time.Minute
)

// keys watches what Patroni keeps in etcd of its clusters.
type keys struct {
	mu       sync.Mutex // guards what follows
	prefixes map[string]string
	stir     func(executors.Stir)
	watches  map[string]*keyWatch // by cluster of PostgreSQL
	closed   bool
	wg       sync.WaitGroup
}

// keyWatch is the watch over the keys of one cluster of PostgreSQL.
type keyWatch struct {
	prefix string
	end    context.CancelFunc
	err    error // nil while it is kept
}

// SetPatroni says of which clusters Patroni keeps keys, and where.
func (e *Executor) SetPatroni(places []resource.PGPlace) {
	e.keys.mu.Lock()
	defer e.keys.mu.Unlock()
	e.keys.prefixes = map[string]string{}
	for _, p := range places {
		if p.Keys != "" {
			e.keys.prefixes[p.At] = p.Keys
		}
	}
}

// Watch watches the keys of the clusters of PostgreSQL of which something is asked for.
func (e *Executor) Watch(ids []resource.ID, stir func(executors.Stir)) {
	asked := map[string]bool{}
	for _, id := range ids {
		asked[id.At] = true
	}
	k := &e.keys
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stir = stir
	if k.watches == nil {
		k.watches = map[string]*keyWatch{}
	}
	for at, w := range k.watches {
		if !asked[at] || k.prefixes[at] != w.prefix {
			w.end()
			delete(k.watches, at)
		}
	}
	for at, prefix := range k.prefixes {
		if k.watches[at] != nil || !asked[at] || k.closed {
			continue
		}
		ctx, end := context.WithCancel(context.Background())
		w := &keyWatch{prefix: prefix, end: end, err: errNotYet}
		k.watches[at] = w
		k.wg.Go(func() { e.keep(ctx, at, w) })
	}
}

// Watches tells how the watches over the keys of clusters stand.
func (e *Executor) Watches() (all []executors.Watch) {
	e.keys.mu.Lock()
	defer e.keys.mu.Unlock()
	for _, at := range slices.Sorted(maps.Keys(e.keys.watches)) {
		all = append(all, executors.Watch{At: at, Source: executors.SourceEtcd, Err: e.keys.watches[at].err})
	}
	return all
}

func (k *keys) close() {
	k.mu.Lock()
	k.closed = true
	for _, w := range k.watches {
		w.end()
	}
	k.mu.Unlock()
	k.wg.Wait()
}

// note says how a watch stands from now on. When it is kept again, and when it was lost, anything may have changed.
func (k *keys) note(at string, w *keyWatch, err error) {
	k.mu.Lock()
	news := (w.err == nil) != (err == nil)
	w.err = err
	k.mu.Unlock()
	if news {
		k.tell(executors.Stir{At: at})
	}
}

func (k *keys) tell(s executors.Stir) {
	k.mu.Lock()
	stir := k.stir
	k.mu.Unlock()
	if stir != nil {
		stir(s)
	}
}

// keep watches until ctx ends, anew whenever the watch is lost.
func (e *Executor) keep(ctx context.Context, at string, w *keyWatch) {
	pause := firstPause
	for ctx.Err() == nil {
		began := time.Now()
		err := e.watchOnce(ctx, at, w)
		if ctx.Err() != nil {
			return
		}
		e.keys.note(at, w, err)
		if time.Since(began) > lastPause {
			pause = firstPause
		}
		wait(ctx, pause)
		pause = min(2*pause, lastPause)
	}
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
