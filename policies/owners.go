package policies

import (
	"fmt"
	"path"
	"slices"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// Frozen denies every step of an owner with a problem at this commit: what was half understood is
// neither changed nor pruned.
func Frozen() *Policy {
	return &Policy{
		Name: "frozen",
		Doc:  "denies every step of an owner with a problem at this commit",
		Judge: func(c *Case) []Objection {
			return eachStep(c, Deny, "PS103", func(s diff.Step) string {
				if !c.Frozen[s.Owner] {
					return ""
				}
				return s.Owner + " has a problem at this commit"
			})
		},
	}
}

// Holds keeps hands off the owners somebody asked to leave alone.
func Holds() *Policy {
	return &Policy{
		Name:  "holds",
		Doc:   "holds the owners somebody asked to leave alone, until the time they named",
		Judge: judgeHolds,
	}
}

func judgeHolds(c *Case) (os []Objection) {
	for i, s := range c.Plan.Steps {
		for _, h := range c.Holds {
			if acts(s) && c.Now.Before(h.Until) && h.Covers(s.Owner) {
				reason := fmt.Sprintf("held by %s: %s", h.By, h.Reason)
				os = append(os, Objection{Step: i, Verdict: Hold, Code: "PS106", Reason: reason, Until: h.Until})
			}
		}
	}
	return os
}

// ReportOnly never changes the owners that match one of the patterns ("etcd/*", "node/10.0.*").
func ReportOnly(patterns []string) *Policy {
	return &Policy{
		Name: "report-only",
		Doc:  "reports the differences of some owners and changes nothing there",
		Judge: func(c *Case) []Objection {
			return eachStep(c, Hold, "PS107", func(s diff.Step) string {
				for _, p := range patterns {
					if matches(p, s.Owner) && !onlyNotes(s) {
						return "differences of " + s.Owner + " are only reported"
					}
				}
				return ""
			})
		},
	}
}

// onlyNotes tells whether the step does no more than renew a note of ours: after a reboot that is no
// difference anybody wants to hear of.
func onlyNotes(s diff.Step) bool {
	return s.Action == diff.Update && !slices.ContainsFunc(s.Fields, func(f resource.Field) bool { return f.Path != resource.Noted })
}

// Covers tells whether an owner is to be left alone.
func (h HoldOrder) Covers(owner string) bool { return matches(h.Owner, owner) }

func matches(pattern, owner string) bool {
	ok, err := path.Match(pattern, owner)
	return pattern == owner || err == nil && ok
}
