package policies

import (
	"fmt"
	"slices"

	"github.com/pigsync/pigsync/diff"
)

// Blast is how much a commit may take away or touch at once.
type Blast struct {
	Share float64 // of all owners, from 0 to 1, may vanish
	Few   int     // so many may always vanish
	Touch float64 // of all owners may be changed, or restarted and worse; 0 is as many as there are
	Scope Scope   // what counts as touched
}

// DefaultBlast is the default: what takes away more than a quarter of the clusters and nodes, and more than two of
// them, was perhaps not meant.
func DefaultBlast() Blast { return Blast{Share: 0.25, Few: 2} }

// BlastRadius takes a commit from which too many owners have vanished altogether, or that touches too many, for an
// error of the inventory: nothing of it is done until that is approved. A list that lost its end, or a wrong
// branch, looks like this, and then the rest of it is not meant, either.
func BlastRadius(b Blast) *Policy {
	return &Policy{
		Name: "blast",
		Doc:  "holds a commit that takes too much away, or touches too much",
		Judge: func(c *Case) []Objection {
			reason := b.vanishing(c)
			if reason == "" {
				reason = b.touching(c)
			}
			if reason == "" {
				return nil
			}
			return eachStep(c, Hold, "PS110", func(s diff.Step) string {
				if approved(c, s) {
					return ""
				}
				return reason + ": approve plan " + c.Digest() + " if that is meant"
			})
		},
	}
}

// vanishing says that too many have vanished, as long as not all of that is approved.
func (b Blast) vanishing(c *Case) string {
	gone, all := vanished(c)
	if len(gone) <= b.Few || float64(len(gone)) <= b.Share*float64(all) {
		return ""
	}
	meant := !slices.ContainsFunc(c.Plan.Steps, func(s diff.Step) bool {
		return s.Action == diff.Delete && gone[s.Owner] && !approved(c, s)
	})
	if meant {
		return ""
	}
	return fmt.Sprintf("%d of %d clusters and nodes vanish at once", len(gone), all)
}

// touching says that too many are touched by a commit. Drift is no commit.
func (b Blast) touching(c *Case) string {
	if b.Touch == 0 || c.Settled {
		return ""
	}
	owners, touched := map[string]bool{}, map[string]bool{}
	for r := range c.Want.All() {
		owners[r.Owner] = true
	}
	for _, s := range c.Plan.Steps {
		owners[s.Owner] = true
		if acts(s) && b.Scope.Covers(s) {
			touched[s.Owner] = true
		}
	}
	if len(touched) <= b.Few || float64(len(touched)) <= b.Touch*float64(len(owners)) {
		return ""
	}
	return fmt.Sprintf("%d of %d clusters and nodes are touched at once", len(touched), len(owners))
}

// vanished are the owners of removals for whom this commit asks nothing any more; all counts them and the others.
func vanished(c *Case) (gone map[string]bool, all int) {
	there := map[string]bool{}
	for r := range c.Want.All() {
		there[r.Owner] = true
	}
	gone = map[string]bool{}
	for _, s := range c.Plan.Steps {
		if s.Action == diff.Delete && !there[s.Owner] {
			gone[s.Owner] = true
		}
	}
	return gone, len(there) + len(gone)
}
