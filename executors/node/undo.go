package node

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

const (
	// stateDir is all that we leave on a node.
	stateDir = "/var/lib/pigsync"
	// keepUndo is how many previous contents of a file are kept.
	keepUndo = 3
)

// undoName begins the names of a path's previous contents; the time in nanoseconds ends them.
func undoName(path string) string { return digestOf([]byte(path))[:32] + "-" }

// keep copies what is at s to the undo directory and removes all but the newest copies.
func (w *work) keep(s spot, info os.FileInfo) error {
	from, err := s.openFile(info)
	if err != nil {
		return err
	}
	defer shut(from)
	dir, err := w.state("undo")
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%s%020d", undoName(s.path), w.l.now().UnixNano())
	to, err := dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("keep the previous content of %s: %w", s.path, plain(err))
	}
	_, err = io.Copy(to, from)
	if err == nil {
		err = to.Sync()
	}
	_ = to.Close() // synced, or the error is told already
	if err != nil {
		_ = dir.Remove(name) // half a copy is worse than none; the error is told
		return fmt.Errorf("keep the previous content of %s in %s: %w", s.path, stateDir+"/undo", plain(err))
	}
	return prune(dir, undoName(s.path))
}

func prune(dir *os.Root, prefix string) error {
	names, err := namesIn(dir)
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasPrefix(n, prefix) })
	slices.Sort(names)
	for _, name := range names[:max(0, len(names)-keepUndo)] {
		if err := dir.Remove(name); err != nil {
			return err
		}
	}
	return nil
}

// state opens one of our own directories, making it when it is not there. Only root may look in.
func (w *work) state(name string) (*os.Root, error) {
	rel := stateDir[1:]
	if err := w.root.MkdirAll(rel, 0o755); err != nil {
		return nil, fmt.Errorf("make %s: %w", stateDir, plain(err))
	}
	if err := w.root.MkdirAll(rel+"/"+name, 0o700); err != nil {
		return nil, fmt.Errorf("make %s/%s: %w", stateDir, name, plain(err))
	}
	return w.open(stateDir + "/" + name)
}
