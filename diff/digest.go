package diff

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
)

// Digest names the plan in 12 hex digits; approvals quote it. It covers the steps in their order,
// with what each would do: two plans with the same digest do the same.
func (p *Plan) Digest() string {
	h := sha256.New()
	for _, s := range p.Steps {
		s.writeTo(h)
		fmt.Fprintf(h, "%d\n", s.Needs)
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

// Digest names one change, wherever in a plan it stands: the same change of the same state, with
// the same hazards, has the same digest.
func (c Change) Digest() string {
	h := sha256.New()
	c.writeTo(h)
	return hex.EncodeToString(h.Sum(nil))[:24]
}

func (c Change) writeTo(w io.Writer) {
	fmt.Fprintf(w, "%c %q %s\n", c.Action, c.ID.String(), c.Hazard())
	for _, f := range c.Fields {
		fmt.Fprintf(w, "%q %q %q\n", f.Path, f.Have, f.Want)
	}
}
