package git

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/pigsync/pigsync/sources"
)

// compareEvery is how often mirrors are looked at that are not needed: whoever needs one must not be the first
// to find out that it says something else.
const compareEvery = 10 * time.Minute

// ask fetches from the repository, or else from the first of its mirrors that answers, and says from which. Each
// that was asked is told to Asked.
func (s *Source) ask(ctx context.Context) (head plumbing.Hash, from *Source, err error) {
	head, err = s.fetch(ctx)
	sources.Asked(ctx, 0, s.address.shown, err)
	if err == nil {
		s.compareMirrors(ctx, head)
	}
	if err == nil || !silent(err) || ctx.Err() != nil {
		return head, s, err
	}
	for i, m := range s.mirrors {
		head, failed := m.fetch(ctx)
		sources.Asked(ctx, i+1, m.address.shown, failed)
		if failed == nil {
			return head, m, nil
		}
		err = alsoFailed(err, failed)
	}
	return head, s, err
}

// silent tells whether an error is one that another remote can help with. That there is no such branch, or that
// what is there is not taken, would be no different elsewhere, and must not be hidden by an older state.
func silent(err error) bool {
	for _, kind := range []error{sources.ErrRefused, sources.ErrNoRef, sources.ErrEmpty, sources.ErrRewound, sources.ErrUnsigned, errDamaged, errMissing} {
		if errors.Is(err, kind) {
			return false
		}
	}
	return true
}

// alsoFailed says two errors in one line, of the kind of the first.
func alsoFailed(first, second error) error {
	return sources.Errorf(first, "%v; %v", first, second)
}

// rewound says why the newest revision of a remote is not taken.
func (s *Source) rewound(ctx context.Context, head, last plumbing.Hash) error {
	if behind, err := s.store.contains(ctx, last, head); err == nil && behind {
		return sources.Errorf(sources.ErrRewound, "%s: it is behind: it has %.12s, and we have had %.12s", s.address.shown, head, last)
	}
	return sources.Errorf(sources.ErrRewound,
		"%s: %.12s does not contain %.12s, the last revision: history was rewound, which is not allowed here (AllowRewind)",
		s.address.shown, head, last)
}

// compareMirrors looks now and then whether the mirrors have what the repository has, or had.
func (s *Source) compareMirrors(ctx context.Context, head plumbing.Hash) {
	s.mu.Lock()
	due := len(s.mirrors) > 0 && time.Now().After(s.compared.Add(compareEvery))
	if due {
		s.compared = time.Now()
	}
	s.mu.Unlock()
	if !due {
		return
	}
	for i, m := range s.mirrors {
		other, err := m.fetch(ctx)
		if err == nil {
			err = m.agrees(ctx, other, head)
		}
		if ctx.Err() == nil {
			sources.Asked(ctx, i+1, m.address.shown, err)
		}
	}
}

// agrees tells what a mirror says that the repository does not.
func (s *Source) agrees(ctx context.Context, mine, head plumbing.Hash) error {
	if mine == head {
		return nil
	}
	behind, err := s.store.contains(ctx, head, mine)
	switch {
	case err != nil:
		return fmt.Errorf("%s: compare %.12s with %.12s: %w", s.address.shown, mine, head, err)
	case behind:
		return sources.Errorf(sources.ErrRewound, "%s: it is behind: it has %.12s, and the repository %.12s", s.address.shown, mine, head)
	}
	return sources.Errorf(sources.ErrRewound, "%s: it disagrees: it has %.12s, which is not in %.12s of the repository",
		s.address.shown, mine, head)
}
