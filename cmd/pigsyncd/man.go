package main

import (
	"fmt"
	"strings"

	mango "github.com/muesli/mango-cobra"
	"github.com/muesli/roff"
	"github.com/spf13/cobra"
)

// newMan prints the manual page, for those who make packages.
func newMan(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "man", Short: "print the manual page (roff)", Hidden: true, Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			page, err := mango.NewManPage(1, cmd.Root())
			if err != nil {
				return fmt.Errorf("the manual page: %w", err)
			}
			page = page.WithSection("Files", "/etc/pigsync/pigsync.yml is the daemon's configuration, /var/lib/pigsync its state.\n"+
				"The manual is in /usr/share/doc/pigsync.").
				WithSection("Exit status", "0: all is well. 1: an error. 2: something differs, or is not in sync.")
			_, err = fmt.Fprintln(o.stdout, strings.TrimSpace(page.Build(roff.NewDocument())))
			return err
		},
	}
}
