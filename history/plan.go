package history

import (
	"maps"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
)

// Planned is a plan as it was judged.
type Planned struct {
	Revision   string      `json:"revision"`
	Digest     string      `json:"digest"`
	Summary    string      `json:"summary"`
	Steps      []Step      `json:"steps"`
	Objections []Objection `json:"objections,omitempty"`
	// World is what was seen of the plan's clusters, by owner; see policies.World.
	World map[string]string `json:"world,omitempty"`
}

// Step is what is remembered of a step: never a value.
type Step struct {
	ID      resource.ID     `json:"id"`
	Action  string          `json:"action"` // the glyph of diff.Action
	Digest  string          `json:"digest"` // of diff.Change
	Hazard  resource.Hazard `json:"hazard,omitempty"`
	Owner   string          `json:"owner"`
	Origin  string          `json:"origin,omitempty"`  // file:line:column in the inventory
	Verdict string          `json:"verdict,omitempty"` // of policies.Verdict; in a Planned only
	Fields  []Field         `json:"fields,omitempty"`  // in a Planned only
}

// Field is what is remembered of a difference: where it is and what it may cost.
type Field struct {
	Path   string          `json:"path"`
	Hazard resource.Hazard `json:"hazard,omitempty"`
}

// Objection is what is remembered of a policies.Objection.
type Objection struct {
	Step    int       `json:"step"`
	Verdict string    `json:"verdict"`
	Policy  string    `json:"policy"`
	Code    string    `json:"code"`
	Reason  string    `json:"reason"`
	Until   time.Time `json:"until,omitzero"` // when it may be otherwise; zero when nobody knows
}

// NewPlanned is what to remember of a plan and its judgement; verdicts has one for each step.
func NewPlanned(revision string, p *diff.Plan, verdicts []policies.Verdict, os []policies.Objection) Planned {
	out := Planned{Revision: revision, Digest: p.Digest(), Summary: p.Summary(), Steps: make([]Step, len(p.Steps))}
	for i, s := range p.Steps {
		out.Steps[i] = NewStep(s.Change)
		out.Steps[i].Verdict = verdicts[i].String()
		for _, f := range s.Fields {
			out.Steps[i].Fields = append(out.Steps[i].Fields, Field{Path: f.Path, Hazard: f.Hazard})
		}
	}
	for _, o := range os {
		out.Objections = append(out.Objections, Objection{
			Step: o.Step, Verdict: o.Verdict.String(), Policy: o.Policy, Code: o.Code, Reason: o.Reason, Until: o.Until,
		})
	}
	return out
}

// NewStep is what to remember of a change that is about to be made, or was.
func NewStep(c diff.Change) Step {
	return Step{
		ID: c.ID, Action: c.Action.String(), Digest: c.Digest(), Hazard: c.Hazard(),
		Owner: c.Owner, Origin: c.Origin.String(),
	}
}

// Approval lets the steps of the plan through, each once, until then.
func (p Planned) Approval(by string, now, until time.Time) policies.Approval {
	steps := make([]string, len(p.Steps))
	for i, s := range p.Steps {
		steps[i] = s.Digest
	}
	return policies.Approval{Revision: p.Revision, Digest: p.Digest, Steps: steps, By: by, When: now, Until: until, World: p.World}
}

// same tells whether a plan is no news after another: the same steps with the same verdicts for the
// same causes. How a reason is worded is no news, because it may count or tell the time.
func (p Planned) same(o Planned) bool {
	if p.Revision != o.Revision || p.Digest != o.Digest ||
		len(p.Steps) != len(o.Steps) || len(p.Objections) != len(o.Objections) || !maps.Equal(p.World, o.World) {
		return false
	}
	for i := range p.Steps {
		if p.Steps[i].Verdict != o.Steps[i].Verdict {
			return false
		}
	}
	for i, a := range p.Objections {
		if b := o.Objections[i]; a.Step != b.Step || a.Code != b.Code || a.Verdict != b.Verdict {
			return false
		}
	}
	return true
}
