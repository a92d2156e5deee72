package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/sources"
)

func newPlan(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "show how the fleet differs from the inventory, and change nothing",
		Long: "Plan looks at the fleet and prints what apply would do, step by step, with the line of the\n" +
			"inventory behind each, what it may cost and what holds it. Exit status 0: in sync; 2: differences; 1: error.\n" +
			"With --server the daemon there is asked what the inventory in a directory would do, for a pull request:\n" +
			"its policies count, and nothing of the directory is run or believed.",
		Example: "  pigsync plan --inventory pigsty.yml\n  pigsync plan --name prod -o json\n  pigsync plan --name prod -o markdown\n" +
			"  pigsync plan --server https://admin.example:9099 --inventory . --name prod",
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.client.server != "" {
				return o.preview(cmd.Context())
			}
			return plan(cmd, o)
		},
	}
	o.clientFlags(cmd)
	return cmd
}

func plan(cmd *cobra.Command, o *options) error {
	s, err := o.open(readJournal)
	if err != nil {
		return err
	}
	defer s.Close()
	s.Strict = true
	rev, err := s.source.Next(cmd.Context(), "")
	if err != nil {
		return err
	}
	round, err := s.Plan(cmd.Context(), rev, s.Priors(rev, s.at(cmd.Context())))
	if err != nil {
		return refused(o, rev, s, err)
	}
	if err := showRound(o, round); err != nil {
		return err
	}
	if len(round.Plan.Steps) > 0 {
		return exit(exitDiffers)
	}
	return nil
}

// planJSON is a plan and its judgement as programs read them.
type planJSON struct {
	Revision   string                     `json:"revision"`
	Problems   []reconcile.Problem        `json:"problems"`
	Plan       *diff.Plan                 `json:"plan"`
	Pending    []diff.Pending             `json:"pending_reboot,omitempty"`
	Restarts   []reconcile.PendingRestart `json:"pending_restarts,omitempty"`
	Verdicts   []policies.Verdict         `json:"verdicts"`
	Objections []policies.Objection       `json:"objections"`
}

func showRound(o *options, r *reconcile.Round) error {
	if o.json() {
		return printJSON(o.stdout, planJSON{r.Revision.ID, problemsJSON(r.Problems), r.Plan, r.Pending(), r.Restarts, r.Verdicts, r.Objections})
	}
	writeProblems(o.stderr, r.Problems)
	if o.output == "markdown" {
		return r.WriteMarkdown(o.stdout)
	}
	return r.WriteText(o.stdout)
}

// refused prints all problems of a commit that cannot be acted on, and keeps any other error. The
// reconciler stops at the first kind of problem; check goes through all of them.
func refused(o *options, rev sources.Revision, s *session, err error) error {
	var bad *reconcile.Refused
	var one inventory.Problem
	var problems []inventory.Problem
	switch {
	case errors.As(err, &bad):
		problems = bad.Problems
	case errors.As(err, &one):
		problems = []inventory.Problem{one}
	case errors.Is(err, fs.ErrNotExist):
		return hinted{fmt.Errorf("%s: %w", sources.Short(rev.ID), err), "the inventory is pigsty.yml unless file of the configuration names another; path names its directory"}
	default:
		return err
	}
	if found, err := examine(rev.Tree, s.File, s.Access); err == nil {
		problems = inventory.Sort(append(problems, found...))
	}
	if err := printRefused(o, rev, problems); err != nil {
		return err
	}
	return fmt.Errorf("the inventory has %s: nothing was changed", count(errorsAmong(problems), "error"))
}

func printRefused(o *options, rev sources.Revision, problems []inventory.Problem) error {
	if o.json() {
		return printJSON(o.stdout, planJSON{Revision: rev.ID, Problems: problemsJSON(problems)})
	}
	writeProblems(o.stderr, problems)
	return nil
}

func errorsAmong(problems []inventory.Problem) (n int) {
	for _, p := range problems {
		if p.Severity == inventory.Error {
			n++
		}
	}
	return n
}

// count is a number with its noun: "1 error", "2 errors".
func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
