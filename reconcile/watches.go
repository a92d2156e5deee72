package reconcile

import (
	"cmp"
	"slices"
)

// Unwatched is a place of which nobody knows before the next look whether something has changed.
type Unwatched struct {
	Place  string `json:"place"`
	Source string `json:"source"` // who should watch there: node or etcd
	Error  string `json:"error"`
}

// showWatches puts into a status where changes are told at once, and where they are not.
func (d *Daemon) showWatches(s *Status) {
	w := d.watcher()
	if w == nil {
		return
	}
	s.watches = w.Watches()
	for _, w := range s.watches {
		if w.Err == nil {
			s.Watched++
			continue
		}
		s.Unwatched = append(s.Unwatched, Unwatched{w.At, w.Source, w.Err.Error()})
	}
	slices.SortFunc(s.Unwatched, func(a, b Unwatched) int {
		return cmp.Or(cmp.Compare(a.Place, b.Place), cmp.Compare(a.Source, b.Source))
	})
}
