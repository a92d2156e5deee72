package diff

import (
	"encoding/json"

	"github.com/pigsync/pigsync/resource"
)

// stepJSON is a step as programs read it.
type stepJSON struct {
	Action string           `json:"action"`
	ID     resource.ID      `json:"id"`
	Owner  string           `json:"owner"`
	Origin string           `json:"origin"`
	Hazard resource.Hazard  `json:"hazard"`
	Orphan bool             `json:"orphan,omitempty"` // its whole owner has left the inventory
	Fields []resource.Field `json:"fields,omitempty"`
	Needs  []int            `json:"needs,omitempty"`
	Reason string           `json:"reason,omitempty"`
	Digest string           `json:"digest"`
}

// MarshalJSON writes {"digest", "summary", "steps"}; it shows exactly what WriteText does, never a
// whole spec.
func (p *Plan) MarshalJSON() ([]byte, error) {
	steps := make([]stepJSON, len(p.Steps))
	for i, s := range p.Steps {
		steps[i] = stepJSON{
			Action: s.Action.String(), ID: s.ID, Owner: s.Owner, Origin: s.Origin.String(),
			Hazard: s.Hazard(), Orphan: s.Orphan, Fields: p.Shown(s.Change), Needs: s.Needs, Digest: s.Digest(),
		}
		if s.Err != nil {
			steps[i].Reason = oneLine(p.Masked(s.Err).Error())
		}
	}
	return json.Marshal(struct {
		Digest  string     `json:"digest"`
		Summary string     `json:"summary"`
		Steps   []stepJSON `json:"steps"`
	}{p.Digest(), p.Summary(), steps})
}
