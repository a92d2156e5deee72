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
	a, h, r := d.Approval, d.Hold, d.Release
	switch {
	case a != nil && h == nil && r == nil:
		return checkApproval(a)
	case h != nil && a == nil && r == nil:
		return checkHold(h)
	case r != nil && a == nil && h == nil:
		return checkOrder(r.Owner, r.By)
	}
	return badDecision("want one of approval, hold, release")
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
