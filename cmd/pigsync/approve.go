package main

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"time"

	"github.com/spf13/cobra"

	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/policies"
)

// approvalLife is how long an approval counts unless --for says otherwise.
const approvalLife = 24 * time.Hour

func newApprove(o *options) *cobra.Command {
	var by string
	var life time.Duration
	cmd := &cobra.Command{
		Use:   "approve DIGEST",
		Short: "let the held steps of a plan through, each once",
		Long: "Approve gives the word for the plan with that digest, as it was shown by apply or status. Every\n" +
			"step of it may then run once; a step that would do anything else stays held.",
		Example: "  pigsync approve 3f2a9c01d4e5 --name prod --for 2h",
		Args:    one("DIGEST"),
		RunE:    func(_ *cobra.Command, args []string) error { return o.approve(args[0], by, life) },
	}
	cmd.Flags().StringVar(&by, "by", "", "who approves (default: the user of the system)")
	cmd.Flags().DurationVar(&life, "for", approvalLife, "how long the approval counts")
	return cmd
}

func (o *options) approve(digest, by string, life time.Duration) error {
	if life <= 0 {
		return fmt.Errorf("--for: want a time such as 2h, got %s", life)
	}
	c, err := o.settings()
	if err != nil {
		return err
	}
	invs, err := o.selected(c)
	if err != nil {
		return err
	}
	for _, inv := range invs {
		done, err := o.approveIn(journalOf(c, inv), inv.Name, digest, who(by, o.getenv), life)
		if done || err != nil {
			return err
		}
	}
	return hinted{fmt.Errorf("plan %q: no such plan is remembered", digest), "pigsync status shows the plan that is held now, with its digest; plan alone remembers none"}
}

// approveIn submits the approval where the plan is known; done is false where it is not.
func (o *options) approveIn(dir, name, digest, by string, life time.Duration) (done bool, err error) {
	j, err := openJournal(dir, readJournal)
	if err != nil || j == nil {
		return false, readable(err)
	}
	plan, err := j.Plan(digest)
	closed := j.Close()
	if errors.Is(err, history.ErrNoPlan) {
		return false, closed
	}
	if err := errors.Join(err, closed); err != nil {
		return false, err
	}
	now := time.Now()
	approval := plan.Approval(by, now, now.Add(life))
	if _, err := history.Submit(dir, now, history.Decision{Approval: &approval}); err != nil {
		return false, readable(err)
	}
	return true, o.printApproval(name, plan.Summary, approval)
}

func (o *options) printApproval(name, summary string, a policies.Approval) error {
	if o.json() {
		return printJSON(o.stdout, struct {
			Inventory string    `json:"inventory"`
			Digest    string    `json:"digest"`
			Summary   string    `json:"summary"`
			By        string    `json:"by"`
			Until     time.Time `json:"until"`
		}{name, a.Digest, summary, a.By, a.Until})
	}
	_, err := fmt.Fprintf(o.stdout, "%s: plan %s approved by %s until %s: %s\n",
		name, a.Digest, a.By, a.Until.Local().Format(time.DateTime), summary)
	return err
}

func who(by string, getenv func(string) string) string {
	if by != "" {
		return by
	}
	if name := getenv("SUDO_USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return fmt.Sprintf("uid %d", os.Getuid())
}
