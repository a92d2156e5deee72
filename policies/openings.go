package policies

import (
	"fmt"
	"slices"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// Windows holds what a window is about while none of its windows is open, and while one is that
// denies. What has begun is not stopped; what has not begins in the next window. What would not end in its
// window, by what it took before, does not begin.
func Windows(windows []Window) *Policy {
	return &Policy{
		Name:  "windows",
		Doc:   "holds what may only be done at its times",
		Judge: func(c *Case) []Objection { return judgeWindows(c, windows) },
	}
}

func judgeWindows(c *Case, windows []Window) (os []Objection) {
	looked := look(c.Now, windows)
	for i := range c.Plan.Steps {
		s := &c.Plan.Steps[i]
		if !acts(*s) {
			continue
		}
		if o, held := looked.judge(c, s); held {
			o.Step = i
			os = append(os, o)
		}
	}
	return os
}

// InWindow tells of steps whether the windows let them through now.
func InWindow(c *Case, windows []Window) func(*diff.Step) bool {
	looked := look(c.Now, windows)
	return func(s *diff.Step) bool {
		_, held := looked.judge(c, s)
		return !held
	}
}

// opening is a window at one moment.
type opening struct {
	*Window
	open  bool
	until time.Time
}

type openings []opening

func look(now time.Time, windows []Window) openings {
	looked := make(openings, len(windows))
	for i := range windows {
		looked[i].Window = &windows[i]
		looked[i].open, looked[i].until = windows[i].Open(now)
	}
	return looked
}

// closed is a window that does not let a step through, and why.
type closed struct {
	Objection
	costs resource.Hazard
}

func (ws openings) judge(c *Case, s *diff.Step) (o Objection, held bool) {
	var shut []closed
	allowed := resource.Hazard(0)
	for i := range ws {
		w := &ws[i]
		if !w.Scope.Covers(*s) {
			continue
		}
		ends := c.Now.Add(w.needs(c, s))
		switch {
		case w.Deny && w.open:
			return Objection{Verdict: Hold, Code: "PS112", Reason: "not in the window " + w.Name, Until: w.until}, true
		case w.Deny && !w.until.IsZero() && ends.After(w.until):
			return w.late(c, s, w.until.Add(w.Lasts)), true
		case w.Deny:
		case !w.open:
			shut = append(shut, closed{Objection{Verdict: Hold, Code: "PS111", Reason: "waits for the window " + w.Name, Until: w.until}, w.Scope.costs()})
		case ends.After(w.until):
			shut = append(shut, closed{w.late(c, s, w.next(w.until)), w.Scope.costs()})
		default:
			allowed |= w.Scope.costs()
		}
	}
	return waitsFor(s, shut, allowed)
}

// late says that a step would still be under way when a window changes.
func (w *opening) late(c *Case, s *diff.Step, until time.Time) Objection {
	changes := "closes"
	if w.Deny {
		changes = "opens"
	}
	reason := fmt.Sprintf("would not end before the window %s %s at %s: ", w.Name, changes, w.until.In(w.zone()).Format("15:04 MST"))
	if took, known := took(c, s); known {
		reason += "it took " + took.Round(time.Second).String()
	} else {
		reason += "nobody knows how long it takes"
	}
	return Objection{Verdict: Hold, Code: "PS116", Reason: reason, Until: until}
}

// needs is how long before the window changes a step must begin.
func (w *opening) needs(c *Case, s *diff.Step) time.Duration {
	if w.Overrun {
		return 0
	}
	if took, known := took(c, s); known {
		return took
	}
	return w.Margin
}

// lately is how many of the times it was done tell how long a step takes.
const lately = 5

// took is the longest that the same change of the same resource took of the last times it succeeded.
func took(c *Case, s *diff.Step) (longest time.Duration, known bool) {
	if c.Past == nil {
		return 0, false
	}
	n := 0
	for _, e := range slices.Backward(c.Past(s.ID, time.Time{})) {
		if e.Err != "" || e.Action != s.Action || e.Took == 0 {
			continue
		}
		longest, known = max(longest, e.Took), true
		if n++; n == lately {
			break
		}
	}
	return longest, known
}

// waitsFor finds the window that opens first among those that a step waits for: closed ones, for a
// hazard that no open window allows.
func waitsFor(s *diff.Step, shut []closed, allowed resource.Hazard) (o Objection, held bool) {
	for _, w := range shut {
		if costs(*s)&w.costs&^allowed == 0 {
			continue
		}
		if !held || o.Until.IsZero() || !w.Until.IsZero() && w.Until.Before(o.Until) {
			o = w.Objection
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

// Freezes holds what a freeze covers, until its end, and before it what would still be under way when it
// begins.
func Freezes(freezes []Freeze) *Policy {
	return &Policy{
		Name:  "freeze",
		Doc:   "holds everything in times that were named beforehand",
		Judge: func(c *Case) []Objection { return judgeFreezes(c, freezes) },
	}
}

func judgeFreezes(c *Case, freezes []Freeze) (os []Objection) {
	for _, f := range freezes {
		if !c.Now.Before(f.Until) {
			continue
		}
		for i := range c.Plan.Steps {
			s := &c.Plan.Steps[i]
			if !acts(*s) || !f.Scope.Covers(*s) {
				continue
			}
			if o, held := f.judge(c, s); held {
				o.Step = i
				os = append(os, o)
			}
		}
	}
	return os
}

func (f Freeze) judge(c *Case, s *diff.Step) (o Objection, held bool) {
	if !c.Now.Before(f.From) {
		return Objection{Verdict: Hold, Code: "PS113", Reason: "frozen: " + f.Reason, Until: f.Until}, true
	}
	if took, _ := took(c, s); c.Now.Add(took).After(f.From) {
		reason := fmt.Sprintf("would not end before the freeze (%s): it took %s", f.Reason, took.Round(time.Second))
		return Objection{Verdict: Hold, Code: "PS116", Reason: reason, Until: f.Until}, true
	}
	return Objection{}, false
}
