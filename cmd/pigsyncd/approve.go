package main

import (
	"context"
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
		RunE:    func(cmd *cobra.Command, args []string) error { return o.approve(cmd.Context(), args[0], by, life) },
	}
	o.clientFlags(cmd)
	cmd.Flags().StringVar(&by, "by", "", "who approves (default: the user of the system)")
	cmd.Flags().DurationVar(&life, "for", approvalLife, "how long the approval counts, a quarantine not included")
	return cmd
}

func (o *options) approve(ctx context.Context, digest, by string, life time.Duration) error {
	if life <= 0 {
		return fmt.Errorf("--for: want a time such as 2h, got %s", life)
	}
	if o.client.server != "" {
		return o.approveThere(ctx, digest, by, life)
	}
	c, inv, plan, err := o.remembered(digest)
	if err != nil {
		return err
	}
	now := time.Now()
	if q := c.Policies.Quarantine; q != nil {
		life += q.Period
	}
	approval := plan.Approval(who(by, o.getenv), now, now.Add(life))
	if _, err := history.Submit(journalOf(c, inv), now, history.Decision{Approval: &approval}); err != nil {
		return readable(err)
	}
	return o.printApproval(inv.Name, plan.Summary, approval)
}

// approveThere has a daemon let it through, under the name of the token.
func (o *options) approveThere(ctx context.Context, digest, by string, life time.Duration) error {
	if err := ownName(by); err != nil {
		return err
	}
	var d history.Decision
	inventory, err := o.send(ctx, "approve", map[string]string{"digest": digest, "for": life.String()}, &d)
	if err != nil || d.Approval == nil {
		return err
	}
	return o.printApproval(inventory, count(len(d.Approval.Steps), "step"), *d.Approval)
}

// ownName refuses another name than that of the token.
func ownName(by string) error {
	if by != "" {
		return hinted{errors.New("--by: a daemon knows who asks by the token"), "leave it out"}
	}
	return nil
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
