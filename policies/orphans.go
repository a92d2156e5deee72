package policies

import (
	"slices"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// Orphans holds what an owner that has left the inventory leaves behind until somebody approves that it is
// taken back, whole or not at all, and denies it as long as somebody else lives there.
func Orphans() *Policy {
	return &Policy{
		Name:  "orphans",
		Doc:   "holds what was left behind by who left the inventory, until it is approved",
		Judge: judgeOrphans,
	}
}

func judgeOrphans(c *Case) (os []Objection) {
	unapproved := map[string]bool{} // owners
	for _, s := range c.Plan.Steps {
		unapproved[s.Owner] = unapproved[s.Owner] || s.Orphan && acts(s) && !approved(c, s)
	}
	for i, s := range c.Plan.Steps {
		if !s.Orphan {
			continue
		}
		switch who, lives := tenant(c, s); {
		case s.Action == diff.Wait:
			os = append(os, Objection{Step: i, Verdict: Hold, Code: "PS108", Reason: s.Owner + " has left the inventory, and cannot be looked at" + forgetting(c)})
		case lives:
			os = append(os, Objection{Step: i, Verdict: Deny, Code: "PS109", Reason: who})
		case unapproved[s.Owner]:
			os = append(os, Objection{Step: i, Verdict: Hold, Code: "PS108", Reason: s.Owner + " has left the inventory: approve plan " + c.Digest() + " to take this back"})
		}
	}
	return os
}

// tenant says who else lives where the orphan is. Who cannot be looked at may.
func tenant(c *Case, s diff.Step) (reason string, lives bool) {
	for _, t := range s.Tenants {
		state := c.Have[t.Unit]
		switch unit, _ := state.Spec.(resource.Unit); {
		case state.Err != nil:
			return "nobody knows whether " + t.Owner + " still lives there: " + t.Unit.String(), true
		case unit.Active || unit.Enabled:
			return t.Owner + " still lives there: " + t.Unit.String(), true
		}
	}
	return "", false
}

// forgetting tells how who never answers again is forgotten.
func forgetting(c *Case) string {
	if !onlyLost(c.Plan) {
		return ""
	}
	return ": approve plan " + c.Digest() + " to forget it"
}

// Forgotten tells whether somebody approved exactly this plan, in which there is nothing but what was left
// behind and cannot be looked at.
func Forgotten(c *Case) bool {
	return onlyLost(c.Plan) && slices.ContainsFunc(c.Approvals, func(a Approval) bool {
		return a.Digest == c.Digest() && c.inForce(&a)
	})
}

func onlyLost(p *diff.Plan) bool {
	lost := func(s diff.Step) bool { return s.Orphan && s.Action == diff.Wait }
	return len(p.Steps) > 0 && !slices.ContainsFunc(p.Steps, func(s diff.Step) bool { return !lost(s) })
}
