package policies

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// Setbacks holds what restarts instances of a PostgreSQL cluster once one of them did not come back from just
// that: the same would happen again, to this one and to the next. A commit with another value is another attempt.
func Setbacks() *Policy {
	return &Policy{
		Name: "setbacks",
		Doc:  "holds restarts of a PostgreSQL cluster of which an instance has not come back from one",
		Judge: func(c *Case) []Objection {
			failed := setbacks(c)
			return eachStep(c, Hold, "PS131", func(s diff.Step) string {
				why, stopped := failed[s.Owner]
				if !stopped || s.Hazard()&(resource.Restart|resource.Failover) == 0 || approved(c, s) {
					return ""
				}
				return fmt.Sprintf("%s: another value, or approve plan %s to try it again", why, c.Digest())
			})
		},
	}
}

// setbacks say of each owner in the plan what did not come back from the restart that is to be made again.
func setbacks(c *Case) map[string]string {
	failed := map[string]string{}
	for _, s := range c.Plan.Steps {
		if s.ID.Kind != resource.KindPGMember || !acts(s) || c.Past == nil {
			continue
		}
		events := c.Past(s.ID, c.Memory.Since)
		first := slices.IndexFunc(events, func(e Event) bool { return e.setback() && (e.Revision == c.Revision || e.Step == s.Digest()) })
		if first >= 0 && !slices.ContainsFunc(events[first:], func(e Event) bool { return e.Err == "" && e.Action != diff.Check }) {
			failed[s.Owner] = s.ID.Name + " has not come back from it at " + moment(events[first].When)
		}
	}
	return failed
}

func (e Event) setback() bool { return strings.Contains(e.Err, resource.PGSetback) }
