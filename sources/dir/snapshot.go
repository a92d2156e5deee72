package dir

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"syscall"
	"time"

	"github.com/pigsync/pigsync/sources"
)

const (
	idPrefix = "dir:"
	chunk    = 512 // entries of a directory read at once

	// settle is more than the step in which a kernel counts a file's times. What was written
	// less than that ago could be written again without its time telling.
	settle   = 20 * time.Millisecond
	attempts = 50 // of one settle each, to read a directory that is being written
)

// errMoving: the directory was written while it was read, or just before.
var errMoving = errors.New("it changes while it is read")

// snapshot is the content of a directory.
type snapshot struct {
	id    string
	when  time.Time // of the newest file
	files []sources.Blob
	dirs  []string // that exist, "." first; slash-separated
}

// seen is an entry as it was met.
type seen struct {
	path string
	info fs.FileInfo
}

// read takes snapshots until one was not disturbed.
func (s *Source) read(ctx context.Context) (*snapshot, error) {
	var snap *snapshot
	var err error
	for range attempts {
		if snap, err = s.readOnce(); !errors.Is(err, errMoving) {
			return snap, err
		}
		timer := time.NewTimer(settle)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		case <-timer.C:
		}
	}
	return nil, err
}

// readOnce looks at everything, reads the files, and looks again.
func (s *Source) readOnce() (*snapshot, error) {
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return nil, err
	}
	defer root.Close() // only read from
	start := time.Now()
	before, err := s.list(root)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(before, func(e seen) bool { return fresh(e.info.ModTime(), start) }) {
		return nil, errMoving
	}
	snap := &snapshot{dirs: []string{"."}}
	for _, e := range before {
		if e.info.IsDir() {
			snap.dirs = append(snap.dirs, e.path)
			continue
		}
		data, err := readFile(root, e)
		if err != nil {
			return nil, err
		}
		snap.add(e.path, data, e.info.ModTime())
	}
	after, err := s.list(root)
	if err != nil {
		return nil, err
	}
	if !slices.EqualFunc(before, after, same) {
		return nil, errMoving
	}
	snap.seal()
	return snap, nil
}

// fresh reports whether something written at when may be written again unnoticed. A time in
// the future is somebody's invention and says nothing.
func fresh(when, now time.Time) bool {
	age := now.Sub(when)
	return age < settle && age > -settle
}

func same(a, b seen) bool {
	return a.path == b.path && a.info.Mode() == b.info.Mode() && os.SameFile(a.info, b.info) &&
		(a.info.IsDir() || a.info.Size() == b.info.Size() && a.info.ModTime().Equal(b.info.ModTime()))
}

func (s *snapshot) add(name string, data []byte, when time.Time) {
	if when.After(s.when) {
		s.when = when
	}
	s.files = append(s.files, sources.Blob{
		Path: name, Size: int64(len(data)), Read: func() ([]byte, error) { return data, nil },
	})
}

// seal names the snapshot by its content.
func (s *snapshot) seal() {
	slices.SortFunc(s.files, func(a, b sources.Blob) int { return cmp.Compare(a.Path, b.Path) })
	sum := sha256.New()
	for _, f := range s.files {
		data, _ := f.Read() // from memory, which does not fail
		fmt.Fprintf(sum, "%s\x00%d\x00", f.Path, len(data))
		sum.Write(data)
	}
	s.id = idPrefix + hex.EncodeToString(sum.Sum(nil))
}

// list meets every entry below root, in a fixed order, and refuses what is not taken.
func (s *Source) list(root *os.Root) ([]seen, error) {
	l := lister{root: root, tally: s.options.Limits.Tally()}
	var err error
	if s.file == "" {
		err = l.dir(".")
	} else {
		err = l.beside(s.file)
	}
	slices.SortFunc(l.entries, func(a, b seen) int { return cmp.Compare(a.path, b.path) })
	return l.entries, err
}

// varDirs are read with an inventory that is named by itself: Ansible reads them beside it.
var varDirs = []string{"group_vars", "host_vars"}

// beside meets one file, and the directories of variables where there are any.
func (l *lister) beside(file string) error {
	if err := l.entry(file); err != nil {
		return err
	}
	for _, dir := range varDirs {
		if info, err := l.root.Lstat(dir); err != nil || !info.IsDir() {
			continue
		}
		if err := l.entry(dir); err != nil {
			return err
		}
	}
	return nil
}

type lister struct {
	root    *os.Root
	tally   *sources.Tally
	entries []seen
}

func (l *lister) dir(name string) error {
	d, err := l.root.Open(name)
	if err != nil {
		return moved(err)
	}
	defer d.Close() // only read
	for {
		names, err := d.Readdirnames(chunk)
		for _, entry := range names {
			if entry == ".git" {
				continue
			}
			if err := l.entry(path.Join(name, entry)); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (l *lister) entry(name string) error {
	if err := sources.CheckPath(name); err != nil {
		return err
	}
	info, err := l.root.Lstat(name)
	if err != nil {
		return moved(err)
	}
	l.entries = append(l.entries, seen{name, info})
	switch mode := info.Mode(); {
	case mode.IsDir():
		if err := l.tally.Dir(name); err != nil {
			return err
		}
		return l.dir(name)
	case mode.IsRegular():
		return l.tally.File(name, info.Size())
	case mode&fs.ModeSymlink != 0:
		return sources.Errorf(sources.ErrRefused, "%s is a symbolic link: only files and directories are taken", name)
	}
	return sources.Errorf(sources.ErrRefused, "%s is neither a file nor a directory", name)
}

// readFile reads a file that is still the one that was met. It does not wait for the other end
// of a pipe that was put in its place.
func readFile(root *os.Root, e seen) ([]byte, error) {
	f, err := root.OpenFile(e.path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, moved(err)
	}
	defer f.Close() // only read
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !os.SameFile(info, e.info) {
		return nil, errMoving
	}
	data := make([]byte, e.info.Size()+1) // one more than there should be
	n, err := io.ReadFull(f, data)
	switch {
	case err == nil, int64(n) != e.info.Size() && errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF) && e.info.Size() > 0:
		return nil, errMoving
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return data[:n], nil
	}
	return nil, err
}

// moved takes an entry that went away, or became something else, for a change.
func moved(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return fmt.Errorf("%w: %w", errMoving, err)
	}
	return err
}
