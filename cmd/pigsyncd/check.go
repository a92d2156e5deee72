package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/all"
	"github.com/pigsync/pigsync/modules/hygiene"
	"github.com/pigsync/pigsync/modules/manual"
	"github.com/pigsync/pigsync/resource"
	"github.com/pigsync/pigsync/sources"
	"github.com/pigsync/pigsync/sources/dir"
)

func newCheck(o *options) *cobra.Command {
	var mend, dryRun, hygienic bool
	c := &cobra.Command{
		Use:   "check PATH",
		Short: "say what is wrong with an inventory, without any network",
		Long: "Check reads an inventory, a file or a directory with a pigsty.yml, and prints every problem as\n" +
			"file:line:col: what is wrong and what was expected [CODE]; pigsync explain CODE says more.\n" +
			"With --fix it writes the names and shapes of older releases as v4 wants them, and nothing else:\n" +
			"comments and layout stay, and every host keeps the values that it had. What could change the\n" +
			"meaning is left to you. Exit status 0: valid; 1: there are errors.\n" +
			"For code review, -o sarif writes what code scanning reads, -o github annotations of a workflow.",
		Example: "  pigsync check pigsty.yml\n  pigsync check . -o json\n  pigsync check . -o github\n  pigsync check --fix --dry-run pigsty.yml",
		Args:    one("PATH"),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case mend:
				return fix(cmd.Context(), o, args[0], dryRun)
			case dryRun:
				return misused(cmd, errors.New("--dry-run goes with --fix"))
			case hygienic:
				return check(cmd, o, args[0], clean)
			}
			return check(cmd, o, args[0])
		},
	}
	c.Flags().BoolVar(&hygienic, "hygiene", false, "also warn of passwords: defaults, weak ones, the same twice, plain text")
	c.Flags().StringVarP(&o.output, "output", "o", "text", "text, json, sarif or github")
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formatNames(), cobra.ShellCompDirectiveNoFileComp)) // the flag is there
	c.Flags().BoolVar(&mend, "fix", false, "write the names of older releases as v4 wants them")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "with --fix: show the difference and write nothing")
	return c
}

// openDir reads the directory of the inventory at path, and gives the name of its file in it.
func openDir(ctx context.Context, path string) (rev sources.Revision, file string, err error) {
	src, file, err := dir.Open(path)
	if err != nil {
		return rev, "", hinted{err, "name a file, or a directory with a pigsty.yml"}
	}
	rev, err = src.Next(ctx, "")
	return rev, file, err
}

func check(cmd *cobra.Command, o *options, path string, more ...judge) error {
	rev, file, err := openDir(cmd.Context(), path)
	if err != nil {
		return err
	}
	access, err := o.checkAccess()
	if err != nil {
		return err
	}
	problems, err := examine(rev.Tree, file, access, more...)
	if errors.Is(err, fs.ErrNotExist) {
		return hinted{fmt.Errorf("%s: no %s in it", path, file), "name the file itself"}
	}
	if err != nil {
		return err
	}
	problems = underPath(problems, path, file)
	if err := printProblems(o, o.stdout, problems); err != nil {
		return err
	}
	if inventory.HasErrors(problems) {
		if o.output == "text" {
			fmt.Fprintln(o.stderr, tally(problems))
		}
		return exit(exitError)
	}
	return nil
}

// tally counts the problems, and tells a newcomer where more is said of them.
func tally(ps []inventory.Problem) string {
	errs := 0
	for _, p := range ps {
		if p.Severity == inventory.Error {
			errs++
		}
	}
	return fmt.Sprintf("errors: %d, warnings: %d; pigsync explain CODE says more of each. What hangs on a wrong value is checked once that is right.", errs, len(ps)-errs)
}

// checkAccess is what the flags give to open secrets with. Without any of them, nobody is expected
// to have keys: what is encrypted is unknown, and the rest is checked.
func (o *options) checkAccess() (inventory.Options, error) {
	secrets, err := o.secrets.given()
	if err != nil {
		return inventory.Options{}, err
	}
	access, err := secrets.open(o.getenv)
	access.Keyless = secrets.empty()
	return access, readable(err)
}

// judge finds problems that only some ask for.
type judge func(*inventory.Inventory) []inventory.Problem

// clean judges passwords.
func clean(inv *inventory.Inventory) []inventory.Problem {
	return hygiene.Check(inv, manual.New(all.Modules()))
}

// examine finds everything that can be found wrong with an inventory without looking at its fleet.
func examine(tree fs.FS, file string, access inventory.Options, more ...judge) ([]inventory.Problem, error) {
	inv, problems, err := inventory.LoadWith(tree, file, access)
	var bad inventory.Problem
	if errors.As(err, &bad) {
		return append(problems, bad), nil
	}
	if err != nil {
		return nil, err
	}
	compiled := modules.Compile(inv, unobserved(inv), all.Modules())
	problems = slices.Concat(problems, compiled.Problems, inventory.Check(inv))
	for _, finds := range more {
		problems = append(problems, finds(inv)...)
	}
	return inventory.Sort(problems), nil
}

// unobserved is what is known of a fleet nobody has looked at.
func unobserved(inv *inventory.Inventory) map[resource.ID]resource.State {
	known := map[resource.ID]resource.State{}
	for _, id := range modules.Survey(inv, all.Modules()) {
		known[id] = resource.State{Err: errors.New("not looked at")}
	}
	return known
}

// underPath names files as the user did, so that an editor finds them.
func underPath(ps []inventory.Problem, path, file string) []inventory.Problem {
	for i := range ps {
		ps[i].Pos.Filename = under(path, file, ps[i].Pos.Filename)
	}
	return ps
}

// under names one file of the tree that path stands for: path is the inventory's own file or the
// directory that holds it.
func under(path, file, name string) string {
	switch {
	case filepath.Base(path) != file:
		return filepath.Join(path, name)
	case name == file:
		return path
	}
	return filepath.Join(filepath.Dir(path), name)
}

func printProblems(o *options, w io.Writer, ps []inventory.Problem) error {
	f, err := findFormat(o.output)
	if err != nil {
		return err
	}
	return f.write(w, ps)
}
