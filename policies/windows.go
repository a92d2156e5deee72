package policies

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// Scope is what a rule of time or number is about.
type Scope struct {
	Hazards resource.Hazard // a step that may cost one of them; 0 is every change
	Owners  []string        // exact, or patterns of package path: "pgsql/*"; none is everybody
}

// Covers tells whether a step is in the scope.
func (s Scope) Covers(step diff.Step) bool {
	return costs(step)&s.costs() != 0 &&
		(len(s.Owners) == 0 || slices.ContainsFunc(s.Owners, func(p string) bool { return matches(p, step.Owner) }))
}

// free stands for the hazard of a step that has none.
const free resource.Hazard = 1 << 7

func costs(s diff.Step) resource.Hazard { return cmp.Or(s.Hazard(), free) }

func (s Scope) costs() resource.Hazard { return cmp.Or(s.Hazards, ^resource.Hazard(0)) }

// Window is a time that comes again and again. What the scope of a window covers waits until one of
// its windows is open; a window that denies keeps it waiting while it is open, whatever others say.
type Window struct {
	Name   string
	Scope  Scope
	Opens  cron.Schedule  // in Zone; an hour that summer time skips does not open it
	Lasts  time.Duration  // of real time, also over a change of the clocks
	Zone   *time.Location // nil is UTC
	Except []Days         // on which it does not open
	Deny   bool
	// Overrun lets a step begin that would end after the window. Margin is how long before its end a step begins
	// at the latest of which nobody knows how long it takes.
	Overrun bool
	Margin  time.Duration
}

// Days are calendar days, the last one included, as "2006-01-02".
type Days struct{ First, Last string }

const (
	day        = "2006-01-02"
	maxOpening = 4096 // openings that are looked at to find one that is no exception
)

// ParseSchedule reads five fields of cron, or a name such as @daily. A zone is not part of it.
func ParseSchedule(text string) (cron.Schedule, error) {
	if strings.Contains(text, "TZ=") {
		return nil, errors.New("the zone is no part of it")
	}
	p := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)
	s, err := p.Parse(text)
	if _, interval := s.(cron.ConstantDelaySchedule); err == nil && interval {
		return nil, fmt.Errorf("%s has no times of its own", text)
	}
	return s, err
}

// Open tells whether the window is open, and until when; when it is closed, until is when it opens
// next, zero for never.
func (w *Window) Open(now time.Time) (open bool, until time.Time) {
	for start := range w.openings(now.Add(-w.Lasts)) {
		if start.After(now) {
			return open, cmp.Or(until, start)
		}
		open, until = true, start.Add(w.Lasts)
	}
	return open, until
}

// openings yields the times after a time at which the window opens.
func (w *Window) openings(after time.Time) func(yield func(time.Time) bool) {
	return func(yield func(time.Time) bool) {
		at := after.In(w.zone())
		for range maxOpening {
			if at = w.Opens.Next(at); at.IsZero() {
				return
			}
			if !w.excepted(at) && !yield(at) {
				return
			}
		}
	}
}

// next is when the window opens again from that time on, zero for never.
func (w *Window) next(from time.Time) time.Time {
	for start := range w.openings(from.Add(-1)) {
		return start
	}
	return time.Time{}
}

func (w *Window) zone() *time.Location { return cmp.Or(w.Zone, time.UTC) }

func (w *Window) excepted(at time.Time) bool {
	date := at.Format(day)
	return slices.ContainsFunc(w.Except, func(d Days) bool { return d.First <= date && date <= d.Last })
}
