package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
)

func newPolicyTest(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "test FILE...",
		Short: "judge written or recorded plans, and compare with what is wanted",
		Long: "Test reads cases of plans and what the policies of the configuration should say of them, and tells\n" +
			"where they say something else. No network, no journal. Exit status 0: all as wanted; 1: not.\n\n" +
			"A case has a name, now (a time), settled (the plan heals drift), a plan that is written down or\n" +
			"recorded (a file of pigsync plan -o json), and want: the verdict of steps, with code and until\n" +
			"where they matter.",
		Example: "  pigsync policy test policies/*.yml --config pigsync.yml",
		Args:    cobra.MinimumNArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return o.testPolicies(args) },
	}
}

// policyTest is a file of cases.
type policyTest struct {
	Cases []policyCase `yaml:"cases"`
}

type policyCase struct {
	Name     string        `yaml:"name"`
	Now      string        `yaml:"now"` // RFC 3339
	Settled  bool          `yaml:"settled"`
	Plan     []writtenStep `yaml:"plan"`
	Recorded string        `yaml:"recorded"` // a file of plan -o json, from the directory of the test
	Want     []wantedStep  `yaml:"want"`
}

type writtenStep struct {
	ID      string   `yaml:"id"`
	Action  string   `yaml:"action"` // create, update or delete
	Owner   string   `yaml:"owner"`
	Hazards []string `yaml:"hazards"`
	Fields  []string `yaml:"fields"` // paths of what differs
	Needs   []string `yaml:"needs"`  // ids of earlier steps
}

type wantedStep struct {
	ID      string `yaml:"id"`
	Verdict string `yaml:"verdict"` // allow, hold or deny
	Code    string `yaml:"code"`    // of an objection
	Until   string `yaml:"until"`   // of that objection, RFC 3339
}

func (o *options) testPolicies(files []string) error {
	c, err := o.settings()
	if err != nil {
		return err
	}
	inv := inventoryConfig{}
	if o.name != "" {
		invs, err := o.selected(c)
		if err != nil {
			return err
		}
		inv = invs[0]
	}
	ps := judges(c, inv)
	failed := 0
	for _, file := range files {
		t, err := readPolicyTest(file, ps)
		if err != nil {
			return err
		}
		err = t.err()
		if err != nil {
			failed++
			fmt.Fprintln(o.stderr, err)
			continue
		}
		fmt.Fprintf(o.stdout, "%s: as wanted\n", file)
	}
	if failed > 0 {
		return fmt.Errorf("%s of %d: not as wanted", count(failed, "file"), len(files))
	}
	return nil
}

// readPolicyTest judges every case of a file; what is not as wanted is a problem of its decoder.
func readPolicyTest(file string, ps []*policies.Policy) (*decoder, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	d, t := newDecoder(file), policyTest{}
	d.decode(text, &t)
	if len(t.Cases) == 0 {
		d.wrongAt("cases", "want at least one")
	}
	for i, c := range t.Cases {
		at := fmt.Sprintf("cases[%d]", i)
		before := len(d.problems)
		kase := c.build(d, at)
		if len(d.problems) == before {
			c.compare(d, at, kase, ps)
		}
	}
	return d, nil
}

// build makes what the judges look at.
func (c policyCase) build(d *decoder, at string) *policies.Case {
	now, err := time.Parse(time.RFC3339, c.Now)
	if err != nil {
		d.wrongAt(at+".now", "want a time such as 2026-11-20T12:00:00+01:00, got %q", c.Now)
	}
	plan := &diff.Plan{}
	switch {
	case c.Recorded != "" && c.Plan != nil:
		d.wrongAt(at, "want plan or recorded, got both")
	case c.Recorded != "":
		if plan, err = recordedPlan(filepath.Join(filepath.Dir(d.file), c.Recorded)); err != nil {
			d.wrongAt(at+".recorded", "%v", err)
		}
	default:
		plan = writtenPlan(d, at, c.Plan)
	}
	return &policies.Case{Now: now, Revision: "test", Plan: plan, Settled: c.Settled, Want: &resource.Set{}, Have: nodesOf(plan)}
}

// nodesOf takes every place of the plan for a node that can be seen, and every cluster for one that does not live yet.
func nodesOf(plan *diff.Plan) map[resource.ID]resource.State {
	have := map[resource.ID]resource.State{}
	for _, s := range plan.Steps {
		have[resource.FactsOf(s.ID.At)] = resource.State{Spec: resource.Facts{}}
		if cluster, of := strings.CutPrefix(s.Owner, "pgsql/"); of {
			have[resource.PGClusterOf(cluster)] = resource.State{}
		}
	}
	return have
}

var writtenActions = map[string]diff.Action{"create": diff.Create, "update": diff.Update, "delete": diff.Delete}

