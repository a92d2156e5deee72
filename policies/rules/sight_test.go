package rules_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/policies/rules"
	"github.com/pigsync/pigsync/resource"
)

// Steps that look the same to a rule are judged once; it must say of each what it says when it is asked alone.
func TestStepsThatLookAlike(t *testing.T) {
	conditions := []string{
		`change.kind == "unit"`, `change.action == "delete"`, `change.owner == "etcd/a"`, `"restart" in change.hazards`, `change.drift`,
		`cluster.name == "a"`, `cluster.module == "pgsql"`, `cluster.labels.tier == "gold"`, `cluster.changes == 2`, `window.open`,
		`plan.changes > 3`, `clock.hour == 12`, `change.name == "x1"`, `"y" in change.fields`,
		`change.hazards.exists(h, h == "restart") && cluster.labels.tier == "gold" && !window.open || change.kind == "file" && cluster.changes > 1`,
	}
	night, err := policies.ParseSchedule("0 2 * * *")
	if err != nil {
		t.Fatal(err)
	}
	w := &rules.World{
		Labels:  policies.Labels{"etcd/*": {"tier": "gold"}, "pgsql/b": {"tier": "silver"}},
		Windows: []policies.Window{{Name: "n", Opens: night, Lasts: time.Hour, Scope: policies.Scope{Hazards: resource.Restart, Owners: []string{"etcd/a"}}}},
	}
	type pair struct{ together, alone *policies.Policy }
	var pairs []pair
	for _, when := range conditions {
		pairs = append(pairs, pair{compiled(t, when, w), compiled(t, "("+when+`) && change.id != ""`, w)})
	}
	rapid.Check(t, func(t *rapid.T) {
		plan := &diff.Plan{}
		for i := range rapid.IntRange(1, 12).Draw(t, "n") {
			s := step(rapid.SampledFrom([]diff.Action{'+', '~', '-', '='}).Draw(t, "action"),
				rapid.SampledFrom([]string{"etcd/a", "etcd/c", "pgsql/b", "pgsql/a"}).Draw(t, "owner"), resource.Hazard(rapid.IntRange(0, 3).Draw(t, "hazard")))
			s.ID.Kind = rapid.SampledFrom([]resource.Kind{"unit", "file"}).Draw(t, "kind")
			s.ID.Name, s.Fields[0].Path = fmt.Sprint("x", i), rapid.SampledFrom([]string{"x", "y"}).Draw(t, "path")
			s.Orphan = rapid.Bool().Draw(t, "orphan")
			plan.Steps = append(plan.Steps, s)
		}
		for i, p := range pairs {
			together, alone := said(p.together, plan), said(p.alone, plan)
			if !reflect.DeepEqual(together, alone) {
				t.Fatalf("%s: %+v, alone %+v", conditions[i], together, alone)
			}
		}
	})
}

func compiled(t *testing.T, when string, w *rules.World) *policies.Policy {
	t.Helper()
	p, err := rules.Compile(rules.Rule{Name: "r", When: when, Message: "m"}, w)
	if err != nil {
		t.Fatal(when, err)
	}
	return p
}

func said(p *policies.Policy, plan *diff.Plan) []policies.Objection {
	_, os := policies.Judge(&policies.Case{Now: noon, Plan: plan, Settled: true}, []*policies.Policy{p})
	return os
}
