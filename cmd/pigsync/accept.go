package main

import (
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
		RunE: func(_ *cobra.Command, args []string) error {
			accepted := history.Adopted{Owners: args, By: who(by, o.getenv)}
			return o.decide(time.Now(), history.Decision{Accept: &accepted}, "%s may be changed from now on\n", args[0])
		},
	}
	cmd.Flags().StringVar(&by, "by", "", "who accepts it (default: the user of the system)")
	return cmd
}
