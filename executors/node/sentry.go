package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/pigsync/pigsync/resource"
)

const (
	// gatherTime is how long what follows a first event is waited for: who replaces a file does so in
	// several steps.
	gatherTime = 20 * time.Millisecond
	// restTime is how long nothing is read after a word was told, or many events were. Meanwhile the
	// kernel joins those that are the same, and drops what is too many, which it tells.
	restTime = 100 * time.Millisecond
	// maxBurst is how many events are read at a time; fewEvents are no reason to rest.
	maxBurst  = 2048
	fewEvents = 64
	// maxPosts bounds the directories that are watched.
	maxPosts = 4096
	// maxNamed bounds the ids of one word; of more it says that anything may have changed.
	maxNamed = 64
)

// Signals is a Systemd that tells of changes. Optional.
type Signals interface {
	// Follow calls changed with the file name of each unit whose state changes, and with "" when some may
	// have been missed, until ctx ends. It does not wait.
	Follow(ctx context.Context, changed func(unit string)) error
}

// sentry watches what resources of this machine are about, and says which may have changed. It never
// looks what has: a word too many costs a look, and a word too few is made up for by the next one.
type sentry struct {
	l     *Local
	tell  func([]resource.ID) // none: anything; it may block until the word is taken
	files *fsnotify.Watcher
	units chan string
	ctx   context.Context
	end   context.CancelFunc
	wg    sync.WaitGroup

	mu      sync.Mutex // guards what follows
	aims    []aim
	posts   map[string]post
	follows map[string][]resource.ID // by unit
}

// post is a directory that is watched: the names in it that somebody wants to hear of.
type post map[string][]resource.ID

// newSentry begins to watch nothing.
func newSentry(l *Local, tell func([]resource.ID)) (*sentry, error) {
	files, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch files: %w", err)
	}
	s := &sentry{l: l, tell: tell, files: files, units: make(chan string, maxBurst)}
	s.ctx, s.end = context.WithCancel(context.Background())
	if err := s.followUnits(); err != nil {
		s.end()
		return nil, errors.Join(fmt.Errorf("watch units: %w", err), files.Close())
	}
	s.wg.Go(s.run)
	return s, nil
}

func (s *sentry) close() {
	s.end()
	_ = s.files.Close() // nothing is lost with it
	s.wg.Wait()
}

// followUnits hears systemd, where it can be heard. What does not fit is a reason to look at all units.
func (s *sentry) followUnits() error {
	signals, ok := s.l.Systemd.(Signals)
	if !ok {
		return nil
	}
	missed := make(chan struct{}, 1)
	s.wg.Go(func() {
		for {
			select {
			case <-missed:
				select {
				case s.units <- "":
				case <-s.ctx.Done():
				}
			case <-s.ctx.Done():
				return
			}
		}
	})
	return signals.Follow(s.ctx, func(unit string) {
		select {
		case s.units <- unit:
		default:
			select {
			case missed <- struct{}{}:
			default:
			}
		}
	})
}

// set makes the sentry watch these ids and nothing else. An error says that not all of it can be watched.
func (s *sentry) set(ids []resource.ID, places []resource.PGPlace) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.aims, s.follows = nil, map[string][]resource.ID{}
	for _, id := range ids {
		a := aimAt(id, places)
		s.aims = append(s.aims, a)
		if a.unit != "" {
			s.follows[a.unit] = append(s.follows[a.unit], id)
		}
	}
	return s.station()
}

