package rules_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/policies/rules"
	"github.com/pigsync/pigsync/resource"
)

// It is a Friday, and already evening in Tokyo.
var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func step(a diff.Action, owner string, h resource.Hazard) diff.Step {
	return diff.Step{Change: diff.Change{
		Resource: resource.Resource{ID: resource.ID{Kind: "unit", Name: "etcd", At: "10.0.0.1"}, Owner: owner},
		Action:   a, Fields: []resource.Field{{Path: "inputs", Hazard: h}},
	}}
}

var gold = &rules.World{Labels: policies.Labels{"etcd/*": {"tier": "silver"}, "etcd/gold": {"tier": "gold"}}}

func judge(t *testing.T, when string, steps ...diff.Step) (verdicts []policies.Verdict, reasons string) {
	t.Helper()
	p, err := rules.Compile(rules.Rule{Name: "r", When: when, Message: "no"}, gold)
	if err != nil {
		t.Fatal(when, err)
	}
	verdicts, os := policies.Judge(&policies.Case{Now: noon, Revision: "abc", Plan: &diff.Plan{Steps: steps}}, []*policies.Policy{p})
	for _, o := range os {
		reasons += o.Code + " " + o.Reason + "\n"
	}
	return verdicts, reasons
}

func TestRules(t *testing.T) {
	restart := step(diff.Update, "etcd/gold", resource.Restart|resource.Failover)
	for when, want := range map[string]policies.Verdict{
		`change.hazards.exists(h, h == "restart") && cluster.labels.tier == "gold" && window.open`: policies.Hold,
		`"reload" in change.hazards`:      policies.Allow,
		`cluster.labels.tier == "silver"`: policies.Allow,
		`change.kind == "unit" && change.name == "etcd" && change.action == "update"`:              policies.Hold,
		`change.id == "unit:etcd@10.0.0.1" && change.at.startsWith("10.")`:                         policies.Hold,
		`change.owner == "etcd/gold" && cluster.module == "etcd" && cluster.name == "gold"`:        policies.Hold,
		`clock.weekday == "friday" && clock.hour == 12 && clock.date == "2026-11-20"`:              policies.Hold,
		`clock.now < timestamp("2026-11-20T12:00:01Z")`:                                            policies.Hold,
		`plan.changes == 1 && plan.deletes == 0 && plan.revision == "abc" && cluster.changes == 1`: policies.Hold,
		`plan.digest.size() == 12`:    policies.Hold,
		`change.fields == ["inputs"]`: policies.Hold,
		`change.drift`:                policies.Allow,
		`has(cluster.labels.team)`:    policies.Allow,
		`cluster.labels.team == "a"`:  policies.Deny, // there is no such label
	} {
		verdicts, reasons := judge(t, when, restart)
		if verdicts[0] != want {
			t.Errorf("%s: %s, want %s: %s", when, verdicts[0], want, reasons)
		}
	}
}

// What is not known is said, and denied.
func TestARuleThatCannotTellDenies(t *testing.T) {
	for when, says := range map[string]string{
		`cluster.labels.team == "a"`:       "PS121 rule r cannot tell: no such key: team\n",
		`plan.deletes / plan.deletes == 1`: "PS121 rule r cannot tell: division by zero\n",
	} {
		if verdicts, reasons := judge(t, when, step(diff.Update, "etcd/gold", 0)); verdicts[0] != policies.Deny || reasons != says {
			t.Errorf("%s: %s %q", when, verdicts[0], reasons)
		}
	}
}

func TestBadRules(t *testing.T) {
	for when, says := range map[string]string{
		`change.kindd == "unit"`: "there is no change.kindd: want one of change.id, change.kind, change.name, ",
		`nobody.knows`:           "1:1: undeclared reference to 'nobody' (in container '')",
		`change.kind == 1`:       "1:13: found no matching overload for '_==_' applied to '(string, int)'",
		`change.kind`:            "want a condition that is true or false, got string",
		`change.kind ==`:         "1:15: Syntax error: mismatched input '<EOF>' expecting ",
		``:                       "1:0: Syntax error: mismatched input '<EOF>' expecting ",
		`change.fields.all(a, change.fields.all(b, change.fields.all(c, a + b != c)))`: "it may take too much work: compare with fixed texts, and loop over one list at most",
	} {
		_, err := rules.Compile(rules.Rule{Name: "r", When: when}, &rules.World{})
		if err == nil || !strings.HasPrefix(err.Error(), says) {
			t.Errorf("%s: %v, want %s", when, err, says)
		}
	}
}

