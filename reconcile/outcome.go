package reconcile

import (
	"errors"
	"fmt"
	"slices"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
)

// Outcome is what a round came to.
type Outcome uint8

// The outcomes.
const (
	Converged  Outcome = iota // nothing was left to do
	Progressed                // something was done, moved or was dropped: look again
	Held                      // what is left may not be done now, or is not known
	Failed                    // what was tried did not succeed
)

// String is the outcome in lower case.
func (o Outcome) String() string {
	return [...]string{"converged", "progressed", "held", "failed"}[min(o, Failed)]
}

// MarshalText writes what String says.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// Outcome judges the round by its results.
func (r *Round) Outcome() Outcome {
	if r.endless {
		return Failed
	}
	if len(r.Plan.Steps) == 0 {
		return r.quiet()
	}
	failed, unwell := false, false
	for i, err := range r.Results {
		switch {
		case err == nil && r.Plan.Steps[i].Action != diff.Check, errors.Is(err, executors.ErrMoved), errors.Is(err, ErrDropped):
			return Progressed
		case errors.Is(err, ErrUnwell):
			unwell = true
		case err != nil && tried(err):
			failed = true
		}
	}
	switch {
	case failed, unwell && !r.unknown():
		return Failed
	case r.passed():
		return Progressed // only gates were checked, and all hold now
	}
	return Held
}

// quiet is the outcome when nothing differs. Of a frozen owner nobody knows what it should be.
func (r *Round) quiet() Outcome {
	if len(r.Frozen) > 0 {
		return Held
	}
	return Converged
}

// onlyOrphans tells whether all is as it should be, but for what somebody left behind who left the inventory.
func (r *Round) onlyOrphans() bool {
	mine := func(s diff.Step) bool { return !s.Orphan }
	return len(r.Frozen) == 0 && !slices.ContainsFunc(r.Plan.Steps, mine)
}

// unknown tells whether something could not be observed. A gate that does not hold then is no failure.
func (r *Round) unknown() bool {
	return slices.ContainsFunc(r.Plan.Steps, func(s diff.Step) bool { return s.Action == diff.Wait })
}

func (r *Round) passed() bool { return errors.Join(r.Results...) == nil }

// tried tells whether a step was begun and did not succeed.
func tried(err error) bool {
	for _, idle := range []error{ErrHeld, ErrBlocked, ErrUnknown, ErrUnwell, ErrDropped} {
		if errors.Is(err, idle) {
			return false
		}
	}
	return true
}

// Causes are the errors of the steps that were tried, each with its id: causes, not echoes.
func (r *Round) Causes() []error {
	var out []error
	if r.endless {
		out = append(out, errNoEnd)
	}
	for i, err := range r.Results {
		if err != nil && tried(err) || errors.Is(err, ErrUnwell) && !r.unknown() {
			out = append(out, fmt.Errorf("%s: %w", r.Plan.Steps[i].ID, err))
		}
	}
	return out
}
