package policies_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func change(a diff.Action, kind resource.Kind, name, at string, h resource.Hazard) diff.Step {
	return diff.Step{Change: diff.Change{
		Resource: resource.Resource{ID: resource.ID{Kind: kind, Name: name, At: at}, Owner: "etcd/etcd"},
		Action:   a, Fields: []resource.Field{{Path: "x", Have: "a", Want: "b", Hazard: h}},
	}}
}

func restart(at string, needs ...int) diff.Step {
	s := change(diff.Update, resource.KindUnit, "etcd", at, resource.Restart)
	s.Needs = needs
	return s
}

func remove(id, at string) diff.Step {
	s := change(diff.Delete, resource.KindEtcdMember, "etcd-"+id, "etcd", 0)
	s.Spec, s.Have = resource.EtcdMember{PeerURL: url(at)}, resource.EtcdMember{PeerURL: url(at), MemberID: id}
	return s
}

func url(at string) string { return "https://" + at + ":2380" }

// cluster has one member a letter: h healthy, d down, l a healthy learner.
func cluster(letters string) map[resource.ID]resource.State {
	c := resource.EtcdCluster{Quorum: true}
	for i, l := range letters {
		c.Members = append(c.Members, resource.EtcdMemberInfo{
			ID: fmt.Sprint(i + 1), PeerURL: url(fmt.Sprintf("10.0.0.%d", i+1)), Healthy: l != 'd', Learner: l == 'l',
		})
	}
	return map[resource.ID]resource.State{resource.EtcdClusterOf("etcd"): {Spec: c}}
}

func judge(c *policies.Case, ps ...*policies.Policy) string {
	c.Now = noon
	verdicts, os := policies.Judge(c, ps)
	var out []string
	for _, v := range verdicts {
		out = append(out, v.String())
	}
	for _, o := range os {
		out = append(out, o.Code)
	}
	return strings.Join(out, " ")
}

