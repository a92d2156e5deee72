package main

import (
	"fmt"
	"path"

	"github.com/pigsync/pigsync/policies"
)

// modeConfig is what is done without asking about some owners; what it leaves out is as the inventory has it.
type modeConfig struct {
	Owners   []string `yaml:"owners"`    // patterns of owners: pgsql/* is a module, pgsql/pg-test a cluster
	OnCommit string   `yaml:"on_commit"` // apply or plan
	OnDrift  string   `yaml:"on_drift"`  // heal or report
	Prune    *bool    `yaml:"prune"`     // take away what nobody asks for any more
}

// The words of on_commit and on_drift; the first of each is the default.
var (
	commitModes = [2]string{"apply", "plan"}
	driftModes  = [2]string{"heal", "report"}
)

func (m modeConfig) check(d *decoder, at string) {
	checkMode(d, at+".on_commit", m.OnCommit, commitModes)
	checkMode(d, at+".on_drift", m.OnDrift, driftModes)
}

func checkMode(d *decoder, at, word string, words [2]string) {
	if word != "" && word != words[0] && word != words[1] {
		d.wrongAt(at, "want %s or %s, got %q", words[0], words[1], word)
	}
}

// checkModes notes what is wrong with the modes of an inventory.
func (inv inventoryConfig) checkModes(d *decoder, at string) {
	inv.ownMode().check(d, at)
	if inv.Heal != nil && inv.OnDrift != "" {
		d.wrongAt(at+".heal", "on_drift says it already: want one of them")
	}
	for i, m := range inv.Modes {
		at := fmt.Sprintf("%s.modes[%d]", at, i)
		m.check(d, at)
		if len(m.Owners) == 0 {
			d.wrongAt(at+".owners", "want patterns of owners such as pgsql/*")
		}
		if m.OnCommit == "" && m.OnDrift == "" && m.Prune == nil {
			d.wrongAt(at, "want on_commit, on_drift or prune")
		}
		for j, pattern := range m.Owners {
			if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
				d.wrongAt(fmt.Sprintf("%s.owners[%d]", at, j), "want a pattern of owners such as pgsql/*, got %q", pattern)
			}
		}
	}
}

// ownMode is the inventory's own, for all owners.
func (inv inventoryConfig) ownMode() modeConfig {
	m := modeConfig{Owners: []string{everybody}, OnCommit: inv.OnCommit, OnDrift: inv.OnDrift, Prune: inv.Prune}
	if inv.Heal != nil && !*inv.Heal {
		m.OnDrift = driftModes[1]
	}
	return m
}

// everybody is the pattern of all owners.
const everybody = "*/*"

// modes are those of the file, in its order, and the inventory's own at last.
func (inv inventoryConfig) modes() (all []policies.Mode) {
	for _, m := range append(append([]modeConfig(nil), inv.Modes...), inv.ownMode()) {
		all = append(all, policies.Mode{
			Owners: m.Owners, Apply: isFirst(m.OnCommit, commitModes), Heal: isFirst(m.OnDrift, driftModes), Prune: m.Prune,
		})
	}
	return all
}

func isFirst(word string, words [2]string) *bool {
	if word == "" {
		return nil
	}
	is := word == words[0]
	return &is
}

// mode is what is done to an owner without asking: "report" changes nothing, "commit" applies commits and only
// reports drift, "plan" heals and only plans commits, "heal" does both.
func (inv inventoryConfig) mode(owner string) string {
	for _, pattern := range inv.ReportOnly {
		if ok, err := path.Match(pattern, owner); err == nil && ok || pattern == owner {
			return "report"
		}
	}
	switch set := policies.SettingsOf(owner, inv.modes()); {
	case !set.Apply && !set.Heal:
		return "report"
	case !set.Heal:
		return "commit"
	case !set.Apply:
		return "plan"
	}
	return "heal"
}
