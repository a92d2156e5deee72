package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"sync"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

// observeTimeout is how long a node may take to be observed, connecting included.
const observeTimeout = 30 * time.Second

// Fleet sends each id to the node it is at. It keeps one stream to each and opens a new one when the
// old one has ended. Its exported fields must not be changed once it is used.
type Fleet struct {
	// Open starts the helper of a node. Required unless every node is here.
	Open func(ctx context.Context, at string) (io.ReadWriteCloser, error)
	// Here gives the hand for a node that needs no stream, nil for one that does. A nil Here means
	// that every node does.
	Here func(at string) executors.Executor
	// Fresh starts the helper over a connection that is opened for it, for the confirmation of a change
	// that may have locked us out; nil means Open.
	Fresh   func(ctx context.Context, at string) (io.ReadWriteCloser, error)
	Options Options
	Timeout time.Duration // for observing one node; 0 means 30 s

	mu      sync.Mutex // guards what follows
	nodes   map[string]*station
	closed  bool
	places  map[string]resource.PGPlace // by cluster
	leaders map[string]string           // by cluster, the node where its leader was last
	vigils  vigils
}

var _ executors.Executor = (*Fleet)(nil)

// station is the stream to one node.
type station struct {
	turn   chan struct{} // of capacity one: full while somebody connects
	mu     sync.Mutex    // guards remote
	remote *Remote
}

// Observe asks all nodes at once, each with one request. A node that does not answer in time is
// unknown and holds up no other for longer than that.
func (f *Fleet) Observe(ctx context.Context, ids []resource.ID) map[resource.ID]resource.State {
	byNode, m := f.spread(ids)
	out := make(map[resource.ID]resource.State, len(ids))
	var mu sync.Mutex // guards out and m
	var wg sync.WaitGroup
	for at, ids := range byNode {
		wg.Go(func() {
			seen := executors.Seen(ids, func() map[resource.ID]resource.State {
				seen, err := f.observe(ctx, at, ids)
				if err != nil {
					seen = unknown(ids, fmt.Errorf("%s: %w", at, err))
				}
				return seen
			})
			mu.Lock()
			defer mu.Unlock()
			m.take(at, seen)
			maps.Copy(out, seen)
		})
	}
	wg.Wait()
	maps.Copy(out, f.merge(m))
	return out
}

// observe tries a second time when the stream was lost under it: looking does no harm.
func (f *Fleet) observe(ctx context.Context, at string, ids []resource.ID) (map[resource.ID]resource.State, error) {
	asker := ctx
	ctx, cancel := context.WithTimeout(ctx, f.timeout())
	defer cancel()
	if e := f.here(at); e != nil {
		return e.Observe(ctx, ids), nil
	}
	for again := false; ; again = true {
		r, err := f.remote(ctx, at)
		if err != nil {
			return nil, err
		}
		seen, err := r.observe(ctx, ids, f.placesAt(at, false))
		if ctx.Err() != nil && asker.Err() == nil {
			r.kill(errSlow) // what does not answer is not kept
		}
		if err == nil || again || !ended(r) {
			return seen, err
		}
	}
}

var (
	errSlow   = errors.New("the node did not answer in time")
	errClosed = errors.New("the fleet is closed")
)

// Apply asks the node that the change is at. The change of a guarded file is confirmed over a new
// connection, also when the old one did not survive it.
func (f *Fleet) Apply(ctx context.Context, c diff.Change) error {
	switch {
	case c.ID.Kind == resource.KindPGHealth && c.Action == diff.Check:
		return f.awaitPG(ctx, c)
	case c.ID.Kind == resource.KindPGRepo && c.Action == diff.Check:
		return f.awaitRepo(ctx, c.ID)
	case f.isCluster(c.ID.At):
		return f.applyInside(ctx, c)
	case c.ID.Kind == resource.KindPGMember:
		return f.restartPG(ctx, c)
	}
	return f.applyAt(ctx, c.ID.At, c)
}

// applyAt asks one node.
func (f *Fleet) applyAt(ctx context.Context, at string, c diff.Change) error {
	if e := f.here(at); e != nil {
		return e.Apply(ctx, c)
	}
	r, err := f.remote(ctx, at)
	if err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	err = r.apply(ctx, c, f.placesAt(at, true))
	if onTrial(c.ID) && (err == nil || ended(r)) {
		err = f.confirm(ctx, c.ID)
	}
	return err
}

// confirmTimeout is for the new connection and its one request; the grace of a change is longer.
const confirmTimeout = 20 * time.Second

func (f *Fleet) confirm(ctx context.Context, id resource.ID) error {
	ctx, cancel := context.WithTimeout(ctx, confirmTimeout)
	defer cancel()
	open := f.Fresh
	if open == nil {
		open = f.Open
	}
	rw, err := open(ctx, id.At)
	if err != nil {
		return lockedOut(id, err)
	}
	r, err := Connect(ctx, rw, f.Options)
	if err != nil {
		return lockedOut(id, err)
	}
	defer shut(r)
	return r.Confirm(ctx, id)
}

func lockedOut(id resource.ID, err error) error {
	return fmt.Errorf("%s: after its change no new connection could be made, so it undoes itself: %w", id, err)
}

func (f *Fleet) timeout() time.Duration {
	if f.Timeout == 0 {
		return observeTimeout
	}
	return f.Timeout
}

func (f *Fleet) here(at string) executors.Executor {
	if f.Here == nil {
		return nil
	}
	return f.Here(at)
}

// remote gives the living stream to a node, opening one when there is none. Whoever comes while it is
// opened waits, but no longer than its own context.
func (f *Fleet) remote(ctx context.Context, at string) (*Remote, error) {
	s, err := f.station(at)
	if err != nil {
		return nil, err
	}
	if r := s.living(); r != nil {
		return r, nil
	}
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if r := s.living(); r != nil {
		return r, nil
	}
	return f.connect(ctx, at, s)
}

func (f *Fleet) station(at string) (*station, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, errClosed
	}
	s := f.nodes[at]
	if s == nil {
		s = &station{turn: make(chan struct{}, 1)}
		if f.nodes == nil {
			f.nodes = map[string]*station{}
		}
		f.nodes[at] = s
	}
	return s, nil
}

func (s *station) living() *Remote {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.remote == nil || ended(s.remote) {
		return nil
	}
	return s.remote
}

func ended(r *Remote) bool {
	select {
	case <-r.dead:
		return true
	default:
		return false
	}
}

func (f *Fleet) connect(ctx context.Context, at string, s *station) (*Remote, error) {
	rw, err := f.Open(ctx, at)
	if err != nil {
		return nil, err
	}
	opts := f.Options.withDefaults()
	opts.Log = opts.Log.With("node", at)
	r, err := Connect(ctx, rw, opts)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		r.kill(errClosed)
		return nil, errClosed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remote = r
	return r, nil
}

// Close ends all streams. It always returns nil.
func (f *Fleet) Close() error {
	f.mu.Lock()
	f.closed = true
	nodes := f.nodes
	f.nodes = nil
	f.mu.Unlock()
	for _, s := range nodes {
		if r := s.living(); r != nil {
			_ = r.Close() // never fails
		}
	}
	return nil
}
