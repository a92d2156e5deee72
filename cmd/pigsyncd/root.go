package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/pigsync/pigsync/reconcile"
)

// options are the flags every command has.
type options struct {
	env
	inventory string
	config    string
	name      string
	state     string
	listen    string // of serve and status
	logFormat string // of serve
	output    string
	verbose   bool
	secrets   secretFlags
	client    clientFlags
}

func newRoot(e env) *cobra.Command {
	o := &options{env: e}
	root := &cobra.Command{
		Use:           "pigsync",
		Short:         "GitOps for Pigsty: keeps a fleet as a git repository of inventories says",
		Version:       reconcile.Version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noSuchCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(misused)
	f := root.PersistentFlags()
	f.StringVar(&o.inventory, "inventory", "", "an inventory `file` or directory, without any configuration")
	f.StringVar(&o.config, "config", "", "the daemon's configuration `file` (default /etc/pigsync/pigsync.yml)")
	f.StringVar(&o.name, "name", "", "which inventory of the configuration (default: the only one)")
	f.StringVar(&o.state, "state", "", "`directory` of the journal, the authority and known hosts, without a configuration")
	f.StringVarP(&o.output, "output", "o", "text", "text or json")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "say more about the work")
	o.secretFlags(root)
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return o.check(cmd.Name()) }
	root.AddCommand(newCheck(o), newPlan(o), newApply(o), newServe(o), newStatus(o), newDrift(o), newHistory(o), newExplain(o), newApprove(o), newHold(o), newSuspend(o), newResume(o), newRollback(o), newAdopt(o), newAccept(o), newPolicy(o), newParams(o), newSchema(o), newInventory(o), newSync(o), newToken(o), newMan(o), newInit(o), newDoctor(o))
	o.complete(root)
	return root
}

func (o *options) check(command string) error {
	if _, err := findFormat(o.output); command == "check" && err != nil {
		return err
	}
	if command == "plan" && o.output == "markdown" {
		return nil
	}
	if command != "check" && o.output != "text" && o.output != "json" {
		return fmt.Errorf("--output: want text or json, got %q", o.output)
	}
	if o.inventory != "" && o.config != "" {
		return fmt.Errorf("--inventory and --config: want one of them")
	}
	return nil
}

// complete teaches the shell what may follow.
func (o *options) complete(root *cobra.Command) {
	inventories := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var names []string
		if c, err := o.settings(); err == nil {
			for _, inv := range c.Inventories {
				names = append(names, inv.Name)
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
	formats := cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp)
	_ = root.RegisterFlagCompletionFunc("output", formats) // the flag is there, once
	_ = root.RegisterFlagCompletionFunc("name", inventories)
	for _, cmd := range root.Commands() {
		if cmd.Name() != "check" && cmd.Name() != "inventory" && cmd.ValidArgsFunction == nil {
			cmd.ValidArgsFunction = cobra.NoFileCompletions
		}
	}
}

func (o *options) listenFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.listen, "listen", "", "`host:port` of the daemon (default: of the configuration, or "+defaultListen+")")
}

// misused says where to read how a command is meant.
func misused(cmd *cobra.Command, err error) error {
	return hinted{err, "see " + cmd.CommandPath() + " --help"}
}

// one wants exactly one argument.
func one(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return misused(cmd, fmt.Errorf("%s: want one %s, got %d arguments", cmd.Name(), what, len(args)))
		}
		return nil
	}
}

func noSuchCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, cmd := range root.Commands() {
		if !cmd.Hidden {
			names = append(names, cmd.Name())
		}
	}
	err := fmt.Errorf("unknown command %q", args[0])
	if near := nearest(args[0], names); near != "" {
		return hinted{err, "did you mean pigsync " + near + "?"}
	}
	return misused(root, err)
}

func (o *options) json() bool { return o.output == "json" }

func (o *options) logger() *slog.Logger {
	level := slog.LevelWarn
	if o.verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(o.stderr, &slog.HandlerOptions{Level: level}))
}

// stateDir is where things are kept without a configuration: the system's place for root, the
// user's own for others.
func (o *options) stateDir() (string, error) {
	if o.state != "" {
		return filepath.Abs(o.state)
	}
	if os.Geteuid() == 0 {
		return "/var/lib/pigsync", nil
	}
	if dir := o.getenv("XDG_STATE_HOME"); dir != "" {
		return filepath.Join(dir, "pigsync"), nil
	}
	home := o.getenv("HOME")
	if home == "" {
		return "", fmt.Errorf("no place for the state: give --state DIR, or set HOME")
	}
	return filepath.Join(home, ".local", "state", "pigsync"), nil
}

// none wants no argument.
func none(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return misused(cmd, fmt.Errorf("%s: want no argument, got %q", cmd.Name(), args[0]))
	}
	return nil
}
