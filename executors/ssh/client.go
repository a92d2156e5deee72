package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

const (
	// MaxOutput is how many bytes a command given to Run may say.
	MaxOutput = 1 << 20
	// maxStderr is how much of stderr is kept: the head, where a panic names its reason.
	maxStderr = 8 << 10
	// runTimeout bounds a command whose context has no deadline.
	runTimeout = 5 * time.Minute
	// openTimeout bounds the opening of a session or tunnel on a connection that lives.
	openTimeout = 15 * time.Second
)

// Client is one connection to one node. It does not come back: when it is dead, the pool has
// another.
type Client struct {
	pool *Pool
	node *node
	host string
	conn *ssh.Client
	wire *wire
	dead chan struct{} // closed when cause is set

	mu    sync.Mutex // guards cause and the start of goroutines
	cause error
	wg    sync.WaitGroup
}

func newClient(p *Pool, n *node, conn *ssh.Client, w *wire) *Client {
	c := &Client{pool: p, node: n, host: n.target.name(), conn: conn, wire: w, dead: make(chan struct{})}
	c.wg.Go(func() {
		c.fail(c.broken(conn.Wait()))
	})
	c.wg.Go(func() { c.keepAlive(p.cfg.KeepAlive) })
	return c
}

// lives tells whether the connection can still be used. That reading has ended is known before the
// goroutine that waits for it gets its turn.
func (c *Client) lives() bool {
	select {
	case <-c.dead:
		return false
	default:
		return !c.wire.over.Load()
	}
}

func (c *Client) broken(err error) error {
	return &Error{Host: c.host, Kind: ErrUnreachable, Detail: "connection lost", Err: unexpected(err)}
}

// fail ends the connection; the first cause is the one that all operations report.
func (c *Client) fail(cause error) {
	c.mu.Lock()
	first := c.cause == nil
	if first {
		c.cause = cause
		close(c.dead)
	}
	c.mu.Unlock()
	_ = c.wire.Close() // the transport, at once and without a farewell that could block
	if first && !errors.Is(cause, ErrClosed) {
		c.pool.cfg.Log.LogAttrs(context.Background(), slog.LevelDebug, "connection ended", slog.String("node", c.host), slog.Any("err", cause))
	}
}

func (c *Client) close() {
	c.fail(&Error{Host: c.host, Kind: ErrClosed})
	c.wg.Wait()
}

// Close ends a connection that Fresh gave; those of the pool end with the pool.
func (c *Client) Close() { c.close() }

// spawn runs f in a goroutine that close waits for; not at all when the connection is dead.
func (c *Client) spawn(f func()) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause != nil {
		return c.cause
	}
	c.wg.Go(f)
	return nil
}

// await runs f, which waits for the peer, and gives its result. When ctx ends or the
// connection dies first, f is left behind: it ends with the connection at the latest, and
// undo, if not nil, gets what it made too late.
func await[T any](ctx context.Context, c *Client, doing string, f func() (T, error), undo func(T)) (T, error) {
	type outcome struct {
		val T
		err error
	}
	var none T
	done := make(chan outcome)
	abandoned := make(chan struct{})
	err := c.spawn(func() {
		val, err := f()
		select {
		case done <- outcome{val, err}:
		case <-abandoned:
			if err == nil && undo != nil {
				undo(val)
			}
		}
	})
	if err != nil {
		return none, err
	}
	select {
	case o := <-done:
		return o.val, o.err
	case <-ctx.Done():
		close(abandoned)
		return none, cancelled(ctx, c.host, doing)
	}
}

// lost gives why the connection died, if it did or does within a moment: an end of file is
// seen on a channel just before the whole connection is known to be gone.
func (c *Client) lost() error {
	grace := lostGrace
	if c.wire.over.Load() {
		grace = overGrace
	}
	select {
	case <-c.dead:
		return c.cause
	case <-time.After(grace):
		return nil
	}
}

const (
	// lostGrace is for a peer that says goodbye, which ends the connection without ending
	// the transport.
	lostGrace = 200 * time.Millisecond
	// overGrace is for a transport that has ended: the connection is sure to follow.
	overGrace = 5 * time.Second
)

// Run runs a command with the remote user's shell and gives what it says on stdout, at most
// MaxOutput bytes, together with an *ExitError when it does not succeed. A nil stdin is empty.
// When ctx ends, the command is told to end, and nobody waits for it.
func (c *Client) Run(ctx context.Context, cmd string, stdin io.Reader) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, runTimeout)
	defer cancel()
	s, err := c.start(ctx, cmd)
	if err != nil {
		return nil, err
	}
	go s.feed(stdin) // not ours to wait for: stdin may be a reader that blocks
	out, err := await(ctx, c, "run", s.drain, nil)
	if err != nil && s.running() {
		_ = c.spawn(s.abort) // on a dead connection there is nothing to end
	}
	return out, err
}

// Start starts a command and gives its stdin and stdout. The context counts for starting only,
// as with net.Dialer; Close ends the command.
func (c *Client) Start(ctx context.Context, cmd string) (Stream, error) {
	s, err := c.start(ctx, cmd)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (c *Client) start(ctx context.Context, cmd string) (*stream, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	return await(ctx, c, "start a command", func() (*stream, error) {
		s, err := c.open(cmd)
		if err == nil {
			return s, nil
		}
		if lost := c.lost(); lost != nil {
			return nil, lost
		}
		return nil, fmt.Errorf("%s: start a command: %w", c.host, unexpected(err))
	}, (*stream).abort)
}

// keepAlive asks a silent peer for a sign of life, and ends the connection when none comes.
// Anything heard counts, so that a slow line full of our data is not taken for a dead one. A
// peer is only given up after it was asked, so that a pause of this machine is not held
// against it.
func (c *Client) keepAlive(every time.Duration) {
	questions := make(chan struct{})
	defer close(questions)
	if c.spawn(func() { c.askAll(questions) }) != nil {
		return
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	var asked time.Time
	for {
		select {
		case <-c.dead:
			return
		case <-tick.C:
		}
		heard := c.wire.heard()
		switch {
		case asked.IsZero() || heard.After(asked):
			asked = time.Now()
		case time.Since(asked) >= (silentFor-1)*every-every/2:
			c.fail(&Error{Host: c.host, Kind: ErrUnreachable, Detail: fmt.Sprintf("no sign of life for %s", time.Since(heard).Round(time.Millisecond))})
			return
		}
		select {
		case questions <- struct{}{}:
		default: // still waiting for the last answer
		}
	}
}

// askAll sends a question for each receipt; answers are seen by the wire.
func (c *Client) askAll(questions <-chan struct{}) {
	for range questions {
		if _, _, err := c.conn.SendRequest("keepalive@openssh.com", true, nil); err != nil {
			c.fail(c.broken(err))
		}
	}
}
