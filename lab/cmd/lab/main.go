package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/pigsync/pigsync/lab"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program: it returns the exit status, that of the command it ran on a node or in
// the lab's network if it ran one.
func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	cmd := root()
	cmd.SetArgs(args)
	cmd.SetIn(in)
	cmd.SetOut(out)
	cmd.SetErr(errs)
	err := cmd.ExecuteContext(ctx)
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && errors.Is(err, errRan):
		return exit.ExitCode()
	}
	fmt.Fprintln(errs, "error:", err)
	return 1
}

// errRan marks an error as the exit status of the user's own command, which has spoken for itself.
var errRan = errors.New("command ended")

// options are the flags that every command has.
type options struct {
	name, dir, cache, format string
}

// open opens the lab that the flags name.
func (o *options) open(cmd *cobra.Command, cfg lab.Config) (*lab.Lab, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cfg.Name, cfg.Dir, cfg.Cache = o.name, o.dir, o.cache
	cfg.Helper = []string{self, "serve", "--name", o.name, "--dir", o.dir}
	cfg.Log = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
	return lab.Open(cfg)
}

// openUp opens a lab that must be up.
func (o *options) openUp(cmd *cobra.Command) (*lab.Lab, error) {
	l, err := o.open(cmd, lab.Config{})
	if err != nil {
		return nil, err
	}
	return l, l.WantUp()
}

func root() *cobra.Command {
	o := &options{}
	cmd := &cobra.Command{
		Use:           "lab",
		Short:         "Run a small fleet of real Linux nodes on this machine",
		SilenceUsage:  true,
		SilenceErrors: true,
		Long: `lab boots real nodes (systemd, sshd, apt) as containers on a network without a way out:
10.10.10.10 and up, admin user dba, packages from an offline repository.

A NODE is a name (node-1), a number (1) or an address (10.10.10.10).
Needs root on Linux; "lab check" says what is missing.`,
	}
	flags := cmd.PersistentFlags()
	flags.StringVar(&o.name, "name", "lab", "which lab, of those on this machine")
	flags.StringVar(&o.dir, "dir", "", "where the lab keeps its state (default /var/lib/pigsync-lab/NAME)")
	flags.StringVar(&o.cache, "cache", "", "where base systems and repositories are kept (default $PIGSYNC_LAB_CACHE or "+lab.DefaultCache()+")")
	flags.StringVarP(&o.format, "output", "o", "text", "how to print: text or json")
	cmd.AddCommand(fleetCommands(o)...)
	cmd.AddCommand(nodeCommands(o)...)
	cmd.AddCommand(runCommands(o)...)
	return cmd
}
