package policies

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pigsync/pigsync/diff"
)

// Adoption only reports the differences of owners that match a pattern until they have been seen in sync once, or
// somebody has accepted that they are changed: whoever takes over a fleet wants to read first.
func Adoption(patterns []string) *Policy {
	return &Policy{
		Name: "adoption",
		Doc:  "reports the differences of owners that were never seen in sync, until somebody accepts them",
		Judge: func(c *Case) []Objection {
			known := map[string]bool{}
			return eachStep(c, Hold, "PS127", func(s diff.Step) string {
				owner := s.Owner
				ours, asked := known[owner]
				if !asked {
					ours = !slices.ContainsFunc(patterns, func(p string) bool { return matches(p, owner) }) || adopted(c, owner)
					known[owner] = ours
				}
				if ours || onlyNotes(s) {
					return ""
				}
				return owner + " was never seen in sync: pigsync accept " + owner + " lets it be changed"
			})
		},
	}
}

func adopted(c *Case, owner string) bool {
	if c.Memory.Adopted[owner] {
		return true
	}
	for pattern := range c.Memory.Adopted {
		if matches(pattern, owner) {
			return true
		}
	}
	return false
}

// NewestPigsty is the newest release whose parameters are known.
const NewestPigsty = "v4.5"

// Version only reports what differs from an inventory that is written for a newer Pigsty than is known: its
// parameters may mean something else.
func Version(newest string) *Policy {
	known, _ := release(newest)
	return &Policy{
		Name: "version",
		Doc:  "reports the differences from an inventory for a newer Pigsty than " + newest,
		Judge: func(c *Case) []Objection {
			if c.Version == "" {
				return nil
			}
			is, ok := release(c.Version)
			if ok && slices.Compare(is[:], known[:]) <= 0 {
				return nil
			}
			return eachStep(c, Hold, "PS128", func(s diff.Step) string {
				if onlyNotes(s) {
					return ""
				}
				return fmt.Sprintf("the inventory is written for Pigsty %s, newer than the %s that is known: differences are only reported", c.Version, newest)
			})
		},
	}
}

// IsRelease tells whether a text names a release: v4.5.
func IsRelease(text string) bool {
	_, ok := release(text)
	return ok
}

// release reads v4.5.0; the third part does not matter.
func release(text string) (r [2]int, ok bool) {
	parts := strings.SplitN(strings.TrimPrefix(text, "v"), ".", 3)
	for i := range r {
		if i == len(parts) {
			break
		}
		n, err := strconv.Atoi(parts[i])
		if err != nil || n < 0 {
			return r, false
		}
		r[i] = n
	}
	return r, true
}

// Fight is how often the same thing may be put right before somebody is asked who changes it back.
type Fight struct {
	Times  int
	Within time.Duration
}

// DefaultFight lets go of what was changed five times in an hour.
func DefaultFight() Fight { return Fight{Times: 5, Within: time.Hour} }

// Fights holds what drifts again and again: somebody else has other wishes, and each round disturbs a service. A
// commit is no fight.
func Fights(f Fight) *Policy {
	return &Policy{
		Name: "fights",
		Doc:  "holds what somebody else changes back again and again",
		Judge: func(c *Case) (os []Objection) {
			if !c.Settled || c.Past == nil {
				return nil
			}
			for i := range c.Plan.Steps {
				s := &c.Plan.Steps[i]
				if !acts(*s) || onlyNotes(*s) {
					continue
				}
				if first, fought := f.fought(c, s); fought {
					os = append(os, Objection{
						Step: i, Verdict: Hold, Code: "PS129", Until: first.Add(f.Within),
						Reason: fmt.Sprintf("was put right %d times within %s: somebody else changes it back", f.Times, f.Within),
					})
				}
			}
			return os
		},
	}
}

// fought finds the first of the last so many times, if all are within the time.
func (f Fight) fought(c *Case, s *diff.Step) (first time.Time, fought bool) {
	n := 0
	for _, e := range slices.Backward(c.Past(s.ID, c.Now.Add(-f.Within))) {
		if e.Err != "" || e.Action == diff.Check {
			continue
		}
		if n++; n == f.Times {
			return e.When, true
		}
	}
	return time.Time{}, false
}

// backwards is by how much the clock may be behind what was written down last.
const backwards = time.Minute

// Clock holds what costs something while the clock stands before the newest thing remembered: windows, freezes and
// the ends of approvals are read from it.
func Clock() *Policy {
	return &Policy{
		Name: "clock",
		Doc:  "holds what costs something while the clock is behind the journal",
		Judge: func(c *Case) []Objection {
			if !c.Now.Before(c.Memory.Latest.Add(-backwards)) {
				return nil
			}
			os := eachStep(c, Hold, "PS117", func(s diff.Step) string {
				if s.Hazard() == 0 && s.Action != diff.Delete {
					return ""
				}
				return "the clock says " + moment(c.Now) + ", and the journal has been written at " + moment(c.Memory.Latest)
			})
			for i := range os {
				os[i].Until = c.Memory.Latest
			}
			return os
		},
	}
}
