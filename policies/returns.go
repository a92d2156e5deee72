package policies

import (
	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// undoable are the hazards of what a return to an earlier commit may do by itself.
const undoable = resource.Reload | resource.Restart

// Returns keeps a return to an earlier commit from doing what cannot be undone in turn: what the later commit made and
// holds data, a member that came or went, who leads. For that somebody reverts the commit, and the plan is judged as any.
func Returns() *Policy {
	return &Policy{
		Name: "returns",
		Doc:  "lets a return to an earlier commit destroy nothing",
		Judge: func(c *Case) (os []Objection) {
			if !c.Returning {
				return nil
			}
			for i, s := range c.Plan.Steps {
				if !acts(s) || s.Hazard()&^undoable == 0 && !s.Orphan {
					continue
				}
				os = append(os, Objection{Step: i, Verdict: Deny, Code: "PS140", Reason: whyNot(s)})
			}
			return os
		},
	}
}

func whyNot(s diff.Step) string {
	if s.Orphan {
		return "a return to an earlier commit takes no owner apart: revert the commit to have it so"
	}
	return "a return to an earlier commit does nothing that may cost " + (s.Hazard() &^ undoable).String() + ": revert the commit to have it so"
}
