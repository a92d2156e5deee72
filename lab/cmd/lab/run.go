package main

import (
	"fmt"
	"os"
	"os/exec"

	"github.com/spf13/cobra"

	"github.com/pigsync/pigsync/lab"
)

// runCommands run what the user says, with the terminal, and end as it ends.
func runCommands(o *options) []*cobra.Command {
	ssh := &cobra.Command{
		Use: "ssh NODE [COMMAND...]", Short: "Log in to a node as the admin user, by ssh", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := o.node(cmd, args[0])
			if err != nil {
				return err
			}
			return passThrough(cmd, n.SSHCommand(cmd.Context(), args[1:]...))
		},
	}
	onNode := &cobra.Command{
		Use: "run NODE COMMAND...", Short: "Run a command on a node as root, without its network", Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := o.node(cmd, args[0])
			if err != nil {
				return err
			}
			if n.State() == lab.Off {
				return fmt.Errorf("%s is off", n.Name)
			}
			return passThrough(cmd, n.Command(cmd.Context(), args[1], args[2:]...))
		},
	}
	onHost := &cobra.Command{
		Use: "exec COMMAND...", Short: "Run a program of the host inside the lab's network", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := o.openUp(cmd)
			if err != nil {
				return err
			}
			c := l.Command(cmd.Context(), args[0], args[1:]...)
			c.Env = os.Environ()
			for _, v := range l.Env() {
				c.Env = append(c.Env, v.Name+"="+v.Value)
			}
			return passThrough(cmd, c)
		},
	}
	all := []*cobra.Command{ssh, onNode, onHost}
	for _, c := range all {
		c.Flags().SetInterspersed(false) // what follows is the command's own
	}
	return all
}

// passThrough runs c with our own input and output.
func passThrough(cmd *cobra.Command, c *exec.Cmd) error {
	c.Stdin, c.Stdout, c.Stderr = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
	if err := c.Run(); err != nil {
		return fmt.Errorf("%w: %w", errRan, err)
	}
	return nil
}
