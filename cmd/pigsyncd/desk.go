package main

import (
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/review"
	"github.com/pigsync/pigsync/sources"
	"github.com/pigsync/pigsync/sources/git"
)

// desks speak for an inventory on the forges that it comes from.
func (c *config) desks(inv inventoryConfig, s *session, d *reconcile.Daemon, log *slog.Logger) error {
	clients, err := c.forges(inv)
	if err != nil || len(clients) == 0 || inv.Git == nil {
		return err
	}
	merger, err := git.New(c.gitOptions(inv.Git, filepath.Join(c.place(inv), "review")))
	if err != nil {
		return fmt.Errorf("where pull requests are looked at: %w", err)
	}
	for _, client := range clients {
		d.Beside = append(d.Beside, review.New(review.Desk{
			Inventory: inv.Name, Branch: inv.Git.Ref, Several: c.share(inv), Board: client, Merger: merger, Drafter: s.source.drafter(inv),
			Fleet: d, Metrics: d.Metrics, Log: log,
		}))
	}
	return nil
}

// share tells whether another inventory comes from the same repository.
func (c *config) share(inv inventoryConfig) bool {
	for _, other := range c.Inventories {
		if other.Name != inv.Name && other.Git != nil && other.Git.URL == inv.Git.URL {
			return true
		}
	}
	return false
}

// drafter pushes branches for review, where the configuration lets it.
func (s *source) drafter(inv inventoryConfig) sources.Drafter {
	if d, ok := s.Source.(sources.Drafter); ok && inv.Git != nil && inv.Git.Push {
		return d
	}
	return nil
}

// tries is after how many failed runs a commit is bad, as the daemon counts.
func (inv inventoryConfig) tries() int {
	switch {
	case inv.Rollback == nil:
		return 0
	case *inv.Rollback == 0:
		return -1
	}
	return *inv.Rollback
}
