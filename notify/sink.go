package notify

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Sink is a place to tell notes.
type Sink struct {
	Name        string
	Send        func(notes []Note, lost int) error // of everything that waits; lost notes are gone for good
	Kinds       []Kind                             // none means all
	Inventories []string                           // none means all
	Every       time.Duration                      // at most one message in that time; 0 means half a minute
}

const (
	room        = 200 // notes that wait for a sink
	together    = 10 * time.Second
	usually     = 30 * time.Second
	firstPause  = 5 * time.Second
	lastPause   = 5 * time.Minute
	sendTimeout = time.Minute
)

// Counts are what the sinks count.
type Counts struct{ notes *prometheus.CounterVec }

// NewCounts registers the metrics.
func NewCounts(reg prometheus.Registerer) Counts {
	c := Counts{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "pigsync_notifications_total", Help: "Notes by sink and what came of them: sent, failed (a try of a message) or lost.",
	}, []string{"sink", "result"})}
	if reg != nil {
		reg.MustRegister(c.notes)
	}
	return c
}

// queue is what waits for one sink.
type queue struct {
	Sink
	counts *prometheus.CounterVec
	log    *slog.Logger
	news   chan struct{} // has room for one

	mu    sync.Mutex // guards what follows
	notes []Note
	lost  int
	down  time.Time // since when nothing could be delivered, zero when it can
}

func newQueue(s Sink, c Counts, log *slog.Logger) *queue {
	if s.Every <= 0 {
		s.Every = usually
	}
	for _, result := range []string{"sent", "failed", "lost"} {
		c.notes.WithLabelValues(s.Name, result)
	}
	return &queue{Sink: s, counts: c.notes, log: log, news: make(chan struct{}, 1)}
}

// put takes a note in, in the place of the oldest when there is no room.
func (q *queue) put(n Note) {
	if len(q.Kinds) > 0 && !slices.Contains(q.Kinds, n.Kind) || len(q.Inventories) > 0 && !slices.Contains(q.Inventories, n.Inventory) {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.notes) == room {
		q.notes = slices.Delete(q.notes, 0, 1)
		q.lost++
		q.counts.WithLabelValues(q.Name, "lost").Inc()
	}
	q.notes = append(q.notes, n)
	select {
	case q.news <- struct{}{}:
	default:
	}
}

// run tells what comes until ctx ends.
func (q *queue) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-q.news:
		}
		pause := firstPause
		for wait := together; q.waits(); wait = pause {
			if !sleep(ctx, wait) {
				return
			}
			if q.deliver(ctx) {
				if !sleep(ctx, q.Every) {
					return
				}
				break
			}
			pause = min(2*pause, lastPause)
		}
		if q.waits() {
			select {
			case q.news <- struct{}{}:
			default:
			}
		}
	}
}

func (q *queue) waits() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.notes) > 0
}

// deliver sends all that waits in one message. What fails stays.
func (q *queue) deliver(ctx context.Context) bool {
	q.mu.Lock()
	notes, lost := slices.Clone(q.notes), q.lost
	q.mu.Unlock()
	err := q.send(ctx, notes, lost)
	q.mu.Lock()
	defer q.mu.Unlock()
	if err != nil {
		q.counts.WithLabelValues(q.Name, "failed").Inc()
		if q.down.IsZero() {
			q.down = time.Now()
			q.log.Warn("nobody can be told; notes wait", slog.String("sink", q.Name), slog.String("why", plain(err)))
		}
		return false
	}
	if !q.down.IsZero() {
		q.log.Info("notes are delivered again", slog.String("sink", q.Name), slog.Duration("after", time.Since(q.down)), slog.Int("lost", lost))
	}
	q.down = time.Time{}
	gone := len(notes) - (q.lost - lost) // what was pushed out meanwhile was delivered, too
	q.notes, q.lost = slices.Delete(q.notes, 0, max(0, gone)), 0
	q.counts.WithLabelValues(q.Name, "sent").Add(float64(len(notes)))
	return true
}

var errSlow = errors.New("it does not answer")

// send does not wait for ever.
func (q *queue) send(ctx context.Context, notes []Note, lost int) error {
	done := make(chan error, 1)
	go func() { done <- q.Send(notes, lost) }()
	t := time.NewTimer(sendTimeout)
	defer t.Stop()
	select {
	case err := <-done:
		return err
	case <-t.C:
		return errSlow
	case <-ctx.Done():
		return ctx.Err()
	}
}

// plain is why something was not sent, without the address, which is a secret.
func plain(err error) string {
	var at *url.Error
	switch {
	case errors.Is(err, errSlow):
		return errSlow.Error()
	case errors.As(err, &at):
		return at.Err.Error()
	}
	return "the service did not take it"
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
