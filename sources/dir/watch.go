package dir

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// patience is how many times Debounce a directory that is written without pause is waited for.
const patience = 10

// watcher wakes its owner when something below a directory may have changed. Without
// notifications it still works: then only time wakes.
type watcher struct {
	dir  string
	file string // the entry that counts, with the directories of variables; "" means all
	fs   *fsnotify.Watcher
	seen map[string]bool // the directories it was tried to watch
}

// watch begins to watch the directory itself; follow adds those below it.
func (s *Source) watch() *watcher {
	w := &watcher{dir: s.dir, file: s.file, seen: map[string]bool{}}
	if s.options.NoWatch {
		return w
	}
	fsw, err := fsnotify.NewWatcher()
	if err != nil { // no notifications on this machine, or too many used: time wakes
		return w
	}
	w.fs = fsw
	w.follow([]string{"."})
	return w
}

// follow watches directories below the first one, and says whether some were new to it.
func (w *watcher) follow(dirs []string) bool {
	if w.fs == nil {
		return false
	}
	before := len(w.seen)
	for _, dir := range dirs {
		if w.seen[dir] {
			continue
		}
		w.seen[dir] = true
		// What cannot be watched (gone already, no watches left) is found when time wakes.
		_ = w.fs.Add(filepath.Join(w.dir, filepath.FromSlash(dir)))
	}
	return len(w.seen) > before
}

func (w *watcher) close() {
	if w.fs != nil {
		_ = w.fs.Close() // there is nothing to be done about it
	}
}

// wait returns when something changed and has been quiet for debounce, or after interval.
func (w *watcher) wait(ctx context.Context, interval, debounce time.Duration) error {
	var events <-chan fsnotify.Event
	var errs <-chan error
	if w.fs != nil {
		events, errs = w.fs.Events, w.fs.Errors
	}
	timer := time.NewTimer(interval)
	defer timer.Stop()
	var limit time.Time
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			return ctx.Err()
		case e := <-events:
			if w.foreign(e.Name) {
				continue
			}
		case <-errs: //nolint:errcheck // events were lost, whatever the reason: look
		}
		if limit.IsZero() {
			limit = time.Now().Add(patience * debounce)
		}
		timer.Reset(min(debounce, time.Until(limit)))
	}
}

// foreign reports whether what changed is no part of the inventory.
func (w *watcher) foreign(name string) bool {
	below, err := filepath.Rel(w.dir, name)
	if w.file == "" || err != nil {
		return false
	}
	first, _, _ := strings.Cut(filepath.ToSlash(below), "/")
	return first != w.file && !slices.Contains(varDirs, first)
}
