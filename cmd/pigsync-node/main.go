package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"

	"github.com/pigsync/pigsync/executors/node"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "error: %s\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 1 && args[0] == "node":
		return serve(ctx)
	case len(args) == 3 && args[0] == "node" && args[1] == "undo":
		return onThisNode(func(l *node.Local) error { return l.Undo(ctx, args[2]) })
	}
	return errors.New("pigsync starts this program on the machines it looks after: want the arguments node, or node undo PATH")
}

// memory is the soft limit of the heap, in bytes: the machine is there for a database.
const memory = 16 << 20

// growth is at what growth of the heap, in percent, the collector runs: nearly all that a look makes is garbage at its
// end, and with 50 a fourth of its work was the collector's.
const growth = 200

// serve answers a controller.
func serve(ctx context.Context) error {
	signal.Ignore(syscall.SIGPIPE) // a lost connection must not cut a change in two
	debug.SetMemoryLimit(memory)
	debug.SetGCPercent(growth)
	return onThisNode(func(l *node.Local) error {
		// On a node the digest of this program is the name of its file.
		return node.Serve(ctx, stdio{}, l, filepath.Base(l.Self))
	})
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

// stdio joins stdin and stdout to one stream.
type stdio struct{}

func (stdio) Read(p []byte) (int, error)  { return os.Stdin.Read(p) }
func (stdio) Write(p []byte) (int, error) { return os.Stdout.Write(p) }

// Close closes both.
func (stdio) Close() error { return errors.Join(os.Stdin.Close(), os.Stdout.Close()) }
