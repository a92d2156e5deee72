package node

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

var _ executors.Inquirer = (*Fleet)(nil)

func (s *server) inquire(ctx context.Context, f frame) frame {
	found := s.l.inquire(ctx, f.IDs, f.Since)
	out := frame{Op: opClues, Clues: make([][]resource.Clue, len(f.IDs))}
	for i, id := range f.IDs {
		out.Clues[i] = found[id]
	}
	return out
}

func (r *Remote) inquire(ctx context.Context, ids []resource.ID, since time.Time) ([][]resource.Clue, error) {
	f, err := r.ask(ctx, frame{Op: opInquire, IDs: ids, Since: since}, nil)
	if err == nil {
		err = f.Err.decode()
	}
	if err == nil && len(f.Clues) != len(ids) {
		err = errFrame
	}
	return f.Clues, err
}

// Inquire asks the nodes to which there is a connection, all at once; what is inside a cluster is asked about at
// every node of it.
func (f *Fleet) Inquire(ctx context.Context, ids []resource.ID, since time.Time) map[resource.ID][]resource.Clue {
	byNode, _ := f.spread(slices.Clone(ids))
	found := map[resource.ID][]resource.Clue{}
	var mu sync.Mutex // guards found
	var wg sync.WaitGroup
	for at, ids := range byNode {
		r := f.stream(at)
		if r == nil {
			continue
		}
		wg.Go(func() {
			clues, err := r.inquire(ctx, ids, since)
			if err != nil {
				return // nobody knows who it was
			}
			mu.Lock()
			defer mu.Unlock()
			for i, id := range ids {
				for _, c := range clues[i] {
					c.At = at
					found[id] = append(found[id], c)
				}
			}
		})
	}
	wg.Wait()
	return found
}