// Only what changes something is judged, and a rule that denies does so.
func TestRulesJudgeWhatActs(t *testing.T) {
	p, err := rules.Compile(rules.Rule{Name: "r", When: "true", Message: "never", Deny: true}, &rules.World{})
	if err != nil {
		t.Fatal(err)
	}
	plan := &diff.Plan{Steps: []diff.Step{step(diff.Check, "etcd/a", 0), step(diff.Wait, "etcd/a", 0), step(diff.Delete, "etcd/a", 0)}}
	verdicts, _ := policies.Judge(&policies.Case{Now: noon, Plan: plan}, []*policies.Policy{p})
	if fmt.Sprint(verdicts) != "[allow allow deny]" {
		t.Error(verdicts)
	}
}

// No expression panics or hangs, whatever it is.
func FuzzCompile(f *testing.F) {
	for _, v := range rules.Variables {
		f.Add(v.Name + " == " + v.Name)
	}
	f.Add(`change.hazards.exists(h, h == "restart") && !window.open`)
	f.Fuzz(func(t *testing.T, when string) {
		p, err := rules.Compile(rules.Rule{Name: "r", When: when, Message: "m"}, gold)
		if err != nil {
			return
		}
		c := &policies.Case{Now: noon, Plan: &diff.Plan{Steps: []diff.Step{step(diff.Update, "etcd/gold", resource.Restart)}}}
		if os := p.Judge(c); len(os) > 1 {
			t.Error(os)
		}
	})
}

// BenchmarkJudge: every judge and twenty rules on a plan of 10,000 steps.
func BenchmarkJudge(b *testing.B) {
	plan := &diff.Plan{}
	for i := range 10_000 {
		s := step(diff.Update, fmt.Sprintf("etcd/e-%d", i/5), resource.Hazard(1<<(i%6)))
		s.ID.At = fmt.Sprintf("10.0.%d.%d", i/250, i%250)
		if i%5 > 0 {
			s.Needs = []int{i - 1}
		}
		plan.Steps = append(plan.Steps, s)
	}
	schedule, err := policies.ParseSchedule("0 2 * * *")
	if err != nil {
		b.Fatal(err)
	}
	windows := []policies.Window{{Name: "night", Opens: schedule, Lasts: time.Hour, Scope: policies.Scope{Hazards: resource.Restart}}}
	labels := policies.Labels{"etcd/*": {"tier": "silver"}, "etcd/e-1*": {"tier": "gold"}}
	small := 0.5
	ps := append(policies.Default(), policies.Windows(windows), policies.Freezes(nil), policies.ReportOnly([]string{"node/*"}),
		policies.BlastRadius(policies.Blast{Share: 0.25, Few: 2, Touch: 0.9}), policies.Adoption([]string{"pgsql/*"}),
		policies.Consents([]policies.Consent{{Need: 2, Scope: policies.Scope{Hazards: resource.DataLoss}}}, nil),
		policies.Backups(policies.Backup{Within: time.Hour}), policies.Quarantines(policies.Quarantine{Period: time.Hour}),
		policies.Rings([]policies.Ring{{Name: "dev", Owners: []string{"etcd/e-1*"}, Soak: time.Hour, Gates: []policies.Gate{{Name: "g", Max: &small}}}, {Name: "rest", Owners: []string{"*/*"}}}),
		policies.Budgets([]policies.Budget{{Name: "fleet", Scope: policies.Scope{Hazards: resource.Restart}, Per: policies.PerFleet, Max: 4}}, labels))
	world := &rules.World{Labels: labels, Windows: windows}
	for i := range 20 {
		when := `change.hazards.exists(h, h == "restart") && cluster.labels.tier == "gold" && !window.open`
		p, err := rules.Compile(rules.Rule{Name: fmt.Sprint("r", i), When: when, Message: "m"}, world)
		if err != nil {
			b.Fatal(err)
		}
		ps = append(ps, p)
	}
	b.ReportAllocs()
	for b.Loop() {
		policies.Judge(&policies.Case{
			Now: noon, Plan: plan, Want: &resource.Set{}, Memory: policies.Memory{Since: noon.Add(-9 * time.Hour)},
			Past: func(resource.ID, time.Time) []policies.Event { return nil },
		}, ps)
	}
}
