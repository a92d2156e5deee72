package main

import (
	"github.com/spf13/cobra"

	"github.com/pigsync/pigsync/modules/all"
	"github.com/pigsync/pigsync/modules/manual"
	"github.com/pigsync/pigsync/modules/schema"
)

func newSchema(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "print the JSON Schema of inventories, for editors",
		Long: "Schema prints a JSON Schema (2020-12) of the inventory: every parameter with what it may be, its\n" +
			"default and a sentence. Editors with the YAML language server read it with a first line\n" +
			"# yaml-language-server: $schema=pigsty.schema.json",
		Example: "  pigsync schema > pigsty.schema.json",
		Args:    none,
		RunE: func(*cobra.Command, []string) error {
			return printJSON(o.stdout, schema.Of(manual.New(all.Modules())))
		},
	}
}
