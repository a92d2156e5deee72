package git

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	gitssh "github.com/go-git/go-git/v5/plumbing/transport/ssh"

	"github.com/pigsync/pigsync/sources"
)

// Source follows one ref of one repository. It is safe for use from many goroutines.
type Source struct {
	options Options
	address address
	pinned  plumbing.Hash // the commit that Options.Ref names; zero: it names a branch or tag
	key     string        // names repository and ref in the store
	store   *store
	mirrors []*Source     // asked in turn while this one does not answer; they share the store
	pusher  *Source       // pushes, with the same store; nil when that is this one
	wake    chan struct{} // capacity one: someone thinks there is news
	turn    chan struct{} // capacity one: held during an attempt, of which there is one at a time

	mu       sync.Mutex // guards what follows
	due      time.Time  // when to look again
	compared time.Time  // when mirrors that were not needed were last looked at
	agent    *gitssh.PublicKeysCallback
}

var _ sources.Source = (*Source)(nil)

// New prepares to follow what o names. It makes o.Dir when it is missing, and talks to no one.
func New(o Options) (*Source, error) {
	s, err := remote(o)
	if err != nil {
		return nil, err
	}
	for i, m := range o.Mirrors {
		mirror, err := remote(m.of(o))
		if err != nil {
			return nil, fmt.Errorf("mirror %d: %w", i+1, err)
		}
		s.mirrors = append(s.mirrors, mirror)
	}
	if o.PushTo != nil {
		if s.pusher, err = remote(o.PushTo.pushing(o)); err != nil {
			return nil, fmt.Errorf("where to push: %w", err)
		}
	}
	st, err := openStore(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("open object store: %w", err)
	}
	for _, one := range slices.Concat(s.mirrors, []*Source{s, s.pusher}) {
		if one != nil {
			one.store, one.key = st, s.key
		}
	}
	return s, nil
}

// remote is a source of one remote, without a store yet.
func remote(o Options) (*Source, error) {
	a, err := parseAddress(o.URL, o.AllowLocal)
	if err != nil {
		return nil, err
	}
	o = o.filled()
	if err := o.check(a); err != nil {
		return nil, fmt.Errorf("%s: %w", a.shown, err)
	}
	followed := a.shown + "\n" + o.Ref
	if o.Versions != "" {
		followed += "\n" + o.Versions
	}
	sum := sha256.Sum256([]byte(followed))
	s := &Source{
		options: o, address: a, key: hex.EncodeToString(sum[:8]),
		wake: make(chan struct{}, 1), turn: make(chan struct{}, 1),
	}
	if isCommit(o.Ref) {
		s.pinned = plumbing.NewHash(o.Ref)
	}
	return s, nil
}

// String names the repository, without any credential.
func (s *Source) String() string { return s.address.shown }

// Wake makes Next look at the remote now rather than when it is due. It never blocks, and
// however often it is called before Next looks, Next looks once.
func (s *Source) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Next implements sources.Source. It returns an error after one attempt that failed; called
// again, it tries again at once.
func (s *Source) Next(ctx context.Context, after string) (sources.Revision, error) {
	for wait := after != ""; ; wait = true {
		if wait {
			if err := s.sleep(ctx); err != nil {
				return sources.Revision{}, err
			}
		}
		rev, err := s.attempt(ctx, after)
		if err != nil || rev.ID != after {
			return rev, err
		}
	}
}

// sleep waits until it is time to look again. What is pinned never changes.
func (s *Source) sleep(ctx context.Context) error {
	s.mu.Lock()
	rest := time.Until(s.due)
	s.mu.Unlock()
	timer := time.NewTimer(rest)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
	case <-s.wake:
	}
	return ctx.Err()
}

// attempt looks at the remote once. When after is still the newest revision, that is all the
// result says.
func (s *Source) attempt(ctx context.Context, after string) (sources.Revision, error) {
	select {
	case <-ctx.Done():
		return sources.Revision{}, ctx.Err()
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	}
	began := time.Now()
	defer func() { sources.Looked(ctx, time.Since(began)) }()
	rev, err := s.look(ctx, after)
	if errors.Is(err, errDamaged) || errors.Is(err, errMissing) {
		if err := s.store.reset(); err != nil {
			return sources.Revision{}, fmt.Errorf("empty damaged object store: %w", err)
		}
		rev, err = s.look(ctx, after)
	}
	s.schedule(err == nil)
	return rev, err
}

func (s *Source) look(ctx context.Context, after string) (sources.Revision, error) {
	head, from, err := s.ask(ctx)
	if err != nil {
		return sources.Revision{}, err
	}
	if head.String() == after {
		return sources.Revision{ID: after}, nil
	}
	rev, err := s.revision(ctx, head)
	if err != nil {
		return sources.Revision{}, err
	}
	if err := s.accept(ctx, head, from); err != nil {
		return sources.Revision{}, err
	}
	return rev, nil
}

// accept remembers head as the last one yielded, unless it takes something back, or is not signed as it must be. A
// mirror never takes anything back: it may be behind.
func (s *Source) accept(ctx context.Context, head plumbing.Hash, from *Source) error {
	last, err := s.store.head(s.key)
	if err != nil || last == head {
		return err
	}
	if !last.IsZero() && s.pinned.IsZero() && (from != s || !s.options.AllowRewind) {
		kept, err := s.store.contains(ctx, head, last)
		if err != nil {
			return fmt.Errorf("%s: compare %.12s with %.12s: %w", from.address.shown, head, last, err)
		}
		if !kept {
			return from.rewound(ctx, head, last)
		}
	}
	if err := s.signed(ctx, head, last, from); err != nil {
		return err
	}
	if err := s.store.setHead(s.key, head); err != nil {
		return fmt.Errorf("remember the last revision: %w", err)
	}
	return nil
}

// schedule says when to look again: after the interval, give or take a tenth; after a failure
// whenever the caller, who waits as it sees fit, calls again.
func (s *Source) schedule(ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.due = time.Time{}
	if ok {
		tenth := s.options.Interval / 10
		s.due = time.Now().Add(s.options.Interval - tenth + rand.N(2*tenth+1))
	}
}

// At implements sources.Source. It looks in the store only.
func (s *Source) At(ctx context.Context, id string) (sources.Revision, error) {
	if !isCommit(id) {
		return sources.Revision{}, sources.Errorf(sources.ErrGone, "%s: %q is not a full commit hash", s.address.shown, sources.Clean(id, 80))
	}
	rev, err := s.revision(ctx, plumbing.NewHash(id))
	if errors.Is(err, errMissing) || errors.Is(err, errDamaged) {
		return sources.Revision{}, sources.Errorf(sources.ErrGone, "%s: revision %s is not in the object store any more", s.address.shown, id)
	}
	return rev, err
}
