package reconcile

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

const (
	// firstCalm is how long a resource that stirred for nothing is not looked at again; each further time
	// doubles that. A file that is touched a thousand times a second costs a look in half a minute.
	firstCalm = 250 * time.Millisecond
	lastCalm  = 30 * time.Second
	// maxCalm bounds the resources of which that is remembered, and maxStirred those of a place that are
	// told apart: of more, anything may have changed.
	maxCalm    = 4096
	maxStirred = 64
	// betweenGlances is the least time from one glance to the next.
	betweenGlances = 100 * time.Millisecond
)

// attention is what stirred and was not looked at since. A stir decides nothing but when a place is looked
// at, and none is forgotten: one that came too often only waits.
type attention struct {
	bell chan struct{} // capacity one

	mu      sync.Mutex // guards what follows
	stirred map[string]*stirred
	calm    map[resource.ID]calm
	kin     map[string]string // place → the cluster or node with which it is asked in turn
}

// stirred is what stirred at a place.
type stirred struct {
	due time.Time            // when it is to be looked at
	ids map[resource.ID]bool // what stirred; one without a kind stands for anything there
}

// calm is for how long a resource is not looked at that stirs.
type calm struct {
	until time.Time
	gap   time.Duration
}

func newAttention() *attention {
	return &attention{bell: make(chan struct{}, 1), stirred: map[string]*stirred{}, calm: map[resource.ID]calm{}}
}

// anything stands for whatever is at a place.
func anything(at string) resource.ID { return resource.ID{At: at} }

// stir takes note of a stir.
func (a *attention) stir(s executors.Stir, now time.Time) {
	ids := s.IDs
	if len(ids) == 0 || len(ids) > maxStirred {
		ids = []resource.ID{anything(s.At)}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	at := a.stirred[s.At]
	if at == nil {
		at = &stirred{ids: map[resource.ID]bool{}}
		a.stirred[s.At] = at
	}
	for _, id := range ids {
		if len(at.ids) >= maxStirred {
			id = anything(s.At)
		}
		due := now
		if c := a.calm[id]; c.until.After(now) {
			due = c.until
		}
		if len(at.ids) == 0 || due.Before(at.due) {
			at.due = due
		}
		at.ids[id] = true
	}
	select {
	case a.bell <- struct{}{}:
	default:
	}
}

// forget drops all stirs: everything is about to be looked at.
func (a *attention) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.stirred)
}

// next is when the first of the places that stirred is to be looked at, zero when none did.
func (a *attention) next() (first time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range a.stirred {
		if first.IsZero() || s.due.Before(first) {
			first = s.due
		}
	}
	return first
}

// take gives what stirred at the places that are due, which is then forgotten.
func (a *attention) take(now time.Time) map[string][]resource.ID {
	a.mu.Lock()
	defer a.mu.Unlock()
	taken := map[string][]resource.ID{}
	for at, s := range a.stirred {
		if s.due.After(now) {
			continue
		}
		delete(a.stirred, at)
		for id := range s.ids {
			taken[at] = append(taken[at], id)
		}
	}
	return taken
}

// settle notes of what stirred whether it had changed.
func (a *attention) settle(taken map[string][]resource.ID, changed func(resource.ID) bool, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.calm) > maxCalm {
		clear(a.calm)
	}
	for _, ids := range taken {
		for _, id := range ids {
			if changed(id) {
				delete(a.calm, id)
				continue
			}
			old := a.calm[id]
			if now.Sub(old.until) > lastCalm { // it has been quiet since
				old.gap = 0
			}
			gap := min(max(2*old.gap, firstCalm), lastCalm)
			a.calm[id] = calm{until: now.Add(gap), gap: gap}
		}
	}
}

// locate notes which nodes a cluster of PostgreSQL is asked at: they are asked together.
func (a *attention) locate(p resource.Places) {
	kin := map[string]string{}
	for _, c := range p.PG {
		for _, s := range c.Seats {
			kin[s.Node] = c.At
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.kin = kin
}

// turns are the places that are asked together, in a fixed order.
func (a *attention) turns(looked map[string]time.Time) [][]string {
	a.mu.Lock()
	defer a.mu.Unlock()
	byName := map[string][]string{}
	for at := range looked {
		name := at
		if cluster, ok := a.kin[at]; ok {
			name = cluster
		}
		byName[name] = append(byName[name], at)
	}
	var turns [][]string
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		turns = append(turns, byName[name])
	}
	return turns
}
