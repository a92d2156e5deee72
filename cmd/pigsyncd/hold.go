package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/policies"
)

// holdLife is how long hands are kept off unless --for says otherwise.
const holdLife = 4 * time.Hour

func newHold(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "hold OWNER",
		Short: "keep hands off a cluster or a node for a while",
		Long: "Hold keeps pigsync from changing what belongs to an owner, a module and its cluster or node as a plan\n" +
			"names them (etcd/etcd, node/10.10.10.11), or to all that match a pattern (pgsql/*). Differences are\n" +
			"still seen and told. A hold ends by itself; resume ends it earlier.",
		Example: "  pigsync hold etcd/etcd --for 2h --reason 'replacing a disk' --name prod",
		Args:    one("OWNER"),
	}
	return o.holding(cmd, func(args []string) string { return args[0] })
}

func newSuspend(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "suspend",
		Short: "keep hands off a whole inventory for a while",
		Long: "Suspend keeps pigsync from changing anything of an inventory. Commits are still taken in and planned,\n" +
			"differences seen and told. It ends by itself; resume without an owner ends it earlier.",
		Example: "  pigsync suspend --for 1h --reason 'the network is being rebuilt' --name prod",
		Args:    none,
	}
	return o.holding(cmd, func([]string) string { return everybody })
}

// holding makes a command hold the owner that its arguments mean.
func (o *options) holding(cmd *cobra.Command, owner func(args []string) string) *cobra.Command {
	var by, reason string
	var life time.Duration
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if life <= 0 {
			return fmt.Errorf("--for: want a time such as 2h, got %s", life)
		}
		if reason == "" {
			return hinted{errors.New("--reason is required"), "whoever finds the hold wants to know what it is for"}
		}
		if o.client.server != "" {
			return o.holdThere(cmd.Context(), owner(args), by, reason, life)
		}
		now := time.Now()
		order := policies.HoldOrder{Owner: owner(args), By: who(by, o.getenv), Reason: reason, Until: now.Add(life)}
		return o.decide(now, history.Decision{Hold: &order}, "%s is held until "+order.Until.Local().Format(time.DateTime)+"\n", order.Owner)
	}
	o.clientFlags(cmd)
	cmd.Flags().StringVar(&by, "by", "", "who holds it (default: the user of the system)")
	cmd.Flags().StringVar(&reason, "reason", "", "why")
	cmd.Flags().DurationVar(&life, "for", holdLife, "how long")
	return cmd
}

func newResume(o *options) *cobra.Command {
	var by string
	cmd := &cobra.Command{
		Use:     "resume [OWNER]",
		Short:   "end a hold, or, without an owner, what suspend began",
		Example: "  pigsync resume etcd/etcd --name prod",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			owner := everybody
			if len(args) > 0 {
				owner = args[0]
			}
			if o.client.server != "" {
				return o.resumeThere(cmd.Context(), owner, by)
			}
			released := history.Released{Owner: owner, By: who(by, o.getenv)}
			return o.decide(time.Now(), history.Decision{Release: &released}, "%s is held no longer\n", owner)
		},
	}
	o.clientFlags(cmd)
	cmd.Flags().StringVar(&by, "by", "", "who ends it (default: the user of the system)")
	return cmd
}

func (o *options) holdThere(ctx context.Context, owner, by, reason string, life time.Duration) error {
	if err := ownName(by); err != nil {
		return err
	}
	var d history.Decision
	in := map[string]string{"owner": owner, "reason": reason, "for": life.String()}
	if _, err := o.send(ctx, "hold", in, &d); err != nil || d.Hold == nil {
		return err
	}
	return o.decided(d, "%s is held until "+d.Hold.Until.Local().Format(time.DateTime)+"\n", owner)
}

func (o *options) resumeThere(ctx context.Context, owner, by string) error {
	if err := ownName(by); err != nil {
		return err
	}
	var d history.Decision
	if _, err := o.send(ctx, "resume", map[string]string{"owner": owner}, &d); err != nil {
		return err
	}
	return o.decided(d, "%s is held no longer\n", owner)
}

// decide submits a decision to the one inventory that is meant.
func (o *options) decide(now time.Time, d history.Decision, say, owner string) error {
	c, inv, err := o.choice()
	if err != nil {
		return err
	}
	if _, err := history.Submit(journalOf(c, inv), now, d); err != nil {
		return readable(err)
	}
	return o.decided(d, say, owner)
}

func (o *options) decided(d history.Decision, say, owner string) error {
	if o.json() {
		return printJSON(o.stdout, d)
	}
	_, err := fmt.Fprintf(o.stdout, say, owner)
	return err
}
