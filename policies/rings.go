package policies

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/pigsync/pigsync/diff"
)

// Ring is a part of the fleet that a commit reaches before the next one: dev, staging, canary, production.
type Ring struct {
	Name   string
	Owners []string      // exact, or patterns; the first ring that has an owner counts
	Soak   time.Duration // how long it must have been left alone before the next ring begins
	Gates  []Gate        // and what must be measured in it then
}

// Gate is a bound on a measure.
type Gate struct {
	Name     string // of the sample
	Min, Max *float64
}

// freshSample is how old a measure may be.
const freshSample = 5 * time.Minute

// Rings holds the steps of a ring until the rings before it are as the commit says, have soaked, and measure well.
// What an earlier ring needs itself goes with that ring. Drift is taken back everywhere at once.
func Rings(rings []Ring) *Policy {
	return &Policy{
		Name:  "rings",
		Doc:   "holds each ring of the fleet until the one before it has proven the commit",
		Judge: func(c *Case) []Objection { return judgeRings(c, rings) },
	}
}

func judgeRings(c *Case, rings []Ring) (os []Objection) {
	if c.Settled {
		return nil
	}
	of := ringsOf(rings)
	serves := earliest(c.Plan, of)
	var through []*Objection // why a ring lets nobody pass yet, nil where it does; as far as it was asked
	for i, s := range c.Plan.Steps {
		if !acts(s) || of(s.Owner) < 0 {
			continue
		}
		for k := range serves[i] {
			if k == len(through) {
				through = append(through, rings[k].waits(c, k, of))
			}
			if o := through[k]; o != nil {
				o := *o
				o.Step = i
				os = append(os, o)
				break
			}
		}
	}
	return os
}

// ringsOf tells the ring of an owner, -1 for none.
func ringsOf(rings []Ring) func(owner string) int {
	known := map[string]int{}
	return func(owner string) int {
		k, ok := known[owner]
		if !ok {
			k = slices.IndexFunc(rings, func(r Ring) bool { return r.has(owner) })
			known[owner] = k
		}
		return k
	}
}

func (r Ring) has(owner string) bool {
	return slices.ContainsFunc(r.Owners, func(p string) bool { return matches(p, owner) })
}

// earliest is for each step the first ring of those that need it, its own included.
func earliest(p *diff.Plan, of func(string) int) []int {
	serves := make([]int, len(p.Steps))
	for i, s := range p.Steps {
		serves[i] = math.MaxInt
		if k := of(s.Owner); k >= 0 {
			serves[i] = k
		}
	}
	for i := range slices.Backward(p.Steps) {
		for _, n := range p.Steps[i].Needs {
			serves[n] = min(serves[n], serves[i])
		}
	}
	return serves
}

// waits says why the ring lets the next one not begin, nil when it does.
func (r Ring) waits(c *Case, k int, of func(string) int) *Objection {
	if reason := r.unready(c, k, of); reason != "" {
		return &Objection{Verdict: Hold, Code: "PS124", Reason: reason}
	}
	if until, soaks := r.soaks(c, k, of); soaks {
		return &Objection{Verdict: Hold, Code: "PS124", Reason: fmt.Sprintf("the ring %s soaks for %s", r.Name, r.Soak), Until: until}
	}
	for _, g := range r.Gates {
		if reason := g.reason(c); reason != "" {
			return &Objection{Verdict: Hold, Code: "PS125", Reason: "the ring " + r.Name + ": " + reason}
		}
	}
	return nil
}

// unready says what of the ring is not as the commit says.
func (r Ring) unready(c *Case, k int, of func(string) int) string {
	n, first := 0, ""
	for _, s := range c.Plan.Steps {
		if of(s.Owner) == k && (acts(s) || s.Action == diff.Wait) {
			if n++; n == 1 {
				first = s.ID.String()
			}
		}
	}
	for _, owner := range sortedKeys(c.Frozen) {
		if of(owner) == k {
			return "waits for the ring " + r.Name + ": " + owner + " has a problem at this commit"
		}
	}
	if n > 0 {
		return fmt.Sprintf("waits for the ring %s: %d differences are left, the first is %s", r.Name, n, first)
	}
	return ""
}

// soaks tells until when the ring must be left alone. Of a time before our memory nobody knows.
func (r Ring) soaks(c *Case, k int, of func(string) int) (until time.Time, soaks bool) {
	if r.Soak == 0 {
		return time.Time{}, false
	}
	if c.Memory.Since.IsZero() {
		return time.Time{}, true
	}
	last := c.Memory.Since
	for owner, changed := range c.Memory.Changed {
		if of(owner) == k && changed.After(last) {
			last = changed
		}
	}
	until = last.Add(r.Soak)
	return until, c.Now.Before(until)
}

// reason says what is wrong with a measure, or that there is none.
func (g Gate) reason(c *Case) string {
	s, asked := c.Samples[g.Name]
	switch age := c.Now.Sub(s.When); {
	case !asked:
		return "nobody has measured " + g.Name
	case s.Err != "":
		return "nobody knows " + g.Name + ": " + s.Err
	case age > freshSample || age < -freshSample:
		return g.Name + " was last measured at " + moment(s.When)
	case math.IsNaN(s.Value) || math.IsInf(s.Value, 0):
		return fmt.Sprintf("%s is %g, which tells nothing", g.Name, s.Value)
	case g.Max != nil && s.Value > *g.Max:
		return fmt.Sprintf("%s is %g, more than %g", g.Name, s.Value, *g.Max)
	case g.Min != nil && s.Value < *g.Min:
		return fmt.Sprintf("%s is %g, less than %g", g.Name, s.Value, *g.Min)
	}
	return ""
}
