package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pigsync/pigsync/lab"
)

// fleetCommands act on the lab as a whole.
func fleetCommands(o *options) []*cobra.Command {
	return []*cobra.Command{
		upCommand(o), buildCommand(o), checkCommand(), statusCommand(o), envCommand(o), listCommand(o),
		{
			Use: "down", Short: "End the lab and remove all it made but the cache", Args: cobra.NoArgs,
			Long: "End the lab: processes, mounts, namespace, control groups and disks. Works after a crash, too.",
			RunE: func(cmd *cobra.Command, _ []string) error {
				l, err := o.open(cmd, lab.Config{})
				if err != nil {
					return err
				}
				return l.Down(cmd.Context())
			},
		},
		{
			Use: "purge", Short: "End the lab and remove the cache as well", Args: cobra.NoArgs,
			Long: "End the lab and remove the cache as well. Refused while another lab uses the cache.",
			RunE: func(cmd *cobra.Command, _ []string) error { return purge(cmd, o) },
		},
		{
			Use: "snapshot NAME", Short: "Keep the disks of every node under a name", Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				l, err := o.openUp(cmd)
				if err != nil {
					return err
				}
				return l.Snapshot(cmd.Context(), args[0])
			},
		},
		resetCommand(o),
		{
			Use: "serve", Short: "Serve packages and DNS to the nodes", Args: cobra.NoArgs, Hidden: true,
			RunE: func(cmd *cobra.Command, _ []string) error {
				l, err := o.open(cmd, lab.Config{})
				if err != nil {
					return err
				}
				return l.Serve(cmd.Context())
			},
		},
	}
}

// fleet is what up and build ask for.
type fleet struct {
	nodes    int
	suites   []string
	packages []string
}

func (f *fleet) flags(cmd *cobra.Command) {
	cmd.Flags().IntVar(&f.nodes, "nodes", 0, "how many nodes (default 4, or as many as --suite lists)")
	cmd.Flags().StringSliceVar(&f.suites, "suite", nil, "trixie or bookworm; a list gives node-1, node-2, ... in turn (default trixie)")
	cmd.Flags().StringSliceVar(&f.packages, "packages", nil, "more packages for the offline repository: names, or groups "+groupNames())
}

func groupNames() string {
	var names []string
	for name := range lab.Groups() {
		names = append(names, "@"+name)
	}
	return strings.Join(names, " ")
}

// config repeats the suites for as many nodes as were asked for. Nothing asked for is nothing
// said: then the lab stays as it is.
func (f *fleet) config() lab.Config {
	cfg := lab.Config{Packages: f.packages}
	count := f.nodes
	if count == 0 && len(f.suites) > 0 {
		count = max(len(f.suites), 1)
		if len(f.suites) == 1 {
			count = 4
		}
	}
	for i := range count {
		node := lab.NodeConfig{}
		if len(f.suites) > 0 {
			node.Suite = lab.Suite(f.suites[i%len(f.suites)])
		}
		cfg.Nodes = append(cfg.Nodes, node)
	}
	return cfg
}

func upCommand(o *options) *cobra.Command {
	f := &fleet{}
	cmd := &cobra.Command{
		Use: "up", Short: "Start every node that is off, and build what is missing", Args: cobra.NoArgs,
		Long:    "Start the lab and return when every node accepts logins. The first time it builds base systems and repositories.",
		Example: "  lab up\n  lab up --nodes 2 --suite bookworm\n  lab up --name b --suite trixie,bookworm",
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := o.open(cmd, f.config())
			if err != nil {
				return err
			}
			return l.Up(cmd.Context())
		},
	}
	f.flags(cmd)
	return cmd
}

func buildCommand(o *options) *cobra.Command {
	f := &fleet{}
	cmd := &cobra.Command{
		Use: "build", Short: "Build base systems and repositories; start nothing", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := o.open(cmd, f.config())
			if err != nil {
				return err
			}
			return l.Build(cmd.Context())
		},
	}
	f.flags(cmd)
	return cmd
}

func checkCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "Say whether a lab can run on this machine", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return lab.Check() },
	}
}

func purge(cmd *cobra.Command, o *options) error {
	l, err := o.open(cmd, lab.Config{})
	if err != nil {
		return err
	}
	if err := l.Down(cmd.Context()); err != nil {
		return err
	}
	names, err := lab.Names()
	if err != nil {
		return err
	}
	if len(names) > 0 {
		return fmt.Errorf("the cache is in use: take down %s first", strings.Join(names, ", "))
	}
	return os.RemoveAll(l.Cache())
}

func resetCommand(o *options) *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use: "reset [NODE]", Short: "Take a node, or all of them, back to bare or to a snapshot", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := o.openUp(cmd)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return l.Reset(cmd.Context(), from)
			}
			n, err := l.Node(args[0])
			if err != nil {
				return err
			}
			return n.Reset(cmd.Context(), from)
		},
	}
	cmd.Flags().StringVar(&from, "to", "", "the snapshot (default: bare)")
	return cmd
}

func statusCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show the nodes", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := o.open(cmd, lab.Config{})
			if err != nil {
				return err
			}
			st := l.Status()
			return o.print(cmd.OutOrStdout(), st, func(w io.Writer) {
				if !st.Up {
					fmt.Fprintf(w, "lab %s is down\n", st.Name)
				}
				for _, n := range st.Nodes {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", n.Name, n.Address, n.Suite, n.State)
				}
			})
		},
	}
}

func envCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "env", Short: "Print variables that say where the lab is", Args: cobra.NoArgs,
		Example: `  eval "$(lab env)"`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := o.openUp(cmd)
			if err != nil {
				return err
			}
			vars := map[string]string{}
			for _, v := range l.Env() {
				vars[v.Name] = v.Value
			}
			return o.print(cmd.OutOrStdout(), vars, func(w io.Writer) {
				for _, v := range l.Env() {
					fmt.Fprintf(w, "export %s='%s'\n", v.Name, v.Value)
				}
			})
		},
	}
}

func listCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "Name the labs of this machine", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			names, err := lab.Names()
			if err != nil {
				return err
			}
			return o.print(cmd.OutOrStdout(), names, func(w io.Writer) {
				for _, name := range names {
					fmt.Fprintln(w, name)
				}
			})
		},
	}
}

// print writes a value as JSON, or has it written as text in columns.
func (o *options) print(w io.Writer, value any, text func(io.Writer)) error {
	switch o.format {
	case "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(value)
	case "text":
		columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		text(columns)
		return columns.Flush()
	}
	return errors.New("output " + o.format + ": want text or json")
}