func writtenPlan(d *decoder, at string, steps []writtenStep) *diff.Plan {
	p := &diff.Plan{}
	for i, w := range steps {
		at := fmt.Sprintf("%s.plan[%d]", at, i)
		s, err := w.step(p)
		if err != nil {
			d.wrongAt(at, "%v", err)
		}
		p.Steps = append(p.Steps, s)
	}
	if len(steps) == 0 {
		d.wrongAt(at, "want a plan, or recorded: a file of one")
	}
	return p
}

func (w writtenStep) step(earlier *diff.Plan) (s diff.Step, err error) {
	if s.ID, err = resource.ParseID(w.ID); err != nil {
		return s, err
	}
	h, err := hazards(w.Hazards)
	action, known := writtenActions[w.Action]
	switch {
	case err != nil:
		return s, err
	case !known:
		return s, fmt.Errorf("action: want create, update or delete, got %q", w.Action)
	case w.Owner == "":
		return s, fmt.Errorf("owner: is required, such as etcd/etcd")
	}
	s.Owner, s.Action = w.Owner, action
	s.Fields = []resource.Field{{Hazard: h}}
	for _, path := range w.Fields {
		s.Fields = append(s.Fields, resource.Field{Path: path})
	}
	for _, id := range w.Needs {
		n := indexOf(earlier, id)
		if n < 0 {
			return s, fmt.Errorf("needs: %s is no earlier step", id)
		}
		s.Needs = append(s.Needs, n)
	}
	return s, nil
}

func indexOf(p *diff.Plan, id string) int {
	return slices.IndexFunc(p.Steps, func(s diff.Step) bool { return s.ID.String() == id })
}

// recordedPlan reads what plan -o json printed.
func recordedPlan(file string) (*diff.Plan, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var recorded struct {
		Plan struct {
			Steps []struct {
				ID     resource.ID      `json:"id"`
				Action string           `json:"action"`
				Owner  string           `json:"owner"`
				Hazard resource.Hazard  `json:"hazard"`
				Fields []resource.Field `json:"fields"`
				Needs  []int            `json:"needs"`
			} `json:"steps"`
		} `json:"plan"`
	}
	if err := json.Unmarshal(text, &recorded); err != nil {
		return nil, fmt.Errorf("want what pigsync plan -o json prints: %w", err)
	}
	p := &diff.Plan{}
	for i, r := range recorded.Plan.Steps {
		if len([]rune(r.Action)) != 1 || slices.ContainsFunc(r.Needs, func(n int) bool { return n < 0 || n >= i }) {
			return nil, fmt.Errorf("want what pigsync plan -o json prints: step %d makes no sense", i)
		}
		s := diff.Step{Change: diff.Change{Resource: resource.Resource{ID: r.ID, Owner: r.Owner}, Action: diff.Action([]rune(r.Action)[0])}, Needs: r.Needs}
		s.Fields = append(r.Fields, resource.Field{Hazard: r.Hazard}) // also of a loss, which is of no field
		p.Steps = append(p.Steps, s)
	}
	return p, nil
}

// compare notes what is not as wanted, at its line.
func (c policyCase) compare(d *decoder, at string, kase *policies.Case, ps []*policies.Policy) {
	verdicts, os := policies.Judge(kase, ps)
	for i, w := range c.Want {
		at := fmt.Sprintf("%s.want[%d]", at, i)
		n := indexOf(kase.Plan, w.ID)
		if n < 0 {
			d.wrongAt(at+".id", "%s is no step of the plan", w.ID)
			continue
		}
		if got := verdicts[n].String(); got != w.Verdict {
			d.wrongAt(at+".verdict", "%s: %s: want %s, got %s%s", c.Name, w.ID, w.Verdict, got, objectionsTo(os, n))
		}
		if !w.objected(os, n) {
			d.wrongAt(at+".code", "%s: %s: want %s%s, got%s", c.Name, w.ID, w.Code, untilText(w.Until), objectionsTo(os, n))
		}
	}
}

// objected tells whether there is the objection that is wanted, if one is.
func (w wantedStep) objected(os []policies.Objection, step int) bool {
	return w.Code == "" || slices.ContainsFunc(os, func(o policies.Objection) bool {
		at, err := time.Parse(time.RFC3339, w.Until)
		return o.Step == step && o.Code == w.Code && (w.Until == "" || err == nil && at.Equal(o.Until))
	})
}

func untilText(text string) string {
	if text == "" {
		return ""
	}
	return " until " + text
}

func objectionsTo(os []policies.Objection, step int) (text string) {
	for _, o := range os {
		if o.Step == step {
			text += fmt.Sprintf(": %s (%s): %s%s", o.Code, o.Policy, o.Reason, policies.Until(o.Until))
		}
	}
	if text == "" {
		return " without objection"
	}
	return text
}
