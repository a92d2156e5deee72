package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/sources/dir"
)

func main() {
	err := errOther
	if q, ok := understand(os.Args[1:]); ok {
		err = q.answer(context.Background(), os.Stdout)
	}
	if errors.Is(err, errOther) {
		err = handOn(os.Args[1:])
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "error: %s\n", err)
		os.Exit(1)
	}
}

// errOther says that somebody else answers.
var errOther = errors.New("not answered here")

// question is what this program answers itself.
type question struct {
	path, host string // host "" asks for the list
	mask       bool
}

// understand reads the arguments of a question; all others are somebody else's.
func understand(args []string) (q question, ok bool) {
	if len(args) == 0 || args[0] != "inventory" {
		return q, false
	}
	list := false
	for rest := args[1:]; len(rest) > 0; rest = rest[1:] {
		host, named := strings.CutPrefix(rest[0], "--host=")
		switch {
		case rest[0] == "--list":
			list = true
		case rest[0] == "--mask":
			q.mask = true
		case rest[0] == "--host" && len(rest) > 1:
			rest = rest[1:]
			q.host = rest[0]
		case named:
			q.host = host
		case q.path == "" && rest[0] != "" && rest[0][0] != '-':
			q.path = rest[0]
		default:
			return q, false
		}
	}
	return q, q.path != "" && list == (q.host == "")
}

// collectAt is at what growth, in percent, the collector runs: what is read is kept to the end, so that twice the memory
// would buy little time. Beside a large inventory the program itself is a small part of the memory.
func collectAt(tree fs.FS, file string) int {
	if info, err := fs.Stat(tree, file); err == nil && info.Size() > 512<<10 {
		return 37
	}
	return 25
}

// answer prints what is asked for, or nothing when there is something to explain.
func (q question) answer(ctx context.Context, w io.Writer) error {
	runtime.GOMAXPROCS(1) // there is one thing to do, and beside it the collector would only be late
	src, file, err := dir.Open(q.path)
	if err != nil {
		return errOther
	}
	rev, err := src.Next(ctx, "")
	if err != nil {
		return errOther
	}
	debug.SetGCPercent(collectAt(rev.Tree, file))
	inv, problems, err := inventory.Load(rev.Tree, file)
	if err != nil || inventory.HasErrors(problems) || q.host != "" && inv.Host(q.host) == nil {
		return errOther
	}
	listing := inventory.Listing{Mask: q.mask}
	if q.host != "" {
		return listing.Host(w, inv, q.host)
	}
	return listing.List(w, inv)
}

// handOn becomes the program that has all commands.
func handOn(args []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	here := filepath.Dir(self)
	for _, path := range []string{filepath.Join(here, "pigsyncd"), filepath.Join(here, "..", "lib", "pigsync", "pigsyncd")} {
		if err := syscall.Exec(path, append([]string{path}, args...), os.Environ()); !errors.Is(err, syscall.ENOENT) {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return fmt.Errorf("pigsyncd, which belongs to this program, is neither in %s nor in ../lib/pigsync: install both", here)
}
