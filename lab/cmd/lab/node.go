package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/pigsync/pigsync/lab"
)

// nodeCommands do one thing to one node.
func nodeCommands(o *options) []*cobra.Command {
	return []*cobra.Command{
		nodeCommand(o, "off", "Shut a node down in order", (*lab.Node).PowerOff),
		nodeCommand(o, "cut-power", "Take the power from a node; what it had not synced is lost", (*lab.Node).PowerCut),
		nodeCommand(o, "on", "Start a node", (*lab.Node).PowerOn),
		nodeCommand(o, "cut", "Cut a node off the network; its link stays up", (*lab.Node).Cut),
		nodeCommand(o, "mend", "Put a node back on the network", (*lab.Node).Mend),
		diskCommand(o, "fill", "Fill a disk of a node", (*lab.Node).FillDisk),
		diskCommand(o, "free", "Free what fill took", (*lab.Node).FreeDisk),
		diskCommand(o, "read-only", "Make a disk refuse writes", (*lab.Node).ReadOnlyDisk),
		diskCommand(o, "writable", "Undo read-only; with open files the node must be powered off and on", (*lab.Node).WritableDisk),
		diskCommand(o, "lose-disk", "Break a disk; the node has an empty one when it is powered on next", (*lab.Node).LoseDisk),
	}
}

func nodeCommand(o *options, name, short string, do func(*lab.Node, context.Context) error) *cobra.Command {
	return &cobra.Command{
		Use: name + " NODE", Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := o.node(cmd, args[0])
			if err != nil {
				return err
			}
			return do(n, cmd.Context())
		},
	}
}

func diskCommand(o *options, name, short string, do func(*lab.Node, context.Context, lab.Disk) error) *cobra.Command {
	disk := string(lab.Data)
	cmd := nodeCommand(o, name, short, func(n *lab.Node, ctx context.Context) error {
		d, err := lab.ParseDisk(disk)
		if err != nil {
			return err
		}
		return do(n, ctx, d)
	})
	cmd.Flags().StringVar(&disk, "disk", disk, "which disk: data (/data) or root")
	return cmd
}

// node finds a node of the lab that the flags name.
func (o *options) node(cmd *cobra.Command, name string) (*lab.Node, error) {
	l, err := o.openUp(cmd)
	if err != nil {
		return nil, err
	}
	return l.Node(name)
}
