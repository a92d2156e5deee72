package ssh

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// helperHome is where a node keeps the helpers, in bin below it. Not /run or /tmp, which are
// often mounted noexec.
const helperHome = "/var/lib/pigsync"

// Pool keeps connections to nodes. Its methods may be called from many goroutines.
type Pool struct {
	cfg      Config
	home     string // helperHome, but in tests
	binaries binaries
	flights  sync.WaitGroup // dials under way

	mu     sync.Mutex       // guards what follows, and the client and flight of each node
	nodes  map[Target]*node // by normal target
	closed bool
}

// node is what is known of one target.
type node struct {
	target   Target
	bringing chan struct{}            // of capacity one: full while somebody brings the helper
	platform atomic.Pointer[platform] // nil until the node has been asked
	client   *Client
	flight   *flight
	silent   error // why the last dial found nobody, nil when it found somebody
}

// reunion is how long a caller waits for a node that was silent at the last dial: a login takes no longer, as a rule.
// The dial itself takes its time. Who looks at a cluster after a failover waits for the old leader each time.
const reunion = 250 * time.Millisecond

// flight is a dial that others may wait for.
type flight struct {
	cancel context.CancelFunc
	before error         // why the dial before it found nobody
	done   chan struct{} // closed when client and err are set
	client *Client
	err    error
}

// NewPool makes a pool without connections.
func NewPool(cfg Config) *Pool {
	return &Pool{cfg: cfg.withDefaults(), home: helperHome, nodes: map[Target]*node{}}
}

// Client gives the connection to t, dialling when there is none that lives. Callers who come
// during a dial wait for the same one; a caller who leaves does not end it for the others. Of a node that was
// silent at the last dial it is said again soon, while the next one goes on.
func (p *Pool) Client(ctx context.Context, t Target) (*Client, error) {
	t, err := t.normal()
	if err != nil {
		return nil, err
	}
	c, f, err := p.join(ctx, t)
	if c != nil || err != nil {
		return c, err
	}
	var enough <-chan time.Time
	if f.before != nil {
		enough = time.After(reunion)
	}
	select {
	case <-f.done:
		return f.client, f.err
	case <-enough:
		return nil, f.before
	case <-ctx.Done():
		return nil, cancelled(ctx, t.name(), "dial")
	}
}

// Fresh dials t anew, whatever connections there are: what it proves is that one can be made now. The
// connection belongs to the caller, who closes it.
func (p *Pool) Fresh(ctx context.Context, t Target) (*Client, error) {
	t, err := t.normal()
	if err != nil {
		return nil, err
	}
	return p.dial(ctx, &node{target: t, bringing: make(chan struct{}, 1)})
}

// join gives a living connection or the dial to wait for.
func (p *Pool) join(ctx context.Context, t Target) (*Client, *flight, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, nil, &Error{Host: t.name(), Kind: ErrClosed}
	}
	n := p.nodes[t]
	if n == nil {
		n = &node{target: t, bringing: make(chan struct{}, 1)}
		p.nodes[t] = n
	}
	if n.client != nil && n.client.lives() {
		return n.client, nil, nil
	}
	if n.flight == nil {
		n.flight = p.take(ctx, n)
	}
	return nil, n.flight, nil
}

// take starts a dial. It outlives the caller's context, for others may be waiting, and is
// bounded by DialTimeout.
func (p *Pool) take(ctx context.Context, n *node) *flight {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f := &flight{cancel: cancel, before: n.silent, done: make(chan struct{})}
	p.flights.Go(func() {
		defer cancel()
		c, err := p.dial(ctx, n)
		p.land(n, f, c, err)
	})
	return f
}

// land ends a dial. A connection that nobody wants any more is closed.
func (p *Pool) land(n *node, f *flight, c *Client, err error) {
	p.mu.Lock()
	wanted := !p.closed && p.nodes[n.target] == n
	n.flight, n.silent = nil, nil
	if errors.Is(err, ErrUnreachable) {
		n.silent = err
	}
	if wanted && c != nil {
		n.client = c
	}
	p.mu.Unlock()
	if !wanted {
		if c != nil {
			c.close()
		}
		c, err = nil, &Error{Host: n.target.name(), Kind: ErrClosed}
	}
	f.client, f.err = c, err
	close(f.done)
}

// Retain closes the connections to all targets but those named and their jump hosts.
func (p *Pool) Retain(targets []Target) {
	keep := map[Target]bool{}
	for _, t := range targets {
		t, err := t.normal()
		if err != nil {
			continue // never was in the pool
		}
		keep[t] = true
		if via, ok, _ := t.jump(); ok {
			keep[via] = true
		}
	}
	p.drop(func(t Target) bool { return !keep[t] })
}

// Close ends all connections and dials, and waits for them. Pending operations return
// ErrClosed. It always returns nil.
func (p *Pool) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.drop(func(Target) bool { return true })
	p.flights.Wait()
	return nil
}

func (p *Pool) drop(which func(Target) bool) {
	var gone []*Client
	p.mu.Lock()
	for t, n := range p.nodes {
		if !which(t) {
			continue
		}
		delete(p.nodes, t)
		if n.flight != nil {
			n.flight.cancel()
		}
		if n.client != nil {
			gone = append(gone, n.client)
		}
	}
	p.mu.Unlock()
	for _, c := range gone {
		c.close()
	}
}
