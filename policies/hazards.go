package policies

import (
	"fmt"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// Careful is what needs approval unless the daemon's file says otherwise.
const Careful = resource.Failover | resource.Topology | resource.DataLoss | resource.Lockout

// Hazards holds every step that may cost one of mask until that very step is approved. What else of the
// same owner goes in this plan is held with it: a removal is done whole or not at all.
func Hazards(mask resource.Hazard) *Policy {
	return &Policy{
		Name: "hazards",
		Doc:  "holds what may cost " + mask.String() + " until it is approved",
		Judge: func(c *Case) []Objection {
			removals := heldRemovals(c, mask)
			return eachStep(c, Hold, "PS101", func(s diff.Step) string {
				switch first := removals[s.Owner]; {
				case needsApproval(c, s, mask):
					return fmt.Sprintf("may cost %s: approve plan %s", s.Hazard()&mask, c.Digest())
				case s.Action == diff.Delete && first != nil:
					return "goes together with " + first.ID.String()
				}
				return ""
			})
		},
	}
}

func needsApproval(c *Case, s diff.Step, mask resource.Hazard) bool {
	return acts(s) && s.Hazard()&mask != 0 && !approved(c, s)
}

// heldRemovals finds for each owner the first removal that nobody has approved.
func heldRemovals(c *Case, mask resource.Hazard) map[string]*diff.Step {
	held := map[string]*diff.Step{}
	for i := range c.Plan.Steps {
		s := &c.Plan.Steps[i]
		if s.Action == diff.Delete && held[s.Owner] == nil && needsApproval(c, *s, mask) {
			held[s.Owner] = s
		}
	}
	return held
}

// Safeguards denies taking away what the inventory put under a safeguard parameter, approved or not. Of an owner that
// leaves, and has something under one, all stays: it is taken apart whole or not at all.
func Safeguards() *Policy {
	return &Policy{
		Name: "safeguards",
		Doc:  "denies every loss of what a safeguard parameter protects",
		Judge: func(c *Case) []Objection {
			kept := guardedOrphans(c.Plan)
			return eachStep(c, Deny, "PS102", func(s diff.Step) string {
				guard := guardOf(s)
				if guard == "" && s.Orphan {
					guard = kept[s.Owner]
				}
				if guard == "" {
					return ""
				}
				return guard + " is on: turn it off in a commit of its own first"
			})
		},
	}
}

// guardOf is the safeguard parameter that forbids a step, "" where none does.
func guardOf(s diff.Step) string {
	if s.Action != diff.Delete && s.Hazard()&(resource.Topology|resource.DataLoss) == 0 {
		return ""
	}
	return s.Guard
}

// guardedOrphans are the owners that leave, and of which something is under a safeguard.
func guardedOrphans(p *diff.Plan) map[string]string {
	kept := map[string]string{}
	for _, s := range p.Steps {
		if s.Orphan && acts(s) && kept[s.Owner] == "" {
			kept[s.Owner] = guardOf(s)
		}
	}
	return kept
}
