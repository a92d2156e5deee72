package reconcile

import (
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/sources"
)

// Metrics is what the daemons of one process count, for every inventory. docs/metrics.md lists it.
// Labels name inventories, modules, clusters, hosts and words of ours: never a path, a value or a
// commit. A nil *Metrics is valid and counts nothing; all methods may be called side by side.
type Metrics struct {
	counters
	now func() time.Time

	mu       sync.Mutex // guards what follows
	books    map[string]*book
	journals map[string]*history.Journal
	queues   map[string]Queue
}

// NewMetrics registers the metrics with reg and shows zeros for the inventories named. It panics when
// reg has metrics of these names already. A nil reg registers nothing.
func NewMetrics(reg prometheus.Registerer, inventories ...string) *Metrics {
	m := &Metrics{counters: newCounters(promauto.With(reg)), now: time.Now, books: map[string]*book{}, journals: map[string]*history.Journal{}, queues: map[string]Queue{}}
	if reg != nil {
		reg.MustRegister(newestLooks{m})
	}
	for _, name := range inventories {
		m.book(name)
	}
	return m
}

// book is the book of an inventory, opened when there was none; m.mu is held, or nobody else has m.
func (m *Metrics) book(inventory string) *book {
	b, known := m.books[inventory]
	if !known {
		b = newBook(inventory)
		b.shown = b.draw(&Status{Inventory: inventory, State: Starting})
		m.books[inventory] = b
		m.counters.begin(inventory)
	}
	return b
}

// looked counts a look of the source, also one that found nothing new.
func (m *Metrics) looked(inventory string, took time.Duration) {
	if m != nil {
		m.fetchTook.WithLabelValues(inventory).Observe(took.Seconds())
	}
}

// fetched counts an answer of the source.
func (m *Metrics) fetched(inventory string, rev sources.Revision, err error) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.book(inventory)
	m.fetches.WithLabelValues(inventory, fetchResult(err)).Inc()
	m.hostkey.WithLabelValues(inventory).Set(one(fetchResult(err) == "hostkey"))
	if err != nil {
		return
	}
	b.awaited, b.sighted = rev.ID, m.now()
	m.commits.WithLabelValues(inventory, "seen").Set(seconds(rev.When))
}

var fetchResults = []string{"ok", "refused", "hostkey", "failed"}

// fetchResult tells apart what somebody must look into from what may pass.
func fetchResult(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, sources.ErrRefused), errors.Is(err, sources.ErrRewound), errors.Is(err, sources.ErrUnsigned):
		return "refused"
	case errors.Is(err, sources.ErrHostKey):
		return "hostkey"
	}
	return "failed"
}

// seen takes in what the daemon publishes.
func (m *Metrics) seen(s *Status) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.book(s.Inventory)
	switch {
	case s.round != nil:
		m.countRound(b, s)
	case s.State == Rejected:
		m.rounds.WithLabelValues(b.inventory, string(Rejected)).Inc()
	}
	b.shown = b.draw(s)
}

func (m *Metrics) countRound(b *book, s *Status) {
	r := s.round
	m.meet(b, unitsOf(s))
	m.rounds.WithLabelValues(b.inventory, r.Outcome().String()).Inc()
	m.roundTook.WithLabelValues(b.inventory).Observe(r.Took.Seconds())
	m.observeTook.WithLabelValues(b.inventory, fleetSource).Observe(r.Observed.Seconds())
	m.countHosts(b, r)
	m.countDrift(b, r)
	m.countCommit(b, r)
	b.journal = writes(r, b.journal)
	b.turn(r)
}

// glanceOutcomes say whether a look at a part of the fleet was a reason to look at the whole.
var glanceOutcomes = []string{"same", "changed"}

// glanced counts a look at a part of the fleet.
func (m *Metrics) glanced(inventory string, again bool) {
	if m == nil {
		return
	}
	outcome := glanceOutcomes[0]
	if again {
		outcome = glanceOutcomes[1]
	}
	m.glances.WithLabelValues(inventory, outcome).Inc()
}

// stirred counts a word of a watch.
func (m *Metrics) stirred(inventory string) {
	if m != nil {
		m.stirs.WithLabelValues(inventory).Inc()
	}
}

// begun takes in what a round is about to do: what it may take a while to put right is seen before.
func (m *Metrics) begun(s *Status) { m.glance(s, func(b *book) { m.countDrift(b, s.round) }) }

// glimpsed takes in a picture of which only parts are newer. It is no round.
func (m *Metrics) glimpsed(s *Status) {
	m.glance(s, func(b *book) { b.nodes = nodesOf(s.round, b.nodes) })
}

func (m *Metrics) glance(s *Status, count func(*book)) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.book(s.Inventory)
	m.meet(b, unitsOf(s))
	count(b)
	b.turn(s.round)
	b.shown = b.draw(s)
}

// countCommit follows a commit on its way from sight to a fleet that is as it says.
func (m *Metrics) countCommit(b *book, r *Round) {
	when := seconds(r.Revision.When)
	m.commits.WithLabelValues(b.inventory, "accepted").Set(when)
	if r.Outcome() != Converged {
		return
	}
	m.commits.WithLabelValues(b.inventory, "converged").Set(when)
	if b.awaited != r.Revision.ID {
		return
	}
	b.awaited = ""
	if !r.Settled { // else it had converged before we saw it: the daemon was started anew
		m.convergeTook.WithLabelValues(b.inventory).Observe(m.now().Sub(b.sighted).Seconds())
	}
}

// Watch is the hook of the Reconciler that counts and times the steps of an inventory.
func (m *Metrics) Watch(inventory string) func(Event) {
	return func(e Event) {
		if m == nil || !e.Ended {
			return
		}
		module, class := unitOf(e.Step.Owner).module, classOf(e.Step)
		m.steps.WithLabelValues(inventory, module, class, stepResult(e.Err)).Inc()
		m.stepTook.WithLabelValues(inventory, module, class).Observe(e.Took.Seconds())
	}
}

var stepResults = []string{"ok", "failed", "moved"}

func stepResult(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, executors.ErrMoved):
		return "moved"
	}
	return "failed"
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
