package git

import (
	"context"
	"errors"
	"iter"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/pigsync/pigsync/sources"
)

// signed refuses head unless every commit that came since last was signed by somebody who is known. Where nothing was
// taken yet, the newest commit answers for all before it.
func (s *Source) signed(ctx context.Context, head, last plumbing.Hash, from *Source) error {
	if !s.options.Signed {
		return nil
	}
	if last.IsZero() {
		return s.signature(head, from)
	}
	before := s.store.before(last)
	defer before.stop()
	seen := map[plumbing.Hash]bool{head: true}
	for queue := []plumbing.Hash{head}; len(queue) > 0; queue = queue[1:] {
		if err := ctx.Err(); err != nil {
			return err
		}
		old, err := before.has(queue[0])
		if err != nil {
			return err
		}
		if old {
			continue
		}
		if err := s.signature(queue[0], from); err != nil {
			if old, look := s.store.contains(ctx, last, queue[0]); look != nil || !old {
				return errors.Join(look, err)
			}
			continue
		}
		c, err := s.store.commit(queue[0])
		if err != nil {
			return err
		}
		for _, parent := range c.ParentHashes {
			if !seen[parent] {
				seen[parent] = true
				queue = append(queue, parent)
			}
		}
	}
	return nil
}

// signature says what is wrong with that of a commit.
func (s *Source) signature(h plumbing.Hash, from *Source) error {
	c, err := s.store.commit(h)
	if errors.Is(err, errMissing) {
		return sources.Errorf(sources.ErrUnsigned, "%s: %.12s is not there, so nobody knows who signed it: the repository gives only the end of its history", from.address.shown, h)
	}
	if err != nil {
		return err
	}
	who := sources.Clean(c.Author.Name+" <"+c.Author.Email+">", maxAuthor)
	if c.PGPSignature == "" {
		return sources.Errorf(sources.ErrUnsigned, "%s: %.12s of %s is not signed, and here every commit must be", from.address.shown, h, who)
	}
	if _, err := s.signer(c); err != nil {
		return sources.Errorf(sources.ErrUnsigned, "%s: %.12s of %s: %s", from.address.shown, h, who, sources.Clean(err.Error(), maxSubject))
	}
	return nil
}

// past are the commits before one, as far as they were looked at.
type past struct {
	next  func() (plumbing.Hash, error, bool)
	stop  func()
	known map[plumbing.Hash]bool
}

func (s *store) before(h plumbing.Hash) *past {
	next, stop := iter.Pull2(s.history(h))
	return &past{next, stop, map[plumbing.Hash]bool{}}
}

// pastStep is how much of the past is looked at with each question: whoever walks back from what is new is met soon
// after the place where it left what is old.
const pastStep = 4

// has tells whether a commit is known to be of the past. One that is may not be known yet.
func (p *past) has(h plumbing.Hash) (bool, error) {
	for range pastStep {
		old, err, more := p.next()
		if !more {
			break
		}
		if err != nil {
			return false, err
		}
		p.known[old] = true
	}
	return p.known[h], nil
}
