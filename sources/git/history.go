package git

import (
	"context"
	"errors"
	"iter"

	"github.com/go-git/go-git/v5/plumbing"
)

// history walks from a commit through those it contains, nearest first. A commit that is not
// in the store (the remote is shallow) ends its line.
func (s *store) history(from plumbing.Hash) iter.Seq2[plumbing.Hash, error] {
	return func(yield func(plumbing.Hash, error) bool) {
		seen := map[plumbing.Hash]bool{from: true}
		for queue := []plumbing.Hash{from}; len(queue) > 0; queue = queue[1:] {
			c, err := s.commit(queue[0])
			if errors.Is(err, errMissing) {
				continue
			}
			if !yield(queue[0], err) || err != nil {
				return
			}
			for _, parent := range c.ParentHashes {
				if !seen[parent] {
					seen[parent] = true
					queue = append(queue, parent)
				}
			}
		}
	}
}

// contains reports whether old is newer or one of the commits before it. What cannot be shown
// is not so.
func (s *store) contains(ctx context.Context, newer, old plumbing.Hash) (bool, error) {
	for h, err := range s.history(newer) {
		if err := errors.Join(err, ctx.Err()); err != nil {
			return false, err
		}
		if h == old {
			return true, nil
		}
	}
	return false, nil
}
