package forge

import (
	"slices"

	"github.com/pigsync/pigsync/sources"
)

// pull is a pull request that was merged.
type pull struct {
	number  int64
	head    string   // its last commit
	writers []string // who opened it, and who wrote its commits
}

// review is one of a pull request, whatever it says.
type review struct {
	sources.Review
	opinion opinion
	void    bool // dismissed, or not what its author wrote
}

// opinion is what a review says of a pull request.
type opinion uint8

const (
	remarks  opinion = iota // neither one nor the other
	approves                // until its author says otherwise
	objects                 // and takes back what he approved before
)

// standing are the reviews that approve a pull request as it was merged, the oldest first.
func standing(p *pull, all []review) (stand []sources.Review) {
	slices.SortStableFunc(all, func(a, b review) int { return a.When.Compare(b.When) })
	for _, r := range all {
		switch {
		case r.opinion == objects:
			stand = slices.DeleteFunc(stand, func(s sources.Review) bool { return s.By == r.By })
		case r.opinion == approves && !r.void && r.By != "" && r.Head == p.head && !slices.Contains(p.writers, r.By):
			stand = append(stand, r.Review)
		}
	}
	return stand
}
