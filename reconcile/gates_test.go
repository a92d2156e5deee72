package reconcile

import (
	"errors"
	"testing"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
)

// A gate is asked only where the answer decides something: seen on a real cluster, where a held plan
// waited for its gates and wrote to the journal in every round.
func TestGatesAreAskedWhereItMatters(t *testing.T) {
	const do, check, ill, wait = 'd', 'c', 'i', 'w' // ill: a check that did not hold when it was seen
	tests := []struct {
		name  string
		steps string // each needs the one before it
		held  int    // index of a held step, -1 for none
		gate  int
		want  error
	}{
		{"right before a change", "cd", -1, 0, nil},
		{"after a change", "dc", -1, 1, nil},
		{"ill after a change: wait for it", "di", -1, 1, nil},
		{"behind another gate after a change", "dcc", -1, 2, nil},
		{"before a held change", "cd", 1, 0, ErrHeld},
		{"after a held change", "dc", 0, 1, ErrHeld},
		{"ill, and nothing is done", "id", -1, 0, ErrUnwell},
		{"ill after a held change", "di", 0, 1, ErrUnwell},
		{"alone", "c", -1, 0, ErrHeld},
		{"before the unknown", "cw", -1, 0, ErrHeld},
		{"a change is no gate", "d", -1, 0, nil},
	}
	for _, tt := range tests {
		p, verdicts := &diff.Plan{}, make([]policies.Verdict, len(tt.steps))
		for i, kind := range tt.steps {
			s := diff.Step{Change: diff.Change{Action: map[rune]diff.Action{do: diff.Update, check: diff.Check, ill: diff.Check, wait: diff.Wait}[kind]}}
			if i > 0 {
				s.Needs = []int{i - 1}
			}
			if kind == ill {
				s.Fields = []resource.Field{{Path: "healthy"}}
			}
			p.Steps = append(p.Steps, s)
		}
		if tt.held >= 0 {
			verdicts[tt.held] = policies.Hold
		}
		if got := newGates(p, verdicts).seen(tt.gate, p.Steps[tt.gate]); !errors.Is(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

// A gate that does not hold while something is unknown is no failure of ours; otherwise it is one.
func TestAnUnwellGateFailsUnlessSomethingIsUnknown(t *testing.T) {
	gate := diff.Step{Change: diff.Change{Action: diff.Check}}
	r := &Round{Plan: &diff.Plan{Steps: []diff.Step{gate}}, Results: []error{ErrUnwell}}
	if got := r.Outcome(); got != Failed || len(r.Causes()) != 1 {
		t.Errorf("got %s with causes %v", got, r.Causes())
	}
	r.Plan.Steps = append(r.Plan.Steps, diff.Step{Change: diff.Change{Action: diff.Wait}})
	r.Results = append(r.Results, ErrUnknown)
	if got := r.Outcome(); got != Held || len(r.Causes()) != 0 || stateOf(r) != Unknown {
		t.Errorf("got %s, %s with causes %v", got, stateOf(r), r.Causes())
	}
}