// station watches the directories in which something is to be seen, and no others; mu is held.
func (s *sentry) station() error {
	s.posts = map[string]post{}
	near := map[string]string{}
	for _, a := range s.aims {
		for _, p := range a.paths {
			s.posted(a.id, p, near)
		}
	}
	if len(s.posts) > maxPosts {
		return fmt.Errorf("%d directories are too many to watch", len(s.posts))
	}
	var errs []error
	watched := s.files.WatchList()
	for _, dir := range watched {
		if s.posts[dir] == nil {
			_ = s.files.Remove(dir) // it may have gone by itself
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(s.posts)) {
		if slices.Contains(watched, dir) {
			continue
		}
		if err := s.files.Add(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return fmt.Errorf("%d of %d directories cannot be watched: %w", len(errs), len(s.posts), errs[0])
	}
	return nil
}

// posted wants to hear of what is at a path, and of every directory and link on the way there: what is
// replaced above it is another file. What is known of directories already is near.
func (s *sentry) posted(id resource.ID, name string, near map[string]string) {
	if !filepath.IsAbs(name) {
		return
	}
	for name = filepath.Clean(name); name != "/"; name = filepath.Dir(name) {
		dir := filepath.Dir(name)
		real, known := near[dir]
		if !known {
			real = s.directory(dir)
			near[dir] = real
		}
		if real == "" {
			continue
		}
		if s.posts[real] == nil {
			s.posts[real] = post{}
		}
		s.posts[real][filepath.Base(name)] = append(s.posts[real][filepath.Base(name)], id)
	}
}

// directory is where a directory really is, "" when there is none.
func (s *sentry) directory(dir string) string {
	real, err := filepath.EvalSymlinks(filepath.Join(s.l.Root.Name(), dir))
	if err != nil {
		return ""
	}
	if info, err := os.Stat(real); err != nil || !info.IsDir() {
		return ""
	}
	return real
}

// word is what is to be told next.
type word struct {
	ids    map[resource.ID]bool
	any    bool
	moved  bool // something came or went: other directories may have to be watched
	events int
}

func (w *word) add(ids []resource.ID) {
	for _, id := range ids {
		if len(w.ids) >= maxNamed {
			w.any = true
			return
		}
		w.ids[id] = true
	}
}

func (w *word) empty() bool { return len(w.ids) == 0 && !w.any }

// run tells a word for each burst of events.
func (s *sentry) run() {
	for s.ctx.Err() == nil {
		w := &word{ids: map[resource.ID]bool{}}
		if !s.hear(w, nil) {
			return
		}
		s.gather(w)
		if w.moved {
			s.mu.Lock()
			w.any = s.station() != nil || w.any
			s.mu.Unlock()
		}
		if !w.empty() {
			s.say(w)
		}
		if !w.empty() || w.events > fewEvents {
			s.pause()
		}
	}
}

func (s *sentry) say(w *word) {
	if w.any {
		s.tell(nil)
		return
	}
	s.tell(slices.SortedFunc(maps.Keys(w.ids), resource.ID.Compare))
}

func (s *sentry) pause() {
	t := time.NewTimer(restTime)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.ctx.Done():
	}
}

// gather hears what comes shortly after the first event.
func (s *sentry) gather(w *word) {
	end := time.NewTimer(gatherTime)
	defer end.Stop()
	for w.events < maxBurst && s.hear(w, end.C) {
	}
}

// hear takes one event in; it tells whether there was one before the end.
func (s *sentry) hear(w *word, end <-chan time.Time) bool {
	select {
	case e, open := <-s.files.Events:
		if !open {
			return false
		}
		s.file(w, e)
	case _, open := <-s.files.Errors:
		if !open {
			return false
		}
		w.any = true // too many events, or nobody knows what: look at everything
	case unit := <-s.units:
		s.unit(w, unit)
	case <-end:
		return false
	case <-s.ctx.Done():
		return false
	}
	w.events++
	return true
}

func (s *sentry) file(w *word, e fsnotify.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := s.posts[filepath.Dir(e.Name)][filepath.Base(e.Name)]
	if itself, ok := s.posts[e.Name]; ok && e.Has(fsnotify.Remove|fsnotify.Rename) {
		ids = slices.Concat(ids, slices.Concat(slices.Collect(maps.Values(itself))...))
	}
	w.add(ids)
	w.moved = w.moved || len(ids) > 0 && e.Has(fsnotify.Create|fsnotify.Remove|fsnotify.Rename)
}

func (s *sentry) unit(w *word, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if name == "" {
		w.any = w.any || len(s.follows) > 0
		return
	}
	w.add(s.follows[name])
}
