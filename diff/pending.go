package diff

import (
	"fmt"
	"io"

	"github.com/pigsync/pigsync/resource"
)

// Pending is a resource of which a part waits for the next start of its node. It is no step: nobody is
// restarted for it.
type Pending struct {
	ID     resource.ID      `json:"id"`
	Origin string           `json:"origin"`
	Fields []resource.Field `json:"fields"`
}

// PendingReboot lists what waits for the next start of a node, in want's order.
func PendingReboot(want *resource.Set, have map[resource.ID]resource.State) []Pending {
	var out []Pending
	for r := range want.All() {
		d, deferred := r.Spec.(resource.Deferred)
		s := have[r.ID]
		if !deferred || s.Err != nil || s.Spec == nil {
			continue
		}
		if fields := d.Pending(s.Spec); len(fields) > 0 {
			out = append(out, Pending{r.ID, r.Origin.String(), fields})
		}
	}
	return out
}

// WritePending prints a line for each part that waits.
func WritePending(w io.Writer, all []Pending) error {
	for _, p := range all {
		for _, f := range p.Fields {
			if _, err := fmt.Fprintf(w, "pending reboot: %s  %s  %s: %q -> %q\n", p.ID, p.Origin, f.Path, f.Have, f.Want); err != nil {
				return err
			}
		}
	}
	return nil
}
