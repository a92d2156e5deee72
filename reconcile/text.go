package reconcile

import (
	"fmt"
	"io"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/sources"
)

// WriteText writes what a round would do, as a person reads it: what waits for a reboot or a restart, the
// plan, and what is said against its steps.
func (r *Round) WriteText(w io.Writer) error {
	if err := diff.WritePending(w, r.Pending()); err != nil {
		return err
	}
	if err := WriteRestarts(w, r.waitingSince()); err != nil {
		return err
	}
	if len(r.Plan.Steps) == 0 {
		_, err := fmt.Fprintf(w, "converged at %s: %d resources are as they should be\n", sources.Short(r.Revision.ID), r.Want.Len())
		return err
	}
	if err := r.Plan.WriteText(w); err != nil {
		return err
	}
	if err := r.writeObjections(w); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "plan %s: %s\n", r.Plan.Digest(), r.Plan.Summary())
	return err
}

func (r *Round) writeObjections(w io.Writer) error {
	for _, o := range r.Objections {
		s := r.Plan.Steps[o.Step]
		if _, err := fmt.Fprintf(w, "%s: %s %s: %s: %s%s\n", o.Code, s.Action, s.ID, o.Verdict, o.Reason, policies.Until(o.Until)); err != nil {
			return err
		}
	}
	return nil
}
