package main

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/pigsync/pigsync/executors/node"
)

// helperMemory is the soft limit of the helper's heap, in bytes: it shares its machine with a database.
const helperMemory = 16 << 20

// newNode is the far hand: it answers frames on stdin and stdout and ends with them.
func newNode(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:    "node",
		Short:  "answer a controller on stdin and stdout",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			signal.Ignore(syscall.SIGPIPE) // a lost connection must not cut a change in two
			debug.SetMemoryLimit(helperMemory)
			debug.SetGCPercent(50)
			shrink()
			return onThisNode(func(l *node.Local) error {
				return node.Serve(cmd.Context(), stdio{o.stdin, o.stdout}, l, ownDigest())
			})
		},
	}
	cmd.AddCommand(newUndo())
	return cmd
}

// newUndo takes back a change that nobody confirmed; a timer on the node calls it.
func newUndo() *cobra.Command {
	return &cobra.Command{
		Use:    "undo PATH",
		Short:  "take back the change of a guarded file",
		Hidden: true,
		Args:   one("PATH"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return onThisNode(func(l *node.Local) error { return l.Undo(cmd.Context(), args[0]) })
		},
	}
}

func onThisNode(do func(*node.Local) error) error {
	root, err := os.OpenRoot("/")
	if err != nil {
		return err
	}
	defer root.Close()
	bus := &node.DBus{}
	defer bus.Close()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return do(&node.Local{Root: root, Systemd: bus, Self: self})
}

// ownDigest is the digest of this binary: on a node it is the name of the file.
func ownDigest() string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	return filepath.Base(path)
}

// stdio joins stdin and stdout to one stream.
type stdio struct {
	io.Reader
	io.Writer
}

// Close closes both, where they can be.
func (s stdio) Close() error {
	var err error
	for _, end := range []any{s.Reader, s.Writer} {
		if c, ok := end.(io.Closer); ok {
			err = errors.Join(err, c.Close())
		}
	}
	return err
}
