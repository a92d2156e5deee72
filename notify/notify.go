package notify

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/pigsync/pigsync/reconcile"
)

// Backend is the loop of one inventory.
type Backend interface {
	Status() *reconcile.Status
	Changed() <-chan struct{}
}

// Notifier tells sinks of the news of backends.
type Notifier struct {
	queues []*queue
	mu     *sync.Mutex // guards memory
	memory *Memory
}

// New makes a notifier that goes on where memory ends.
func New(sinks []Sink, memory *Memory, counts Counts, log *slog.Logger) *Notifier {
	n := &Notifier{memory: memory, mu: new(sync.Mutex)}
	for _, s := range sinks {
		n.queues = append(n.queues, newQueue(s, counts, log))
	}
	return n
}

// Run tells what is news until ctx ends. What waits then is not told.
func (n *Notifier) Run(ctx context.Context, backends []Backend) {
	var wg sync.WaitGroup
	for _, q := range n.queues {
		wg.Go(func() { q.run(ctx) })
	}
	for _, b := range backends {
		wg.Go(func() { n.follow(ctx, b) })
	}
	wg.Wait()
}

// follow looks at every picture of a backend; of several that come at once, at the newest.
func (n *Notifier) follow(ctx context.Context, b Backend) {
	for {
		changed := b.Changed()
		n.mu.Lock()
		notes := n.memory.News(b.Status())
		n.mu.Unlock()
		for _, note := range notes {
			for _, q := range n.queues {
				q.put(note)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}

// Waiting is how many notes wait, over all sinks, and since when the oldest does.
func (n *Notifier) Waiting() (depth int, oldest time.Time) {
	for _, q := range n.queues {
		q.mu.Lock()
		depth += len(q.notes)
		if len(q.notes) > 0 && (oldest.IsZero() || q.notes[0].When.Before(oldest)) {
			oldest = q.notes[0].When
		}
		q.mu.Unlock()
	}
	return depth, oldest
}

// Down names the sinks that cannot be reached.
func (n *Notifier) Down() (names []string) {
	for _, q := range n.queues {
		q.mu.Lock()
		if !q.down.IsZero() {
			names = append(names, q.Name)
		}
		q.mu.Unlock()
	}
	return names
}
