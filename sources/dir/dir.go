package dir

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/pigsync/pigsync/sources"
)

// defaultFile is the inventory's name in a directory of Pigsty.
const defaultFile = "pigsty.yml"

// Options says what to read and how. Path is required.
type Options struct {
	Path     string        // a directory, or one file, which then is all there is
	Interval time.Duration // between two looks when nothing wakes; 0 means 30 seconds
	Debounce time.Duration // of quiet after a notification before looking; 0 means 200 ms
	Keep     string        // where past revisions are kept; "" keeps the last one, in memory
	NoWatch  bool          // do without notifications
	Limits   sources.Limits
}

// Source reads one directory. It is safe for use from many goroutines.
type Source struct {
	options Options
	dir     string // what is opened
	file    string // the one file that counts; "" means all
	shown   string

	mu   sync.Mutex // guards last
	last *snapshot
}

var _ sources.Source = (*Source)(nil)

// Open is New with defaults, and the name of the inventory in the tree: that of the file when
// path is one, else pigsty.yml.
func Open(path string) (*Source, string, error) {
	s, err := New(Options{Path: path})
	if err != nil {
		return nil, "", err
	}
	if s.file != "" {
		return s, s.file, nil
	}
	return s, defaultFile, nil
}

// New prepares to read what o names, which must be there.
func New(o Options) (*Source, error) {
	if o.Interval <= 0 {
		o.Interval = 30 * time.Second
	}
	if o.Debounce <= 0 {
		o.Debounce = 200 * time.Millisecond
	}
	path, err := filepath.Abs(o.Path)
	if err != nil || o.Path == "" {
		return nil, errors.New("no path of an inventory given")
	}
	s := &Source{options: o, dir: path, shown: sources.Clean(path, 200)}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("open inventory: %w", err)
	case info.Mode().IsRegular():
		s.dir, s.file = filepath.Split(path)
	case !info.IsDir():
		return nil, sources.Errorf(sources.ErrRefused, "%s is neither a file nor a directory", s.shown)
	}
	return s, nil
}

// String names the place.
func (s *Source) String() string { return s.shown }

// Next implements sources.Source.
func (s *Source) Next(ctx context.Context, after string) (sources.Revision, error) {
	w := s.watch() // before reading, so that no change falls in between
	defer w.close()
	for {
		snap, err := s.look(ctx)
		if err != nil {
			return sources.Revision{}, err
		}
		if snap.id != after {
			return s.revision(snap)
		}
		if w.follow(snap.dirs) {
			continue // something may have changed there before it was watched
		}
		if err := w.wait(ctx, s.options.Interval, s.options.Debounce); err != nil {
			return sources.Revision{}, err
		}
	}
}

// look reads the directory, remembers and keeps what it found.
func (s *Source) look(ctx context.Context) (*snapshot, error) {
	began := time.Now()
	snap, err := s.read(ctx)
	sources.Looked(ctx, time.Since(began))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.shown, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last != nil && s.last.id == snap.id {
		return snap, nil
	}
	if s.options.Keep != "" {
		if err := keep(s.options.Keep, snap); err != nil {
			return nil, fmt.Errorf("keep revision: %w", err)
		}
	}
	s.last = snap
	return snap, nil
}

func (s *Source) revision(snap *snapshot) (sources.Revision, error) {
	tree, err := sources.NewTree(snap.files, snap.when)
	if err != nil {
		return sources.Revision{}, fmt.Errorf("%s: %w", s.shown, err)
	}
	return sources.Revision{ID: snap.id, Subject: s.shown, When: snap.when, Tree: tree}, nil
}

// At implements sources.Source: the revision last read, one that was kept, or what is there
// now, if that is it.
func (s *Source) At(ctx context.Context, id string) (sources.Revision, error) {
	s.mu.Lock()
	last := s.last
	s.mu.Unlock()
	if last != nil && last.id == id {
		return s.revision(last)
	}
	if s.options.Keep != "" {
		snap, err := kept(s.options.Keep, id, s.options.Limits)
		if err == nil {
			return s.revision(snap)
		}
		if !errors.Is(err, sources.ErrGone) {
			return sources.Revision{}, fmt.Errorf("%s: %w", s.shown, err)
		}
	}
	if last == nil {
		if snap, err := s.read(ctx); err == nil && snap.id == id {
			return s.revision(snap)
		}
	}
	if err := ctx.Err(); err != nil {
		return sources.Revision{}, err
	}
	return sources.Revision{}, sources.Errorf(sources.ErrGone, "%s: revision %s is not kept", s.shown, sources.Clean(id, 80))
}
