package reconcile

import (
	"errors"
	"strings"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// book is what is remembered of an inventory from look to look.
type book struct {
	inventory string
	round     *Round             // the last one, nil when there was none
	units     map[unit]bool      // of the last round
	hosts     map[string]bool    // every place that the last round looked at
	nodes     map[string]node    // the nodes among them
	items     map[item]time.Time // the differences that are there, and when each was first seen
	awaited   string             // the newest revision, until it has converged
	sighted   time.Time          // when awaited was first seen
	journal   float64            // 0 when the last plan or step could not be written down
	shown     *picture
	left      int       // steps of round that are not done, as it stood when it was told
	oldest    time.Time // since when the oldest of their differences is there
}

func newBook(inventory string) *book {
	return &book{inventory: inventory, journal: 1}
}

// unit is an owner as labels name it.
type unit struct{ module, cluster string }

func unitOf(owner string) unit {
	module, cluster, _ := strings.Cut(label(owner), "/")
	return unit{module, cluster}
}

// label makes a text one that may be a label: an inventory may name its hosts as it likes.
func label(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// unitsOf says how the units stand. An owner that is frozen may have asked for nothing: it is still
// there, and is refused.
func unitsOf(s *Status) map[unit]State {
	units := map[unit]State{}
	for _, o := range s.Owners {
		u := unitOf(o.Owner)
		units[u] = graver(o.State, units[u])
	}
	for owner := range s.round.Frozen {
		if u := unitOf(owner); units[u] == "" {
			units[u] = Rejected
		}
	}
	return units
}

// item is a difference. What a commit asked for and what moved away from it later are two.
type item struct {
	id    resource.ID
	drift bool
}

// compare replaces the items by those of r, and tells which steps of it are new ones. What cannot be
// observed now has not gone: it stays an item.
func (b *book) compare(r *Round) map[int]bool {
	fresh, now := map[int]bool{}, map[item]time.Time{}
	for i, s := range r.Plan.Steps {
		if s.Action == diff.Wait {
			b.keep(now, item{s.ID, true}, item{s.ID, false})
			continue
		}
		if !acts(s) {
			continue
		}
		it := item{s.ID, r.drift(s)}
		if !b.keep(now, it) {
			fresh[i], now[it] = true, r.Began
		}
	}
	b.items = now
	return fresh
}

func (b *book) keep(now map[item]time.Time, items ...item) (kept bool) {
	for _, it := range items {
		if since, known := b.items[it]; known {
			now[it], kept = since, true
		}
	}
	return kept
}

// node is how a node stood at the last look.
type node struct {
	answers bool
	seen    time.Time // when it last answered, zero when it never did
}

// nodesOf are the nodes that r asked; when one does not answer, it was last seen when it was before.
func nodesOf(r *Round, before map[string]node) map[string]node {
	nodes := map[string]node{}
	for id, state := range r.Have {
		if id.Kind != resource.KindFacts {
			continue
		}
		n := node{seen: before[label(id.At)].seen}
		if state.Err == nil {
			n = node{answers: true, seen: r.lookedAt(id.At)}
		}
		nodes[label(id.At)] = n
	}
	return nodes
}

// writes tells whether what r meant to do could be written down; a round that meant to do nothing
// does not tell.
func writes(r *Round, before float64) float64 {
	if len(r.Results) == 0 {
		return before
	}
	for _, err := range r.Results {
		if errors.Is(err, ErrJournal) {
			return 0
		}
	}
	return 1
}

const (
	plainClass = "change" // costs nothing
	checkClass = "check"  // a gate: changes nothing
)

// classOf names the gravest hazard of a step.
func classOf(s diff.Step) string {
	if s.Action == diff.Check {
		return checkClass
	}
	class := plainClass
	for h := range s.Hazard().Each {
		class = h.String()
	}
	return class
}

// hazardClasses are the classes a step that changes something may have, mildest first.
func hazardClasses() []string {
	classes := []string{plainClass}
	for h := range (^resource.Hazard(0)).Each {
		classes = append(classes, h.String())
	}
	return classes
}

// acts tells whether a step would change something.
func acts(s diff.Step) bool {
	return s.Action == diff.Create || s.Action == diff.Update || s.Action == diff.Delete
}

func keys[K comparable, V any](m map[K]V) map[K]bool {
	out := make(map[K]bool, len(m))
	for k := range m {
		out[k] = true
	}
	return out
}