func TestQuorum(t *testing.T) {
	noQuorum := map[resource.ID]resource.State{resource.EtcdClusterOf("etcd"): {Spec: resource.EtcdCluster{}}}
	unknown := map[resource.ID]resource.State{resource.EtcdClusterOf("etcd"): {Err: errors.New("timeout")}}
	start := change(diff.Update, resource.KindUnit, "etcd", "10.0.0.1", 0)
	tests := []struct {
		name string
		have map[resource.ID]resource.State
		step diff.Step
		want string
	}{
		{"restart one of three", cluster("hhh"), restart("10.0.0.1"), "allow"},
		{"restart with one down", cluster("hhd"), restart("10.0.0.1"), "hold PS104"},
		{"restart the one that is ill", cluster("hhd"), restart("10.0.0.3"), "allow"},
		{"restart with one of five down", cluster("hhhhd"), restart("10.0.0.1"), "allow"},
		{"a learner does not vote", cluster("hhl"), restart("10.0.0.1"), "hold PS104"},
		{"a single member may restart", cluster("h"), restart("10.0.0.1"), "allow"},
		{"start one that is down", cluster("hdd"), start, "allow"},
		{"nobody knows", unknown, restart("10.0.0.1"), "hold PS104"},
		{"nobody knows, but starting is free", unknown, start, "allow"},
		{"no quorum", noQuorum, restart("10.0.0.1"), "hold PS104"},
		{"nothing lives", nil, restart("10.0.0.1"), "allow"},
		{"remove one of three", cluster("hhh"), remove("1", "10.0.0.1"), "allow"},
		{"remove the dead one", cluster("hhd"), remove("3", "10.0.0.3"), "allow"},
		{"remove a healthy one while another is dead", cluster("hhd"), remove("1", "10.0.0.1"), "hold PS104"},
		{"remove the last", cluster("h"), remove("1", "10.0.0.1"), "hold PS104"},
		{"stop what is a member no more", cluster("hh"), restart("10.0.0.9"), "allow"},
	}
	for _, tt := range tests {
		c := &policies.Case{Plan: &diff.Plan{Steps: []diff.Step{tt.step}}, Have: tt.have}
		if got := judge(c, policies.Quorum()); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// A cluster of two can spare nobody; who approves its restart has said that a moment is all right. The
// last healthy member is never approved away, nor is one without whom the rest would be no quorum.
func TestAMomentWithoutQuorumMayBeApproved(t *testing.T) {
	for members, want := range map[string]string{"hh": "allow", "hd": "hold PS104", "hhd": "allow", "hhd, for good": "hold PS104", "h, for good": "hold PS104"} {
		members, forGood := strings.CutSuffix(members, ", for good")
		step := restart("10.0.0.1")
		if forGood {
			step = remove("1", "10.0.0.1")
		}
		c := &policies.Case{Plan: &diff.Plan{Steps: []diff.Step{step}}, Have: cluster(members)}
		if got := judge(c, policies.Quorum()); got != "hold PS104" {
			t.Errorf("%s: got %q", members, got)
		}
		c.Approvals = []policies.Approval{{Steps: []string{step.Digest()}, Until: noon.Add(time.Hour)}}
		if got := judge(c, policies.Quorum()); got != want {
			t.Errorf("%s, approved: got %q, want %q", members, got, want)
		}
	}
}

func TestQuorumKnowsAnAddressInAnySpelling(t *testing.T) {
	have := cluster("hhd")
	spec := have[resource.EtcdClusterOf("etcd")].Spec.(resource.EtcdCluster)
	spec.Members[0].PeerURL = "https://[fd00::1]:2380"
	c := &policies.Case{Plan: &diff.Plan{Steps: []diff.Step{restart("fd00:0:0::1")}}, Have: have}
	if got := judge(c, policies.Quorum()); got != "hold PS104" {
		t.Errorf("got %q", got)
	}
}

func TestOneAtATime(t *testing.T) {
	tests := []struct {
		name  string
		steps []diff.Step
		want  string
	}{
		{"in a row", []diff.Step{restart("a"), check(0), restart("b", 1)}, "allow allow allow"},
		{"side by side", []diff.Step{restart("a"), restart("b")}, "allow hold PS105"},
		{"two of three in a row", []diff.Step{restart("a"), restart("b"), restart("c", 0)}, "allow hold allow PS105"},
	}
	for _, tt := range tests {
		if got := judge(&policies.Case{Plan: &diff.Plan{Steps: tt.steps}}, policies.OneAtATime()); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestApprovalsCoverExactlyOneStepOnce(t *testing.T) {
	gone := remove("1", "10.0.0.1")
	plan := &diff.Plan{Steps: []diff.Step{gone}}
	approval := policies.Approval{Digest: plan.Digest(), Steps: []string{gone.Digest()}, When: noon.Add(-time.Hour), Until: noon.Add(time.Hour)}
	with := func(f func(*policies.Case)) *policies.Case {
		c := &policies.Case{Plan: plan, Approvals: []policies.Approval{approval}}
		f(c)
		return c
	}
	done := func(a diff.Action, err string) func(resource.ID, time.Time) []policies.Event {
		return func(resource.ID, time.Time) []policies.Event {
			return []policies.Event{{When: noon, Action: a, Err: err}}
		}
	}
	tests := []struct {
		name string
		c    *policies.Case
		want string
	}{
		{"nobody approved", with(func(c *policies.Case) { c.Approvals = nil }), "hold PS101"},
		{"approved", with(func(*policies.Case) {}), "allow"},
		{"tried, but failed", with(func(c *policies.Case) { c.Past = done(diff.Delete, "boom") }), "allow"},
		{"done since", with(func(c *policies.Case) { c.Past = done(diff.Delete, "") }), "hold PS101"},
		{"something else was done", with(func(c *policies.Case) { c.Past = done(diff.Update, "") }), "allow"},
		{"too old", with(func(c *policies.Case) { c.Approvals[0].Until = noon }), "hold PS101"},
		{"for another commit", with(func(c *policies.Case) { c.Revision = "b" }), "hold PS101"},
		{"another step", with(func(c *policies.Case) { c.Plan = &diff.Plan{Steps: []diff.Step{remove("2", "10.0.0.2")}} }), "hold PS101"},
	}
	for _, tt := range tests {
		if got := judge(tt.c, policies.Hazards(policies.Careful)); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestSafeguardsCannotBeApproved(t *testing.T) {
	gone := remove("1", "10.0.0.1")
	gone.Guard = "etcd_safeguard"
	c := &policies.Case{Plan: &diff.Plan{Steps: []diff.Step{gone}}}
	c.Approvals = []policies.Approval{{Steps: []string{gone.Digest()}, Until: noon.Add(time.Hour)}}
	if got := judge(c, policies.Hazards(policies.Careful), policies.Safeguards()); got != "deny PS102" {
		t.Errorf("got %q", got)
	}
}

func TestOwners(t *testing.T) {
	one := func() *policies.Case {
		return &policies.Case{Plan: &diff.Plan{Steps: []diff.Step{restart("a"), change(diff.Wait, "file", "x", "a", 0)}}}
	}
	frozen := one()
	frozen.Frozen = map[string]bool{"etcd/etcd": true}
	held := one()
	held.Holds = []policies.HoldOrder{{Owner: "etcd/*", Until: noon.Add(time.Minute)}}
	over := one()
	over.Holds = []policies.HoldOrder{{Owner: "etcd/*", Until: noon}}
	settled := one()
	settled.Settled = true
	tests := []struct {
		name string
		got  string
		want string
	}{
		{"frozen", judge(frozen, policies.Frozen()), "deny allow PS103"},
		{"held", judge(held, policies.Holds()), "hold allow PS106"},
		{"no longer held", judge(over, policies.Holds()), "allow allow"},
		{"only reported", judge(one(), policies.ReportOnly([]string{"pgsql/*", "etcd/*"})), "hold allow PS107"},
		{"not among the reported", judge(one(), policies.ReportOnly([]string{"pgsql/*"})), "allow allow"},
		{"drift is reported", judge(settled, policies.Modes([]policies.Mode{{Owners: []string{"*", "*/*"}, Heal: new(false)}})), "hold allow PS107"},
		{"a commit is applied", judge(one(), policies.Modes([]policies.Mode{{Owners: []string{"*", "*/*"}, Heal: new(false)}})), "allow allow"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, tt.got, tt.want)
		}
	}
}

// After a reboot only our own note is out of date: seen with heal: false, which reported it for ever.
func TestNotesAreRenewedWhereDriftIsReported(t *testing.T) {
	note := change(diff.Update, resource.KindUnit, "etcd", "a", 0)
	note.Fields[0].Path = resource.Noted
	c := &policies.Case{Plan: &diff.Plan{Steps: []diff.Step{note, restart("b")}}, Settled: true}
	if got := judge(c, policies.Modes([]policies.Mode{{Owners: []string{"*", "*/*"}, Heal: new(false)}})); got != "allow hold PS107" {
		t.Errorf("report drift: got %q", got)
	}
	if got := judge(c, policies.ReportOnly([]string{"etcd/*"})); got != "allow hold PS107" {
		t.Errorf("report only: got %q", got)
	}
}

func TestAPolicyThatFailsDeniesAll(t *testing.T) {
	panics := &policies.Policy{Name: "p", Judge: func(*policies.Case) []policies.Objection { panic("boom") }}
	raves := &policies.Policy{Name: "r", Judge: func(*policies.Case) []policies.Objection { return []policies.Objection{{Step: 7}} }}
	for _, p := range []*policies.Policy{panics, raves} {
		c := &policies.Case{Plan: &diff.Plan{Steps: []diff.Step{restart("a"), restart("b")}}}
		if got := judge(c, p); got != "deny deny PS199 PS199" {
			t.Errorf("%s: got %q", p.Name, got)
		}
	}
}

// Adding a policy never allows more, their order does not matter, and what needs a held step is held, and
// nothing else.
func TestJudgeProperties(t *testing.T) {
	lunch := window(t, "0 12 * * *", time.Hour, resource.Reload)
	lunch.Deny = true
	all := append(policies.Default(), policies.Modes([]policies.Mode{{Owners: []string{"*", "*/*"}, Heal: new(false)}}), policies.ReportOnly([]string{"*"}),
		policies.Windows([]policies.Window{window(t, "0 2 * * *", time.Hour, resource.Restart), lunch}),
		policies.Freezes([]policies.Freeze{{Scope: policies.Scope{Hazards: resource.Failover}, From: noon, Until: noon.Add(time.Hour)}}),
		policies.Budgets([]policies.Budget{{Per: policies.PerFleet, Max: 1}, {Per: policies.PerOwner, Max: 2}, {Per: policies.PerHost, Max: 1}}, policies.Labels{"node/n": {"host": "h"}}),
		policies.BlastRadius(policies.Blast{Touch: 0.5}), policies.Adoption([]string{"pgsql/*"}), policies.Backups(policies.Backup{Within: time.Hour}),
		policies.Quarantines(policies.Quarantine{Period: time.Hour}), policies.Consents([]policies.Consent{{Need: 2, Scope: policies.Scope{Hazards: resource.Topology}}}, nil),
		policies.Rings([]policies.Ring{{Name: "a", Owners: []string{"etcd/*"}, Soak: time.Minute, Gates: []policies.Gate{{Name: "g", Max: new(float64)}}}, {Name: "b", Owners: []string{"*/*"}}}))
	rapid.Check(t, func(t *rapid.T) {
		c := drawCase(t)
		plan := c.Plan
		n := rapid.IntRange(0, len(all)-1).Draw(t, "policies")
		few, _ := policies.Judge(c, all[:n])
		more, os := policies.Judge(c, all[:n+1])
		if mixed, _ := policies.Judge(c, rapid.Permutation(all[:n+1]).Draw(t, "order")); !slices.Equal(mixed, more) {
			t.Fatalf("in another order %v, in this %v", mixed, more)
		}
		for i := range few {
			objected := slices.ContainsFunc(os, func(o policies.Objection) bool { return o.Step == i && o.Verdict > policies.Allow })
			needsHeld := slices.ContainsFunc(plan.Steps[i].Needs, func(k int) bool { return more[k] > policies.Allow })
			if more[i] > policies.Allow != (objected || needsHeld) {
				t.Fatalf("step %d: %s, objected %v, needs one that is held %v", i, more[i], objected, needsHeld)
			}
			if more[i] < few[i] {
				t.Fatalf("%s allowed more", all[n].Name)
			}
			for _, k := range plan.Steps[i].Needs {
				if more[k] > policies.Allow && more[i] == policies.Allow {
					t.Fatal("a step runs without what it needs")
				}
			}
		}
	})
}

// drawCase is any plan, of any fleet, with any memory.
func drawCase(t *rapid.T) *policies.Case {
	plan := &diff.Plan{}
	for i := range rapid.IntRange(1, 8).Draw(t, "n") {
		s := change(rapid.SampledFrom([]diff.Action{'+', '~', '-', '=', '?'}).Draw(t, "action"), "unit", fmt.Sprint(i),
			rapid.SampledFrom([]string{"n", "10.0.0.1", "10.0.0.2"}).Draw(t, "at"), resource.Hazard(rapid.IntRange(0, 63).Draw(t, "hazard")))
		s.Owner = rapid.SampledFrom([]string{"etcd/etcd", "pgsql/pg-1", "node/n"}).Draw(t, "owner")
		s.Orphan = rapid.IntRange(0, 9).Draw(t, "orphan") == 0
		for k := range i {
			if rapid.Bool().Draw(t, "needs") {
				s.Needs = append(s.Needs, k)
			}
		}
		plan.Steps = append(plan.Steps, s)
	}
	have := cluster(rapid.SampledFrom([]string{"h", "hhh", "hdd"}).Draw(t, "cluster"))
	maps.Copy(have, postgres(rapid.SampledFrom([]string{"L", "Lr", "Lrd", "rr", "L?", "Lp"}).Draw(t, "postgres")))
	ago := func(label string) time.Time {
		return noon.Add(-time.Duration(rapid.IntRange(-60, 240).Draw(t, label)) * time.Minute)
	}
	c := &policies.Case{Now: noon, Plan: plan, Have: have, Settled: rapid.Bool().Draw(t, "settled"), Samples: map[string]policies.Sample{"g": {When: ago("sample")}}}
	c.Memory = policies.Memory{Since: ago("since"), Latest: ago("latest"), Changed: map[string]time.Time{"etcd/etcd": ago("changed")}, Stopped: map[string]time.Time{"etcd/etcd": ago("stopped")}}
	c.Past = did(time.Duration(rapid.IntRange(0, 60).Draw(t, "took"))*time.Minute, ago("past"))
	if rapid.Bool().Draw(t, "approved") {
		c.Approvals = []policies.Approval{agreed(plan, "ann", ago("ann")), agreed(plan, "bob", ago("bob"))}
	}
	return c
}

func check(needs ...int) diff.Step {
	s := change(diff.Check, resource.KindEtcdHealth, "a", "etcd", 0)
	s.Needs = needs
	return s
}

// A removal is done whole or not at all: seen on a real cluster, where the files nobody needed went
// while the member was held.
func TestRemovalsAreHeldWhole(t *testing.T) {
	file := change(diff.Delete, resource.KindFile, "/etc/etcd/etcd.pass", "10.0.0.1", 0)
	update := change(diff.Update, resource.KindFile, "/etc/x", "10.0.0.1", 0)
	other := file
	other.Owner = "etcd/other"
	plan := &diff.Plan{Steps: []diff.Step{update, file, other, remove("1", "10.0.0.1")}}
	c := &policies.Case{Plan: plan}
	if got := judge(c, policies.Hazards(policies.Careful)); got != "allow hold allow hold PS101 PS101" {
		t.Errorf("got %q", got)
	}
	c.Approvals = []policies.Approval{{Steps: []string{plan.Steps[3].Digest()}, Until: noon.Add(time.Hour)}}
	if got := judge(c, policies.Hazards(policies.Careful)); got != "allow allow allow allow" {
		t.Errorf("approved: got %q", got)
	}
}

func TestWhatIsFixedCannotBeApproved(t *testing.T) {
	s := change(diff.Update, "pgdatabase", "app", "pg-test", 0)
	s.Spec = resource.PGDatabase{PGCreation: resource.PGCreation{Encoding: "LATIN1"}}
	s.Have = resource.PGDatabase{PGCreation: resource.PGCreation{Encoding: "UTF8"}}
	c := &policies.Case{Plan: &diff.Plan{Steps: []diff.Step{s}}}
	c.Approvals = []policies.Approval{{Steps: []string{s.Digest()}, Until: noon.Add(time.Hour)}}
	if got := judge(c, policies.Fixed()); got != "deny PS118" {
		t.Errorf("got %q", got)
	}
	s.Spec = resource.PGDatabase{Owner: "app"}
	if got := judge(&policies.Case{Plan: &diff.Plan{Steps: []diff.Step{s}}}, policies.Fixed()); got != "allow" {
		t.Errorf("got %q for what can be changed", got)
	}
}
