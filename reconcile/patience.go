package reconcile

import (
	"context"
	"sync"
	"time"
)

// patience is how long gates are waited for. Once a step of the round has failed and nothing but gates
// is under way, what they wait for may be what only the next round can mend; to end them changes
// nothing.
type patience struct {
	gates context.Context // ends when patience does
	end   context.CancelFunc

	mu      sync.Mutex // guards what follows
	working int        // steps under way that are no gates
	failed  bool
	timer   *time.Timer
}

// gateGrace is what gates get when all else has ended and something has failed.
const gateGrace = 10 * time.Second

func newPatience(ctx context.Context) *patience {
	p := &patience{}
	p.gates, p.end = context.WithCancel(context.WithoutCancel(ctx))
	return p
}

// works notes that a step begins, done that it has ended.
func (p *patience) works() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.working++
	if p.timer != nil {
		p.timer.Stop()
	}
}

func (p *patience) done(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.working--
	p.failed = p.failed || err != nil
	if p.failed && p.working == 0 {
		p.timer = time.AfterFunc(gateGrace, p.end)
	}
}

// close ends what is left of it.
func (p *patience) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
	}
	p.end()
}
