package policies_test

import (
	"testing"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
)

// The first mode that says something of an owner counts, each of the three apart.
func TestModesOfAnOwner(t *testing.T) {
	modes := []policies.Mode{
		{Owners: []string{"pgsql/pg-test"}, Heal: new(true)},
		{Owners: []string{"pgsql/*", "node/10.*"}, Heal: new(false), Prune: new(false)},
		{Owners: []string{"*/*"}, Apply: new(false)},
	}
	for owner, want := range map[string]policies.Settings{
		"pgsql/pg-test": {Heal: true},
		"pgsql/pg-meta": {},
		"node/10.0.0.1": {},
		"etcd/etcd":     {Heal: true, Prune: true},
	} {
		if got := policies.SettingsOf(owner, modes); got != want {
			t.Errorf("%s: %+v, want %+v", owner, got, want)
		}
	}
	if got := policies.SettingsOf("etcd/etcd", nil); got != (policies.Settings{Apply: true, Heal: true, Prune: true}) {
		t.Errorf("without modes: %+v", got)
	}
}

// What a commit asks for, what has drifted and what nobody asks for any more are held apart; an approval answers
// what waits for one.
func TestModesHoldApart(t *testing.T) {
	gone := change(diff.Delete, resource.KindFile, "/f", "a", 0)
	steps := []diff.Step{restart("a"), gone}
	for name, tt := range map[string]struct {
		mode    policies.Mode
		settled bool
		want    string
	}{
		"plan, a commit":   {policies.Mode{Apply: new(false)}, false, "hold hold PS141 PS141"},
		"plan, drift":      {policies.Mode{Apply: new(false)}, true, "allow allow"},
		"report, a commit": {policies.Mode{Heal: new(false)}, false, "allow allow"},
		"report, drift":    {policies.Mode{Heal: new(false)}, true, "hold hold PS107 PS107"},
		"keep, a commit":   {policies.Mode{Prune: new(false)}, false, "allow hold PS142"},
	} {
		tt.mode.Owners = []string{"*", "*/*"}
		c := &policies.Case{Now: noon, Revision: "A", Plan: &diff.Plan{Steps: steps}, Settled: tt.settled}
		if got := judge(c, policies.Modes([]policies.Mode{tt.mode})); got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
		word := policies.Approval{Revision: "A", Digest: c.Plan.Digest(), By: "me", When: noon.Add(-time.Minute), Until: noon.Add(time.Hour)}
		for _, s := range steps {
			word.Steps = append(word.Steps, s.Digest())
		}
		c.Approvals = []policies.Approval{word}
		want := "allow allow"
		if name == "report, drift" {
			want = tt.want
		}
		if got := judge(c, policies.Modes([]policies.Mode{tt.mode})); got != want {
			t.Errorf("%s, approved: got %q, want %q", name, got, want)
		}
	}
}
