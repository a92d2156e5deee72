package history

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"

	"github.com/pigsync/pigsync/policies"
)

// Decision is what somebody decided: exactly one of its pointers is set.
type Decision struct {
	ID       string              `json:"-"` // given by Submit
	Approval *policies.Approval  `json:"approval,omitempty"`
	Hold     *policies.HoldOrder `json:"hold,omitempty"`
	Release  *Released           `json:"release,omitempty"`
	Accept   *Adopted            `json:"accept,omitempty"`
	Rollback *Quarantined        `json:"rollback,omitempty"`
	Forgive  *Forgiven           `json:"forgive,omitempty"`
}

// maxDecision is the longest decision in bytes; an approval of 100,000 steps fits.
const maxDecision = 4 << 20

// ErrDecision says that a decision cannot be meant.
var ErrDecision = errors.New("bad decision")

func badDecision(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDecision, fmt.Sprintf(format, args...))
}

// check says what is missing, before somebody relies on a hold that holds nothing.
func (d Decision) check() error {
	var errs []error
	if d.Approval != nil {
		errs = append(errs, checkApproval(d.Approval))
	}
	if d.Hold != nil {
		errs = append(errs, checkHold(d.Hold))
	}
	if d.Release != nil {
		errs = append(errs, checkOrder(d.Release.Owner, d.Release.By))
	}
	if d.Accept != nil {
		errs = append(errs, checkAccept(d.Accept))
	}
	if d.Rollback != nil {
		errs = append(errs, checkQuarantine(d.Rollback))
	}
	if d.Forgive != nil {
		errs = append(errs, checkForgiven(d.Forgive))
	}
	if len(errs) != 1 {
		return badDecision("want one of approval, hold, release, accept, rollback, forgive")
	}
	return errs[0]
}

func checkAccept(a *Adopted) error {
	if len(a.Owners) == 0 {
		return badDecision("it accepts nobody")
	}
	for _, owner := range a.Owners {
		if err := checkOrder(owner, a.By); err != nil {
			return err
		}
	}
	return nil
}

func checkApproval(a *policies.Approval) error {
	switch {
	case a.Digest == "" || len(a.Steps) == 0:
		return badDecision("an approval needs a plan and its steps")
	case a.By == "":
		return badDecision("nobody decided it")
	case a.When.IsZero() || !a.When.Before(a.Until):
		return badDecision("an approval needs an end after its beginning")
	}
	return nil
}

func checkHold(h *policies.HoldOrder) error {
	if h.Until.IsZero() {
		return badDecision("a hold needs an end")
	}
	return checkOrder(h.Owner, h.By)
}

func checkOrder(owner, by string) error {
	switch _, err := path.Match(owner, ""); {
	case owner == "" || err != nil || len(owner) > maxText || oneLine(owner) != owner:
		return badDecision("%q is no owner and no pattern of owners", cut(owner, 80))
	case by == "":
		return badDecision("nobody decided it")
	}
	return nil
}

func (d Decision) entry() Entry {
	switch {
	case d.Approval != nil:
		return Approved{Approval: *d.Approval, Decision: d.ID}
	case d.Hold != nil:
		return HoldOrdered{HoldOrder: *d.Hold, Decision: d.ID}
	}
	if d.Accept != nil {
		a := *d.Accept
		a.Decision = d.ID
		return a
	}
	if d.Rollback != nil {
		q := *d.Rollback
		q.Decision = d.ID
		return q
	}
	if d.Forgive != nil {
		f := *d.Forgive
		f.Decision = d.ID
		return f
	}
	r := *d.Release
	r.Decision = d.ID
	return r
}

func (d Decision) encode() ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	b, err := json.Marshal(d)
	if err == nil && len(b) > maxDecision {
		err = badDecision("it has %d bytes, more than %d", len(b), maxDecision)
	}
	return b, err
}

func decodeDecision(id string, b []byte) (Decision, error) {
	d, dec := Decision{}, json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return Decision{}, badDecision("%v", err)
	}
	if dec.More() {
		return Decision{}, badDecision("something follows it")
	}
	d.ID = id
	return d, d.check()
}
