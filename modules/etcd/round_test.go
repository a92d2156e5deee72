package etcd_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/modtest"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
)

// round is one pass over the model, as the heart makes it.
type round struct {
	compiled *modules.Compiled
	have     map[resource.ID]resource.State
	plan     *diff.Plan
	verdicts []policies.Verdict
	objected []policies.Objection
	results  []error
}

// judges are the default policies but the one that waits for people: they have agreed to everything.
func judges() (ps []*policies.Policy) {
	for _, p := range policies.Default() {
		if p.Name != "hazards" {
			ps = append(ps, p)
		}
	}
	return ps
}

// parse reads an inventory that is no part of what is tested.
func parse(text string) *inventory.Inventory {
	inv, problems, err := inventory.Load(modtest.Tree("pigsty.yml", text), "pigsty.yml")
	if err != nil || inventory.HasErrors(problems) {
		panic(fmt.Sprint(problems, err, "\n", text))
	}
	return inv
}

// assess looks, compiles and plans. The priors are earlier inventories, the newest first.
func (w *world) assess(inv *inventory.Inventory, priors []*inventory.Inventory, ps []*policies.Policy) (*round, error) {
	ms := library()
	ids := modules.Survey(inv, ms)
	w.places = modules.Places(inv, ms)
	for _, p := range priors {
		w.places = w.places.Merge(modules.Places(p, ms))
		ids = append(ids, modules.Survey(p, ms)...)
	}
	known := w.observe(ids)
	compiled := modules.Compile(inv, known, ms)
	var sets []*resource.Set
	for _, p := range priors {
		sets = append(sets, modules.Compile(p, known, ms).Want)
	}
	return w.judge(compiled, withoutOrphans(modules.Merge(sets)), ps)
}

// withoutOrphans leaves out what machines that have left the inventory leave behind: these stories are about
// the cluster.
func withoutOrphans(s *resource.Set) *resource.Set {
	rest := &resource.Set{}
	for r := range s.All() {
		if r.Parting != resource.Orphaned {
			_ = rest.Add(r) // cannot fail: s has it once
		}
	}
	return rest
}

// judge plans and judges what was compiled.
func (w *world) judge(c *modules.Compiled, prior *resource.Set, ps []*policies.Policy) (*round, error) {
	ids := []resource.ID{resource.EtcdClusterOf("etcd")}
	for _, set := range []*resource.Set{c.Want, prior} {
		for res := range set.All() {
			ids = append(ids, res.ID)
		}
	}
	r := &round{compiled: c, have: w.observe(ids)}
	var err error
	if r.plan, err = diff.NewPlan(c.Want, diff.Compare(c.Want, prior, r.have)); err != nil {
		return nil, err
	}
	r.verdicts, r.objected = policies.Judge(&policies.Case{Now: time.Unix(0, 0), Plan: r.plan, Have: r.have, Frozen: c.Frozen}, ps)
	return r, nil
}

// walk applies the plan. A gate is tried again as long as another step succeeds.
func (w *world) walk(r *round) {
	r.results = make([]error, len(r.plan.Steps))
	done := make([]bool, len(r.plan.Steps))
	for progress := true; progress; {
		progress = false
		for i, s := range r.plan.Steps {
			if done[i] || !ready(s, done, r.results) {
				continue
			}
			r.results[i] = w.step(r, i)
			done[i] = !errors.Is(r.results[i], errLater)
			progress = progress || done[i]
		}
	}
	for i := range done {
		if !done[i] && r.results[i] == nil {
			r.results[i] = errors.New("blocked")
		}
	}
}

func (w *world) step(r *round, i int) error {
	switch {
	case r.plan.Steps[i].Action == diff.Wait:
		return errors.New("unknown")
	case r.verdicts[i] > policies.Allow:
		return errors.New("held")
	}
	return w.apply(r.plan.Steps[i].Change)
}

func ready(s diff.Step, done []bool, results []error) bool {
	for _, n := range s.Needs {
		if !done[n] || results[n] != nil {
			return false
		}
	}
	return true
}

// text is the plan with what came of it.
func (r *round) text() string {
	var b strings.Builder
	if err := r.plan.WriteText(&b); err != nil {
		panic(err)
	}
	for _, o := range r.objected {
		fmt.Fprintf(&b, "%s %s: %s %s\n", o.Verdict, r.plan.Steps[o.Step].ID, o.Code, o.Reason)
	}
	for i, err := range r.results {
		if err != nil {
			fmt.Fprintf(&b, "! %s: %v\n", r.plan.Steps[i].ID, err)
		}
	}
	return b.String()
}

// brief is what was done, and what was not.
func (r *round) brief() string {
	var b strings.Builder
	for i, s := range r.plan.Steps {
		if s.Owner == "etcd/etcd" && s.Action != diff.Wait {
			fmt.Fprintf(&b, "\n%c %s", s.Action, s.ID)
			if r.results[i] != nil {
				fmt.Fprintf(&b, ": %v", r.results[i])
			}
		}
	}
	return b.String()
}

// converge makes rounds until nothing is left to do, and then one more.
func converge(t *testing.T, w *world, inv *inventory.Inventory, priors []*inventory.Inventory, most int) (rounds int) {
	t.Helper()
	var last string
	for rounds = range most {
		r, err := w.assess(inv, priors, judges())
		if err != nil {
			t.Fatal(err)
		}
		if len(r.plan.Steps) == 0 {
			return rounds
		}
		w.walk(r)
		last = r.text()
		t.Logf("round %d: %s", rounds+1, r.brief())
	}
	t.Fatalf("not converged after %d rounds; the last was\n%s", most, last)
	return most
}
