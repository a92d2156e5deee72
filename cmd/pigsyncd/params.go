package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pigsync/pigsync/modules/all"
	"github.com/pigsync/pigsync/modules/manual"
)

func newParams(o *options) *cobra.Command {
	var module string
	cmd := &cobra.Command{
		Use:   "params [NAME...]",
		Short: "explain parameters of the inventory",
		Long: "Params tells of a parameter what it is for, what it may be, what it is when nobody sets it, and\n" +
			"what its objects are made of; of a name of an earlier release also what to write instead.\n" +
			"Without a name it lists all of them, or those of one module.",
		Example: "  pigsync params etcd_port\n  pigsync params --module etcd\n  pigsync params -o json",
		RunE:    func(_ *cobra.Command, args []string) error { return params(o, module, args) },
	}
	cmd.Flags().StringVar(&module, "module", "", "only parameters of this `module`")
	cmd.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return names(manual.New(all.Modules()).All()), cobra.ShellCompDirectiveNoFileComp
	}
	modules := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return manual.New(all.Modules()).Modules(), cobra.ShellCompDirectiveNoFileComp
	}
	_ = cmd.RegisterFlagCompletionFunc("module", modules) // the flag is there, once
	return cmd
}

func names(ps []manual.Parameter) (list []string) {
	for _, p := range ps {
		list = append(list, p.Name)
	}
	return list
}

func params(o *options, module string, args []string) error {
	m := manual.New(all.Modules())
	list, err := chosen(m, module, args)
	if err != nil {
		return err
	}
	switch {
	case o.json():
		var docs []manual.JSON
		for _, p := range list {
			docs = append(docs, p.JSON())
		}
		return printJSON(o.stdout, docs)
	case len(args) > 0:
		for i, p := range list {
			if i > 0 {
				fmt.Fprintln(o.stdout)
			}
			writeParameter(o.stdout, p)
		}
	default:
		writeParameters(o.stdout, list)
	}
	return nil
}

// chosen finds the parameters that are asked for; all that are not there are told at once.
func chosen(m *manual.Manual, module string, args []string) (list []manual.Parameter, err error) {
	if module != "" && len(m.Of(module)) == 0 {
		return nil, hinted{fmt.Errorf("--module: no such module %q", module), "modules are " + strings.Join(m.Modules(), ", ")}
	}
	if len(args) == 0 {
		return slices.DeleteFunc(m.All(), func(p manual.Parameter) bool {
			return module != "" && !strings.EqualFold(p.Module, module)
		}), nil
	}
	var missing []error
	var hints []string
	for _, name := range args {
		p, ok := m.Lookup(name)
		switch {
		case !ok:
			missing = append(missing, fmt.Errorf("%s: no such parameter", name))
			if near := nearest(name, names(m.All())); near != "" {
				hints = append(hints, near)
			}
		case module != "" && !strings.EqualFold(p.Module, module):
			missing = append(missing, fmt.Errorf("%s: a parameter of %s, not of %s", name, p.Module, strings.ToUpper(module)))
		default:
			list = append(list, p)
		}
	}
	if len(missing) == 0 {
		return list, nil
	}
	hint := "pigsync params lists them all"
	if len(hints) > 0 {
		hint = "did you mean " + strings.Join(hints, ", ") + "?"
	}
	return nil, hinted{errors.Join(missing...), hint}
}

func writeParameter(w io.Writer, p manual.Parameter) {
	fmt.Fprintf(w, "%s (%s)\n", p.Name, strings.Join(nonEmpty(p.Module, p.Levels()), ", "))
	if p.Doc != "" {
		fmt.Fprintf(w, "  %s\n", p.Doc)
	}
	fmt.Fprintf(w, "  may be:   %s\n", p.Kind())
	fact := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "  %-9s %s\n", name+":", value)
		}
	}
	fact("default", p.Initial())
	fact("instead", p.Hint())
	fact("formerly", strings.Join(p.Formerly, ", "))
	if p.Required {
		fact("required", "of every host of the module")
	}
	if !p.Read && !p.Legacy {
		fmt.Fprintln(w, "  pigsync does not read it yet: it is known and left alone")
	}
	writeKeys(w, p.Keys())
}

func nonEmpty(texts ...string) []string {
	return slices.DeleteFunc(texts, func(s string) bool { return s == "" })
}

func writeKeys(w io.Writer, keys []manual.Key) {
	width := 0
	for _, k := range keys {
		width = max(width, len(k.Path))
	}
	for _, k := range keys {
		facts := []string{k.Kind()}
		if k.Required {
			facts = append(facts, "required")
		}
		if k.Given {
			facts = append(facts, "default "+k.Initial())
		}
		fmt.Fprintf(w, "  %-*s  %s\n", width, k.Path, strings.Join(facts, ", "))
		if k.Doc != "" {
			fmt.Fprintf(w, "  %-*s    %s\n", width, "", k.Doc)
		}
	}
}

// writeParameters lists by module, what is current before what is not.
func writeParameters(w io.Writer, list []manual.Parameter) {
	slices.SortStableFunc(list, func(a, b manual.Parameter) int {
		return cmp.Or(cmp.Compare(a.Module, b.Module), boolCompare(a.Legacy, b.Legacy))
	})
	width := 0
	for _, p := range list {
		width = max(width, len(p.Name))
	}
	module := ""
	for i, p := range list {
		if p.Module != module || i == 0 {
			module = p.Module
			fmt.Fprintf(w, "%s\n", module)
		}
		fmt.Fprintf(w, "  %-*s  %s\n", width, p.Name, gist(p))
	}
}

// boolCompare puts false before true.
func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func gist(p manual.Parameter) string {
	switch {
	case p.Legacy:
		return "of an earlier release; instead: " + p.Hint()
	case p.Doc != "":
		return p.Doc
	}
	return p.Kind()
}
