package policies

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// Budget is how many nodes may be in work at a time.
type Budget struct {
	Name  string
	Scope Scope
	Per   Per     // what shares the budget
	Label string  // with PerLabel: owners with the same value of it share
	Max   int     // nodes at a time; 0 is no limit but Share
	Share float64 // of the nodes of the inventory, from 0 to 1, and never less than one; 0 is no limit but Max
}

// Per says who shares a budget.
type Per string

// The groups that share a budget.
const (
	PerFleet  Per = "fleet"
	PerModule Per = "module"
	PerOwner  Per = "owner" // a cluster, or a node for what is the node's own
	PerLabel  Per = "label"
	PerHost   Per = "host" // the machine below a node, as the label "host" of node/<address> says
)

// hostLabel is the label that names the physical machine of a node.
const hostLabel = "host"

// Labels are what the daemon's file says of owners, by exact name or pattern: {"pgsql/pg-gold*": {"tier": "gold"}}.
type Labels map[string]map[string]string

// Of merges the labels of an owner; an exact name wins over patterns, and a longer pattern over a shorter.
func (l Labels) Of(owner string) map[string]string {
	merged := map[string]string{}
	from := map[string]string{}
	for pattern, labels := range l {
		if !matches(pattern, owner) {
			continue
		}
		for k, v := range labels {
			if was, set := from[k]; !set || nearer(pattern, was, owner) {
				merged[k], from[k] = v, pattern
			}
		}
	}
	return merged
}

func nearer(a, b, owner string) bool {
	if (a == owner) != (b == owner) {
		return a == owner
	}
	return len(a) > len(b) || len(a) == len(b) && a < b
}

// Budgets holds what would put more nodes into work at a time than a budget has. Steps that wait for each
// other are not at the same time. A node that nobody can see is in work already.
func Budgets(budgets []Budget, labels Labels) *Policy {
	return &Policy{
		Name: "budget",
		Doc:  "holds what would disturb too many nodes at a time",
		Judge: func(c *Case) (os []Objection) {
			for _, b := range budgets {
				os = append(os, b.judge(c, labels)...)
			}
			return os
		},
	}
}

func (b Budget) judge(c *Case, labels Labels) (os []Objection) {
	limit, dark := b.limit(c)
	lanes := map[string][]int{} // of a group, the last steps of what goes on side by side
	for i, s := range c.Plan.Steps {
		if !acts(s) || !b.Scope.Covers(s) {
			continue
		}
		group, shares := b.group(s, labels)
		if shares && group == "" && b.Per == PerHost {
			reason := fmt.Sprintf("budget %s: nobody said on which machine node/%s is: give it the label %s", b.Name, s.ID.At, hostLabel)
			os = append(os, Objection{Step: i, Verdict: Hold, Code: "PS114", Reason: reason})
			continue
		}
		if !shares || join(c.Plan, lanes[group], i) {
			continue
		}
		if len(lanes[group])+b.missing(dark, s) >= limit {
			os = append(os, Objection{Step: i, Verdict: Hold, Code: "PS114", Reason: b.reason(limit, group)})
			continue
		}
		lanes[group] = append(lanes[group], i)
	}
	return os
}

// join puts a step behind one that it waits for, or that is on the same node.
func join(p *diff.Plan, lanes []int, i int) bool {
	for lane, last := range lanes {
		if p.Steps[last].ID.At == p.Steps[i].ID.At || after(p, i, last) {
			lanes[lane] = i
			return true
		}
	}
	return false
}

// missing is how many other nodes a budget of the whole fleet has lost already.
func (b Budget) missing(dark map[string]bool, s diff.Step) int {
	if b.Per != PerFleet {
		return 0
	}
	n := len(dark)
	if dark[s.ID.At] {
		n--
	}
	return n
}

func (b Budget) reason(limit int, group string) string {
	of := "of the fleet"
	if group != "" {
		of = "of " + group
	}
	return fmt.Sprintf("budget %s: %d at a time %s", b.Name, limit, of)
}

// limit is how many nodes may be in work, and which ones nobody can see.
func (b Budget) limit(c *Case) (limit int, dark map[string]bool) {
	nodes, dark := 0, map[string]bool{}
	for id, state := range c.Have {
		if id.Kind != resource.KindFacts {
			continue
		}
		nodes++
		if state.Err != nil {
			dark[id.At] = true
		}
	}
	limit = b.Max
	if share := max(1, int(b.Share*float64(nodes))); b.Share > 0 && (limit == 0 || share < limit) {
		limit = share
	}
	return limit, dark
}

// group is with whom the step shares; shares is false for an owner without the label.
func (b Budget) group(s diff.Step, labels Labels) (group string, shares bool) {
	switch b.Per {
	case PerOwner:
		return s.Owner, true
	case PerModule:
		module, _, _ := strings.Cut(s.Owner, "/")
		return module, true
	case PerLabel:
		value, ok := labels.Of(s.Owner)[b.Label]
		return b.Label + " " + value, ok
	case PerHost:
		_, err := netip.ParseAddr(s.ID.At)
		return labels.Of("node/" + s.ID.At)[hostLabel], err == nil
	case PerFleet:
	}
	return "", true
}
