package policies

import (
	"fmt"
	"slices"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// Quarantine is how long what is to go stays where it is, switched off, so that it can be had back.
type Quarantine struct {
	Owners []string      // exact, or patterns; none is everybody
	Period time.Duration // from when it was switched off
}

// Quarantines makes a removal one of two stages. What an owner that leaves still runs is stopped as soon as that is
// approved, and roles and databases that are to go are switched off; its files, accounts and data go when it has been
// off for the period, and whoever brings its lines back before has all of it back. What loses data of somebody who
// stays, and cannot be switched off, goes the period after it was approved.
func Quarantines(q Quarantine) *Policy {
	scope := Scope{Owners: q.Owners}
	return &Policy{
		Name: "quarantine",
		Doc:  "holds what is removed until it has been switched off for a while",
		Judge: func(c *Case) (os []Objection) {
			runs := running(c.Plan)
			for i, s := range c.Plan.Steps {
				if !goes(s) || !scope.Covers(s) {
					continue
				}
				first := runs[s.Owner]
				if !s.Orphan {
					first = closing(c.Plan, s)
				}
				if o, held := q.judge(c, s, first); held {
					o.Step, o.Verdict, o.Code = i, Hold, "PS126"
					os = append(os, o)
				}
			}
			return os
		},
	}
}

// goes tells whether a step takes something away that could be had back as long as it is there.
func goes(s diff.Step) bool {
	if s.Orphan {
		return s.Action == diff.Delete && !stopsForGood(s)
	}
	return acts(s) && s.Hazard()&resource.DataLoss != 0
}

// stopsForGood tells whether a step switches off what an owner runs, and loses nothing.
func stopsForGood(s diff.Step) bool {
	return s.Action == diff.Delete && s.Hazard()&resource.Restart != 0 && s.Hazard()&resource.DataLoss == 0
}

// running are the owners that leave and still run something.
func running(p *diff.Plan) map[string]*diff.Step {
	first := map[string]*diff.Step{}
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Orphan && stopsForGood(*s) && first[s.Owner] == nil {
			first[s.Owner] = s
		}
	}
	return first
}

// closing is the step that switches off what another one of the plan removes, nil when none does.
func closing(p *diff.Plan, s diff.Step) *diff.Step {
	off, _ := offOf(s)
	for _, n := range s.Needs {
		if p.Steps[n].ID == off && acts(p.Steps[n]) {
			return &p.Steps[n]
		}
	}
	return nil
}

// offOf is the wish that what goes be switched off.
func offOf(s diff.Step) (off resource.ID, can bool) {
	off = resource.ID{Kind: resource.KindPGOff, Name: s.ID.Name, At: s.ID.At}
	return off, s.ID.Kind == resource.KindPGAbsent && slices.Contains(s.After, off)
}

// switchedOff is when what goes was switched off last.
func switchedOff(c *Case, s diff.Step) (at time.Time) {
	off, can := offOf(s)
	if !can || c.Past == nil {
		return at
	}
	for _, e := range c.Past(off, time.Time{}) {
		if e.Err == "" && e.Action == diff.Update && e.When.After(at) {
			at = e.When
		}
	}
	return at
}

func (q Quarantine) judge(c *Case, s diff.Step, first *diff.Step) (o Objection, held bool) {
	if first != nil {
		return Objection{Reason: first.ID.String() + " is switched off first"}, true
	}
	since, known := q.since(c, s)
	if !known {
		return Objection{Reason: fmt.Sprintf("stays for %s from when plan %s is approved", q.Period, c.Digest())}, true
	}
	until := since.Add(q.Period)
	reason := "in quarantine since " + moment(since) + ": who brings its lines back has it back"
	return Objection{Reason: reason, Until: until}, c.Now.Before(until) || c.Now.Before(since)
}

// since is when the owner was switched off, or else when the removal was approved first, and not before what goes was
// switched off itself.
func (q Quarantine) since(c *Case, s diff.Step) (at time.Time, known bool) {
	if at, known = c.Memory.Stopped[s.Owner]; known && s.Orphan {
		return at, true
	}
	known = false
	for _, a := range approvalsOf(c, s) {
		if !known || a.When.Before(at) {
			at, known = a.When, true
		}
	}
	if off := switchedOff(c, s); known && off.After(at) {
		at = off
	}
	return at, known
}
