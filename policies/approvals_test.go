package policies_test

import (
	"testing"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
)

// agreed is a word of somebody for every step of a plan.
func agreed(p *diff.Plan, by string, when time.Time) policies.Approval {
	a := policies.Approval{Digest: p.Digest(), By: by, When: when, Until: noon.Add(time.Hour)}
	for _, s := range p.Steps {
		a.Steps = append(a.Steps, s.Digest())
	}
	return a
}

func TestConsent(t *testing.T) {
	people := policies.People{
		"ann": {Roles: []string{"dba"}, Names: []string{"ann@example.com"}}, "bob": {Roles: []string{"owner", "dba"}}, "eve": {},
	}
	two := policies.Consent{Scope: policies.Scope{Hazards: resource.Topology}, Need: 2, Roles: []string{"dba", "owner"}}
	one := policies.Consent{Need: 1, Via: []string{policies.ViaCommit}}
	soon := policies.Consent{Need: 1, Within: time.Hour}
	plan := &diff.Plan{Steps: []diff.Step{remove("1", "10.0.0.1")}}
	early := noon.Add(-2 * time.Hour)
	signed := agreed(plan, "ann@example.com", early)
	signed.Via = policies.ViaCommit
	future := agreed(plan, "ann", noon.Add(time.Second))
	for _, tt := range []struct {
		name    string
		consent policies.Consent
		words   []policies.Approval
		want    string
	}{
		{"nobody", two, nil, "hold PS115"},
		{"one of two", two, []policies.Approval{agreed(plan, "bob", early)}, "hold PS115"},
		{"the same twice", two, []policies.Approval{agreed(plan, "bob", early), agreed(plan, "bob", noon)}, "hold PS115"},
		{"one person with two names", two, []policies.Approval{agreed(plan, "ann", early), signed}, "hold PS115"},
		{"two without the role", two, []policies.Approval{agreed(plan, "ann", early), agreed(plan, "eve", early)}, "hold PS115"},
		{"two with both roles", two, []policies.Approval{agreed(plan, "ann", early), agreed(plan, "bob", early)}, "allow"},
		{"a word from the future", two, []policies.Approval{future, agreed(plan, "bob", early)}, "hold PS115"},
		{"unsigned", one, []policies.Approval{agreed(plan, "ann", early)}, "hold PS115"},
		{"signed", one, []policies.Approval{signed}, "allow"},
		{"too long ago", soon, []policies.Approval{agreed(plan, "ann", early)}, "hold PS115"},
		{"just now", soon, []policies.Approval{agreed(plan, "mallory", noon)}, "allow"},
	} {
		c := &policies.Case{Plan: plan, Approvals: tt.words}
		if got := judge(c, policies.Consents([]policies.Consent{tt.consent}, people)); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// What was agreed to was agreed to for the cluster that was seen: when a member died since, or leads now, it is
// another question.
func TestAnApprovalIsForTheWorldThatWasSeen(t *testing.T) {
	plan := &diff.Plan{Steps: []diff.Step{remove("1", "10.0.0.1")}}
	was, is := cluster("hhh"), cluster("hhd")
	word := agreed(plan, "ann", noon)
	word.World = policies.World(plan, was)
	if len(word.World) != 1 {
		t.Fatalf("world %v, want one owner", word.World)
	}
	for want, have := range map[string]map[resource.ID]resource.State{"allow": was, "hold PS101": is} {
		c := &policies.Case{Plan: plan, Have: have, Approvals: []policies.Approval{word}}
		if got := judge(c, policies.Hazards(policies.Careful)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	pg := of("pgsql/pg-1", restart("10.0.0.1"))
	plan = &diff.Plan{Steps: []diff.Step{pg}}
	word = agreed(plan, "ann", noon)
	word.World = policies.World(plan, postgres("Lr"))
	for want, have := range map[string]map[resource.ID]resource.State{"allow": postgres("Lr"), "hold PS101": postgres("rL")} {
		c := &policies.Case{Plan: plan, Have: have, Approvals: []policies.Approval{word}}
		if got := judge(c, policies.Hazards(resource.Restart)); got != want {
			t.Errorf("PostgreSQL: got %q, want %q", got, want)
		}
	}
}
