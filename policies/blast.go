package policies

import (
	"fmt"

	"github.com/pigsync/pigsync/diff"
)

// Blast is how much a commit may take away at once.
type Blast struct {
	Share float64 // of all owners, from 0 to 1
	Few   int     // so many may always go
}

// DefaultBlast is the default: what takes away more than a quarter of the clusters and nodes, and more than two of
// them, was perhaps not meant.
func DefaultBlast() Blast { return Blast{Share: 0.25, Few: 2} }

// BlastRadius holds every removal of a commit from which too many owners have vanished altogether, until it
// is approved: a list that lost its end, or a wrong branch, looks like this.
func BlastRadius(b Blast) *Policy {
	return &Policy{
		Name: "blast",
		Doc:  "holds the removals of a commit that takes too much away",
		Judge: func(c *Case) []Objection {
			gone, all := vanished(c)
			if len(gone) <= b.Few || float64(len(gone)) <= b.Share*float64(all) {
				return nil
			}
			return eachStep(c, Hold, "PS110", func(s diff.Step) string {
				if s.Action != diff.Delete || !gone[s.Owner] || approved(c, s) {
					return ""
				}
				return fmt.Sprintf("%d of %d clusters and nodes vanish at once: approve plan %s if that is meant", len(gone), all, c.Digest())
			})
		},
	}
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
