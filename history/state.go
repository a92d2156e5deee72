package history

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/policies"
)

// What the state holds at most. A forgotten revision is not pruned after, a forgotten approval must
// be given again; a hold is never forgotten, so one too many is refused.
const (
	maxAttempted  = 200
	maxApprovals  = 100
	maxApproved   = 200_000 // steps, in all approvals together
	maxHolds      = 1000
	maxUnfinished = 1000
	maxDecisions  = 10_000 // ids remembered, so that none is taken from the inbox twice
	maxAdopted    = 20_000 // owners
)

// state is what the records amount to. It changes by apply alone, whether a record is written or
// read, so that a journal that is opened again knows what it knew.
type state struct {
	Checkpoint
	trail     trail
	decisions []string
	last      last
}

// last is what was told last, so that it is not told again.
type last struct {
	run     RunBegan
	plan    []byte // payload of the last Planned, nil for none
	outcome Entry  // Converged, Held or Failed; nil when something happened since
}

// apply takes one record in; data is the payload that e was decoded from, nil e a plan that was not.
func (s *state) apply(r row, e Entry) {
	s.tick(r.time)
	switch e := e.(type) {
	case RunBegan:
		s.begin(e)
	case Planned:
		s.last.plan, s.last.outcome = slices.Clone(r.data), nil
	case Intent:
		s.intend(e)
	case Result:
		s.finish(r.time, e)
	case Converged:
		s.converge(e)
		s.Drifts = nil
	case Held:
		s.hold(e)
	case Failed:
		s.last.outcome = e
	case Approved:
		s.approve(e, r.time)
	case HoldOrdered:
		s.decide(e.Decision)
		s.Holds = append(without(s.liveHolds(r.time), e.Owner), e.HoldOrder)
	case Released:
		s.decide(e.Decision)
		s.Holds = without(s.Holds, e.Owner)
	case Adopted:
		s.decide(e.Decision)
		s.adopt(e.Owners)
	case Quarantined:
		s.quarantine(e)
	case Forgiven:
		s.decide(e.Decision)
		s.forget(e.Revision)
	case Drifted:
		s.drift(e)
	case Restarts:
		s.wait(e)
	case Checkpoint:
		s.goOn(e)
	}
}

// begin remembers a revision for what it may make, and forgets the one before if that made nothing: a
// fleet that is held for weeks, commit after commit, looks back at those only that came to act.
func (s *state) begin(e RunBegan) {
	s.last.run, s.last.outcome = e, nil
	if s.Left != e.Revision {
		s.Left = ""
	}
	if s.Idle != "" && s.Idle != e.Revision {
		s.Attempted, s.Idle = filter(s.Attempted, func(r string) bool { return r != s.Idle }), ""
	}
	if !s.knows(e.Revision) {
		s.Attempted = newest(append(slices.Clip(s.Attempted), e.Revision), maxAttempted)
		s.Idle = e.Revision
	}
}

// hold remembers a revision of which all is true but that somebody is not gone yet.
func (s *state) hold(e Held) {
	s.last.outcome = e
	if e.Left && s.last.run.Revision == e.Revision {
		s.Left = e.Revision
	}
}

// settled tells whether all that a revision asks for was true, and no other was attempted since.
func (s *state) settled(revision string) bool {
	return revision != "" && (s.Converged == revision && len(s.Attempted) == 0 || s.Left == revision)
}

// knows tells whether a revision is among those whose work may be there.
func (s *state) knows(revision string) bool {
	return s.Converged == revision || slices.Contains(s.Attempted, revision)
}

func (s *state) intend(e Intent) {
	s.last.outcome = nil
	if e.Revision == s.Idle && e.Step.Action != diff.Check.String() {
		s.Idle = ""
	}
	s.Unfinished = newest(append(s.others(e.Step), e), maxUnfinished)
}

func (s *state) finish(when time.Time, e Result) {
	s.last.outcome = nil
	s.Unfinished = s.others(e.Step)
	action := []rune(e.Step.Action + " ")[0]
	event := policies.Event{When: when, Action: diff.Action(action), Err: e.Err, Took: e.Took}
	if e.Err != "" {
		event.Step, event.Revision = e.Step.Digest, e.Revision
	}
	s.trail.add(e.Step.ID, event)
	s.remember(when, diff.Action(action), e)
	if e.Err == "" {
		s.spend(e.Step, e.World)
	}
}

