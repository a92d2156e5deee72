package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func newSync(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sync",
		Short: "have the daemon look at the repository and the fleet now",
		Long: "Sync wakes the daemon. What it then does is what it would have done later: a hold, a window or a\n" +
			"policy is in force as ever.",
		Example: "  pigsync sync --name prod\n  pigsync sync --server https://admin.example:9099 --token-file token",
		Args:    none,
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.sync(cmd.Context()) },
	}
	o.listenFlag(cmd)
	o.clientFlags(cmd)
	return cmd
}

func (o *options) sync(ctx context.Context) error {
	if o.client.server == "" {
		c, err := o.settings()
		if err != nil {
			return err
		}
		if inv, err := o.chosen(c); err == nil {
			o.name = inv.Name
		}
		o.client.server = c.address()
	}
	inventory, err := o.call(ctx, "wake", "", nil, nil)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(o.stdout, "%s is looked at now\n", inventory)
	return err
}

// address is where the daemon of this configuration is asked.
func (c *config) address() string {
	if c.API.TLS.Cert != "" {
		return "https://" + c.Listen
	}
	return "http://" + c.Listen
}
