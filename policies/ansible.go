package policies

import (
	"fmt"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// Ansible keeps hands off while somebody else's do the same work: off everything, where it is run from a node of the
// fleet, as nobody can tell what it will do next; and where tasks come from elsewhere, off the owners of that node.
func Ansible() *Policy {
	return &Policy{
		Name: "ansible",
		Doc:  "holds what somebody's Ansible may be working on",
		Judge: func(c *Case) []Objection {
			seen := c.ansible()
			if len(seen) == 0 {
				return nil
			}
			run, worked := runFrom(seen), c.workedOn(seen)
			return eachStep(c, Hold, "PS132", func(s diff.Step) string {
				if run != "" {
					return run
				}
				return worked[s.Owner]
			})
		},
	}
}

// ansible is what is seen of it, by node.
func (c *Case) ansible() map[string]resource.Ansible {
	seen := map[string]resource.Ansible{}
	for id, state := range c.Have {
		if id.Kind != resource.KindFacts || id != resource.FactsOf(id.At) {
			continue
		}
		if facts, _ := state.Spec.(resource.Facts); facts.Ansible != (resource.Ansible{}) {
			seen[id.At] = facts.Ansible
		}
	}
	return seen
}

// runFrom says where it is run from, "" when that is nowhere to be seen.
func runFrom(seen map[string]resource.Ansible) string {
	for _, node := range sortedKeys(seen) {
		if pid := seen[node].Runs; pid != 0 {
			return fmt.Sprintf("somebody runs Ansible on %s (process %d)", node, pid)
		}
	}
	return ""
}

// workedOn says for each owner of something on a node with tasks why it waits.
func (c *Case) workedOn(seen map[string]resource.Ansible) map[string]string {
	reasons := map[string]string{}
	note := func(owner, node string) {
		reason := "somebody's Ansible works on " + node
		if before, there := reasons[owner]; seen[node].Tasks && (!there || reason < before) {
			reasons[owner] = reason
		}
	}
	if c.Want != nil {
		for r := range c.Want.All() {
			note(r.Owner, r.ID.At)
		}
	}
	for _, s := range c.Plan.Steps {
		note(s.Owner, s.ID.At)
	}
	return reasons
}
