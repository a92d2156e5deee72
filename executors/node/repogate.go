package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pigsync/pigsync/resource"
)

const (
	repoPatience = 20 * time.Second // for a store that is being started
	repoEvery    = time.Second
)

// awaitRepo waits at the gate of a repository, and says in vain why it stayed shut.
func (f *Fleet) awaitRepo(ctx context.Context, id resource.ID) error {
	ctx, cancel := context.WithTimeout(ctx, repoPatience)
	defer cancel()
	tick := time.NewTicker(repoEvery)
	defer tick.Stop()
	why := errors.New("nothing is known of it")
	for {
		state := f.Observe(ctx, []resource.ID{id})[id]
		repo, _ := state.Spec.(resource.PGRepo)
		switch {
		case repo.Ready:
			return nil
		case repo.Why != "":
			why = errors.New(repo.Why)
		case state.Err != nil && ctx.Err() == nil:
			why = state.Err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("apply %s: the repository is not ready: %w", id, why)
		case <-tick.C:
		}
	}
}
