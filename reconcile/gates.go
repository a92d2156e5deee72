package reconcile

import (
	"slices"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/policies"
)

// gates tells for every step of a plan whether something is done before it and after it in this
// round. A gate is waited for when something was done before it. One that holds is looked at again
// right before what comes after it. Any other has been seen already: asking again would only take
// time, and fill the journal for as long as a plan is held.
type gates struct{ before, after []bool }

func newGates(p *diff.Plan, verdicts []policies.Verdict) gates {
	n := len(p.Steps)
	g := gates{before: make([]bool, n), after: make([]bool, n)}
	does := func(i int) bool { return does(p.Steps[i], verdicts[i]) }
	for i, s := range p.Steps {
		g.before[i] = slices.ContainsFunc(s.Needs, func(n int) bool { return does(n) || g.before[n] })
	}
	for i, s := range slices.Backward(p.Steps) {
		for _, n := range s.Needs {
			g.after[n] = g.after[n] || g.after[i] || does(i)
		}
	}
	return g
}

// does tells whether something is done in a step with that verdict.
func does(s diff.Step, v policies.Verdict) bool {
	return v == policies.Allow && s.Action != diff.Check && s.Action != diff.Wait
}

// seen is why a gate is not asked again, nil when it is.
func (g gates) seen(i int, s diff.Step) error {
	switch {
	case s.Action != diff.Check || g.before[i]:
		return nil
	case len(s.Fields) > 0:
		return ErrUnwell
	case !g.after[i]:
		return ErrHeld
	}
	return nil
}