// others are the intents for other resources than that of the step.
func (s *state) others(step Step) []Intent {
	return filter(s.Unfinished, func(i Intent) bool { return i.Step.ID != step.ID })
}

// spend takes a step that was done out of every approval: each is let through once, even when the
// events that prove it are long forgotten. What it moved itself takes the rest of the approval from nobody. An approval for
// another world than the one it was done in stays bound to that, as does one when it was done without anybody's word.
func (s *state) spend(step Step, world string) {
	approves := func(a policies.Approval) bool { return slices.Contains(a.Steps, step.Digest) }
	if !slices.ContainsFunc(s.Approvals, approves) {
		return
	}
	var left []policies.Approval
	for _, a := range s.Approvals {
		if approves(a) {
			a.Steps = filter(a.Steps, func(d string) bool { return d != step.Digest })
			if step.Hazard&policies.Careful != 0 && a.World[step.Owner] == world {
				a.World = maps.Clone(a.World)
				delete(a.World, step.Owner)
			}
		}
		if len(a.Steps) > 0 {
			left = append(left, a)
		}
	}
	s.Approvals = left
}

// approve adds an approval; a later one of the same plan by the same person counts instead of an earlier one.
func (s *state) approve(e Approved, now time.Time) {
	s.decide(e.Decision)
	keep := filter(s.liveApprovals(now), func(a policies.Approval) bool {
		return a.Digest != e.Digest || a.By != e.By || a.Via != e.Via
	})
	keep = newest(append(keep, e.Approval), maxApprovals)
	steps := 0
	for i := len(keep) - 1; i >= 0; i-- {
		if steps += len(keep[i].Steps); steps > maxApproved {
			keep = keep[i+1:]
			break
		}
	}
	s.Approvals = keep
}

func (s *state) liveApprovals(now time.Time) []policies.Approval {
	return filter(s.Approvals, func(a policies.Approval) bool { return now.Before(a.Until) })
}

func (s *state) liveHolds(now time.Time) []policies.HoldOrder {
	return filter(s.Holds, func(h policies.HoldOrder) bool { return now.Before(h.Until) })
}

func (s *state) decide(id string) {
	if id != "" {
		s.decisions = newest(append(s.decisions, id), maxDecisions)
	}
}

// checkpoint is what a new file begins with.
func (s *state) checkpoint(now time.Time) Checkpoint {
	c := s.Checkpoint
	c.Approvals, c.Holds = s.liveApprovals(now), s.liveHolds(now)
	c.Changed, c.Stopped = since(s.Changed, now.Add(-keepsChanged)), since(s.Stopped, now.Add(-keepsStopped))
	if c.Since.IsZero() {
		c.Since = now.UTC()
	}
	return c
}

// admit refuses what the state cannot hold, and what cannot be meant.
func (s *state) admit(e Entry, now time.Time) error {
	switch e := e.(type) {
	case Approved:
		if len(e.Steps) > maxApproved {
			return errors.New("it approves too many steps")
		}
		return checkApproval(&e.Approval)
	case HoldOrdered:
		if len(without(s.liveHolds(now), e.Owner)) >= maxHolds {
			return errors.New("too many holds: release some first")
		}
		return checkHold(&e.HoldOrder)
	case Released:
		return checkOrder(e.Owner, e.By)
	case Adopted:
		if len(s.Adopted)+len(e.Owners) > maxAdopted {
			return errors.New("too many owners")
		}
	}
	return nil
}

// repeats tells whether e says only what was said last.
func (s *state) repeats(e Entry) bool {
	switch e := e.(type) {
	case RunBegan:
		return e == s.last.run && s.knows(e.Revision)
	case Planned:
		p, err := decode(KindPlanned, s.last.plan)
		old, ok := p.(Planned)
		return err == nil && ok && e.same(old)
	case Converged:
		old, ok := s.last.outcome.(Converged)
		return ok && e.Revision == old.Revision && s.Converged == e.Revision
	case Held, Failed:
		return s.last.outcome == e
	}
	return false
}

func without(hs []policies.HoldOrder, owner string) []policies.HoldOrder {
	return filter(hs, func(h policies.HoldOrder) bool { return h.Owner != owner })
}

// filter makes a new slice, because readers may hold the old one.
func filter[E any](from []E, keep func(E) bool) []E {
	var out []E
	for _, e := range from {
		if keep(e) {
			out = append(out, e)
		}
	}
	return out
}

// newest keeps the last n.
func newest[E any](es []E, n int) []E { return es[max(0, len(es)-n):] }
