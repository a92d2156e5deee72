package history

import (
	"maps"
	"slices"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
)

// How long it is remembered when an owner was last changed, and when it was stopped for good.
const (
	keepsChanged = 35 * 24 * time.Hour
	keepsStopped = 400 * 24 * time.Hour
)

// Memory is what is remembered of owners and of the time. It fits policies.Case.
func (j *Journal) Memory() policies.Memory {
	j.mu.RLock()
	defer j.mu.RUnlock()
	m := policies.Memory{
		Since: j.state.Since, Latest: j.state.Latest, Adopted: map[string]bool{},
		Changed: maps.Clone(j.state.Changed), Stopped: maps.Clone(j.state.Stopped),
	}
	for _, owner := range j.state.Adopted {
		m.Adopted[owner] = true
	}
	return m
}

// Decided tells whether a decision with that id was taken in before.
func (j *Journal) Decided(id string) bool { return j.decided(id) }

// tick takes note of the time of a record. A clock that went back takes nothing away.
func (s *state) tick(now time.Time) {
	if s.Since.IsZero() {
		s.Since = now
	}
	if now.After(s.Latest) {
		s.Latest = now
	}
}

// remember notes of whom something was changed, and of whom something was stopped for good.
func (s *state) remember(when time.Time, action diff.Action, e Result) {
	owner := e.Step.Owner
	if action != diff.Create && action != diff.Update && action != diff.Delete {
		return
	}
	s.Changed = with(s.Changed, owner, when)
	stops := action == diff.Delete && e.Step.Hazard&resource.Restart != 0 && e.Step.Hazard&resource.DataLoss == 0
	switch {
	case e.Err != "":
	case stops:
		s.Stopped = with(s.Stopped, owner, when)
	case action != diff.Delete:
		delete(s.Stopped, owner)
	}
}

func with(m map[string]time.Time, key string, t time.Time) map[string]time.Time {
	if m == nil {
		m = map[string]time.Time{}
	}
	m[key] = t
	return m
}

// since leaves out what is older.
func since(m map[string]time.Time, t time.Time) map[string]time.Time {
	kept := maps.Clone(m)
	maps.DeleteFunc(kept, func(_ string, when time.Time) bool { return when.Before(t) })
	return kept
}

func (s *state) adopt(owners []string) {
	all := append(slices.Clone(s.Adopted), owners...)
	slices.Sort(all)
	s.Adopted = slices.Compact(all)
}

// goOn takes in what the files before amount to. One that was written before there was a memory of owners takes
// nothing of it away.
func (s *state) goOn(c Checkpoint) {
	old := s.Checkpoint
	s.Checkpoint, s.last = c, last{}
	if c.Since.IsZero() {
		s.Since, s.Changed, s.Stopped, s.Adopted = old.Since, old.Changed, old.Stopped, old.Adopted
	}
	if len(c.Good) == 0 && c.Converged != "" { // it was written before these were remembered
		s.Good = []string{c.Converged}
	}
	if old.Latest.After(s.Latest) {
		s.Latest = old.Latest
	}
}
