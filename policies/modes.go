package policies

import (
	"slices"

	"github.com/pigsync/pigsync/diff"
)

// Mode is what is done without asking about the owners that match one of its patterns. What is nil is left to
// the next mode.
type Mode struct {
	Owners []string
	Apply  *bool // what a commit asks for is done
	Heal   *bool // what moved away from a commit that had converged is put back
	Prune  *bool // what nobody asks for any more is taken away
}

// Settings are what the modes come to for one owner.
type Settings struct{ Apply, Heal, Prune bool }

// SettingsOf gives what is done about an owner without asking: the first mode that says it counts, and where
// none does, it is done.
func SettingsOf(owner string, modes []Mode) Settings {
	var mine []Mode
	for _, m := range modes {
		if slices.ContainsFunc(m.Owners, func(p string) bool { return matches(p, owner) }) {
			mine = append(mine, m)
		}
	}
	says := func(what func(Mode) *bool) bool {
		for _, m := range mine {
			if set := what(m); set != nil {
				return *set
			}
		}
		return true
	}
	return Settings{
		Apply: says(func(m Mode) *bool { return m.Apply }),
		Heal:  says(func(m Mode) *bool { return m.Heal }),
		Prune: says(func(m Mode) *bool { return m.Prune }),
	}
}

// Modes holds what the administrator wants to be asked about, or only told.
func Modes(modes []Mode) *Policy {
	return &Policy{
		Name: "modes",
		Doc:  "holds what is to be planned or reported only",
		Judge: func(c *Case) (os []Objection) {
			known := map[string]Settings{}
			for i, s := range c.Plan.Steps {
				if !acts(s) || onlyNotes(s) {
					continue
				}
				set, asked := known[s.Owner]
				if !asked {
					set = SettingsOf(s.Owner, modes)
					known[s.Owner] = set
				}
				if code, reason := set.against(c, s); code != "" {
					os = append(os, Objection{Step: i, Verdict: Hold, Code: code, Reason: reason})
				}
			}
			return os
		},
	}
}

// against says why a step is not done without asking, "" when it is. An approval is an answer to what is only
// planned, not to what is only reported.
func (set Settings) against(c *Case, s diff.Step) (code, reason string) {
	drift := c.Settled && !s.Orphan
	switch {
	case drift && !set.Heal:
		return "PS107", "drift is only reported (on_drift: report)"
	case s.Action == diff.Delete && !set.Prune && !approved(c, s):
		return "PS142", "nothing is taken away without a word (prune: false): approve plan " + c.Digest()
	case !drift && !set.Apply && !approved(c, s):
		return "PS141", "commits are only planned (on_commit: plan): approve plan " + c.Digest()
	}
	return "", ""
}
