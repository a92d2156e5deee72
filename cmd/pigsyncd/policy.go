package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/policies/rules"
	"github.com/pigsync/pigsync/sources"
)

func newPolicy(o *options) *cobra.Command {
	c := &cobra.Command{
		Use:   "policy",
		Short: "test the policies, and say what they think of a plan",
		Args:  noSuchCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(newPolicyTest(o), newPolicyExplain(o), newPolicyVariables(o))
	return c
}

func newPolicyExplain(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "explain DIGEST",
		Short: "what each judge thought of each step of a plan, and until when",
		Long: "Explain reads from the journal how a plan was judged, as apply and status showed it: for every step\n" +
			"its verdict and what each judge of this configuration had against it.",
		Example: "  pigsync policy explain 3f2a9c01d4e5 --name prod",
		Args:    one("DIGEST"),
		RunE:    func(_ *cobra.Command, args []string) error { return o.explainPlan(args[0]) },
	}
}

func newPolicyVariables(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "variables",
		Short: "the names that a rule may use",
		Args:  none,
		RunE: func(*cobra.Command, []string) error {
			if o.json() {
				return printJSON(o.stdout, rules.Variables)
			}
			for _, v := range rules.Variables {
				fmt.Fprintf(o.stdout, "%-16s %s\n", v.Name, v.Doc)
			}
			return nil
		},
	}
}

// judged is what every judge thought of a step.
type judged struct {
	ID      string              `json:"id"`
	Action  string              `json:"action"`
	Hazard  string              `json:"hazard"`
	Verdict string              `json:"verdict"`
	Judges  []history.Objection `json:"objections"`
	Silent  []string            `json:"no_objection"`
}

func (o *options) explainPlan(digest string) error {
	c, inv, plan, err := o.remembered(digest)
	if err != nil {
		return err
	}
	var names []string
	for _, p := range judges(c, inv) {
		names = append(names, p.Name)
	}
	return o.printJudged(plan, views(plan, names))
}

// remembered finds a plan in the journals of the inventories that may be meant.
func (o *options) remembered(digest string) (*config, inventoryConfig, history.Planned, error) {
	c, invs, err := o.meant()
	for _, inv := range invs {
		plan, err := planIn(journalOf(c, inv), digest)
		if !errors.Is(err, history.ErrNoPlan) {
			return c, inv, plan, err
		}
	}
	if err == nil {
		err = hinted{fmt.Errorf("plan %q: no such plan is remembered", digest), "pigsync status shows the plan that is held now, with its digest; plan alone remembers none"}
	}
	return c, inventoryConfig{}, history.Planned{}, err
}

// meant are the inventories a command may be about, none when that cannot be told.
func (o *options) meant() (*config, []inventoryConfig, error) {
	c, err := o.settings()
	if err != nil {
		return nil, nil, err
	}
	invs, err := o.selected(c)
	if err != nil {
		return c, nil, err
	}
	return c, invs, nil
}

// planIn finds a plan in a journal.
func planIn(dir, digest string) (history.Planned, error) {
	j, err := openJournal(dir, readJournal)
	if err != nil {
		return history.Planned{}, readable(err)
	}
	if j == nil {
		return history.Planned{}, history.ErrNoPlan
	}
	plan, err := j.Plan(digest)
	return plan, errors.Join(err, j.Close())
}

// views gathers by step what was objected, and who had nothing to object.
func views(plan history.Planned, names []string) []judged {
	out := make([]judged, len(plan.Steps))
	for i, s := range plan.Steps {
		out[i] = judged{ID: s.ID.String(), Action: s.Action, Hazard: s.Hazard.String(), Verdict: s.Verdict}
		objected := map[string]bool{}
		for _, ob := range plan.Objections {
			if ob.Step == i {
				out[i].Judges = append(out[i].Judges, ob)
				objected[ob.Policy] = true
			}
		}
		for _, name := range names {
			if !objected[name] {
				out[i].Silent = append(out[i].Silent, name)
			}
		}
	}
	return out
}

func (o *options) printJudged(plan history.Planned, steps []judged) error {
	if o.json() {
		return printJSON(o.stdout, struct {
			Digest   string   `json:"digest"`
			Revision string   `json:"revision"`
			Steps    []judged `json:"steps"`
		}{plan.Digest, plan.Revision, steps})
	}
	fmt.Fprintf(o.stdout, "plan %s of %s: %s\n", plan.Digest, sources.Short(plan.Revision), plan.Summary)
	for _, s := range steps {
		s.write(o.stdout)
	}
	return nil
}

func (s judged) write(w io.Writer) {
	fmt.Fprintf(w, "%s %s: %s, may cost: %s\n", s.Action, s.ID, s.Verdict, s.Hazard)
	for _, ob := range s.Judges {
		fmt.Fprintf(w, "    %s (%s): %s: %s%s\n", ob.Code, ob.Policy, ob.Verdict, ob.Reason, policies.Until(ob.Until))
	}
	if len(s.Judges) == 0 && s.Verdict != "allow" {
		fmt.Fprintln(w, "    it needs a step that is held")
	}
	fmt.Fprintf(w, "    no objection: %s\n", strings.Join(s.Silent, ", "))
}
