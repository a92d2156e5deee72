package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/pigsync/pigsync/history"
)

func newAccept(o *options) *cobra.Command {
	var by string
	cmd := &cobra.Command{
		Use:   "accept OWNER",
		Short: "let a cluster or a node be changed that was never seen in sync",
		Long: "Accept ends the time in which the differences of an owner are only reported, because it is under\n" +
			"adoption in the configuration and was never seen in sync. A pattern (pgsql/*) accepts all that match.\n" +
			"Read the plan first: what differs is made as the inventory says.",
		Example: "  pigsync accept pgsql/pg-test --name prod",
		Args:    one("OWNER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.client.server != "" {
				return o.acceptThere(cmd.Context(), args[0], by)
			}
			accepted := history.Adopted{Owners: args, By: who(by, o.getenv)}
			return o.decide(time.Now(), history.Decision{Accept: &accepted}, accepts, args[0])
		},
	}
	o.clientFlags(cmd)
	cmd.Flags().StringVar(&by, "by", "", "who accepts it (default: the user of the system)")
	return cmd
}

const accepts = "%s may be changed from now on\n"

// acceptThere has a daemon accept it, under the name of the token.
func (o *options) acceptThere(ctx context.Context, owner, by string) error {
	if err := ownName(by); err != nil {
		return err
	}
	var d history.Decision
	if _, err := o.send(ctx, "accept", map[string]string{"owner": owner}, &d); err != nil {
		return err
	}
	return o.decided(d, accepts, owner)
}
