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
		at := after.In(cmp.Or(w.Zone, time.UTC))
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

func (w *Window) excepted(at time.Time) bool {
	date := at.Format(day)
	return slices.ContainsFunc(w.Except, func(d Days) bool { return d.First <= date && date <= d.Last })
}

// Windows holds what a window is about while none of its windows is open, and while one is that
// denies. What has begun is not stopped; what has not begins in the next window.
func Windows(windows []Window) *Policy {
	return &Policy{
		Name:  "windows",
		Doc:   "holds what may only be done at its times",
		Judge: func(c *Case) []Objection { return judgeWindows(c, windows) },
	}
}

func judgeWindows(c *Case, windows []Window) (os []Objection) {
	looked := look(c.Now, windows)
	for i, s := range c.Plan.Steps {
		if o, held := judgeOpenings(s, looked); acts(s) && held {
			o.Step = i
			os = append(os, o)
		}
	}
	return os
}

// opening is a window at one moment.
type opening struct {
	*Window
	open  bool
	until time.Time
}

func look(now time.Time, windows []Window) []opening {
	looked := make([]opening, len(windows))
	for i := range windows {
		looked[i].Window = &windows[i]
		looked[i].open, looked[i].until = windows[i].Open(now)
	}
	return looked
}

func judgeOpenings(s diff.Step, windows []opening) (o Objection, held bool) {
	var closed []opening
	allowed := resource.Hazard(0)
	for _, w := range windows {
		switch covers := w.Scope.Covers(s); {
		case covers && w.Deny && w.open:
			return Objection{Verdict: Hold, Code: "PS112", Reason: "not in the window " + w.Name, Until: w.until}, true
		case !covers || w.Deny:
		case w.open:
			allowed |= w.Scope.costs()
		default:
			closed = append(closed, w)
		}
	}
	return waitsFor(s, closed, allowed)
}

// waitsFor finds the window that opens first among those that a step waits for: closed ones, for a
// hazard that no open window allows.
func waitsFor(s diff.Step, closed []opening, allowed resource.Hazard) (o Objection, held bool) {
	for _, w := range closed {
		if costs(s)&w.Scope.costs()&^allowed == 0 {
			continue
		}
		if !held || o.Until.IsZero() || !w.until.IsZero() && w.until.Before(o.Until) {
			o = Objection{Verdict: Hold, Code: "PS111", Reason: "waits for the window " + w.Name, Until: w.until}
		}
		held = true
	}
	return o, held
}

// Freeze is a time in which hands are kept off.
type Freeze struct {
	Scope       Scope
	From, Until time.Time // Until is not part of it
	Reason      string
}

// Freezes holds what a freeze covers, until its end.
func Freezes(freezes []Freeze) *Policy {
	return &Policy{
		Name:  "freeze",
		Doc:   "holds everything in times that were named beforehand",
		Judge: func(c *Case) []Objection { return judgeFreezes(c, freezes) },
	}
}

func judgeFreezes(c *Case, freezes []Freeze) (os []Objection) {
	for _, f := range freezes {
		if c.Now.Before(f.From) || !c.Now.Before(f.Until) {
			continue
		}
		for i, s := range c.Plan.Steps {
			if acts(s) && f.Scope.Covers(s) {
				os = append(os, Objection{Step: i, Verdict: Hold, Code: "PS113", Reason: "frozen: " + f.Reason, Until: f.Until})
			}
		}
	}
	return os
}

// InWindow tells of steps whether the windows let them through now.
func InWindow(now time.Time, windows []Window) func(*diff.Step) bool {
	looked := look(now, windows)
	return func(s *diff.Step) bool {
		_, held := judgeOpenings(*s, looked)
		return !held
	}
}
