package ssh

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

// dial connects to n's target and logs in, through the jump host if there is one, whose own
// connection is pooled like any other.
func (p *Pool) dial(ctx context.Context, n *node) (*Client, error) {
	keys, err := readHostKeys(p.cfg.KnownHosts)
	if err != nil {
		return nil, &Error{Host: n.target.name(), Kind: ErrHostKey, Err: err, hint: "mend or remove the named line"}
	}
	via, err := p.jump(ctx, n.target)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, p.cfg.DialTimeout)
	defer cancel()
	start := time.Now()
	raw, err := connect(ctx, n.target, via)
	if err != nil {
		return nil, err
	}
	wire := &wire{Conn: raw, born: start}
	conn, err := p.login(ctx, wire, n.target, keys)
	if err != nil {
		_ = raw.Close() // already failed
		return nil, err
	}
	p.cfg.Log.LogAttrs(ctx, slog.LevelDebug, "connected", slog.String("node", n.target.name()), slog.Duration("took", time.Since(start)))
	return newClient(p, n, conn, wire), nil
}

// jump gives the connection to t's jump host, nil without one.
func (p *Pool) jump(ctx context.Context, t Target) (*Client, error) {
	via, ok, err := t.jump()
	if err != nil || !ok {
		return nil, err
	}
	return p.Client(ctx, via)
}

// connect opens the transport: TCP, or a channel through the jump host.
func connect(ctx context.Context, t Target, via *Client) (net.Conn, error) {
	if via != nil {
		return via.channel(ctx, "tcp", t.addr())
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", t.addr())
	if err == nil {
		return conn, nil
	}
	if errors.Is(context.Cause(ctx), context.Canceled) {
		return nil, cancelled(ctx, t.name(), "dial")
	}
	return nil, &Error{Host: t.name(), Kind: ErrUnreachable, Err: err, hint: "is the node up, and is its SSH port open to this machine?"}
}

// login checks the host key and authenticates.
func (p *Pool) login(ctx context.Context, conn net.Conn, t Target, keys *hostKeys) (*ssh.Client, error) {
	ids, err := p.identify(ctx, t)
	if err != nil {
		return nil, err
	}
	defer ids.close()
	var refused *Error // why the host key was not accepted
	trusted := false   // the host key was accepted
	config := &ssh.ClientConfig{
		User:              t.User,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(ids.signers...)},
		HostKeyAlgorithms: keys.algorithms(t.addr()),
		HostKeyCallback: func(addr string, remote net.Addr, key ssh.PublicKey) error {
			if err := keys.check(addr, remote, key); err != nil {
				refused = keys.refusal(t, key, err)
				return refused
			}
			trusted = true
			return nil
		},
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // the only way to interrupt a handshake
	c, chans, reqs, err := ssh.NewClientConn(conn, t.addr(), config)
	if !stop() {
		return nil, cancelled(ctx, t.name(), "login")
	}
	if err == nil {
		return ssh.NewClient(c, chans, reqs), nil
	}
	var none *ssh.AlgorithmNegotiationError
	switch {
	case refused != nil:
		return nil, refused
	case errors.As(err, &none) && none.What == "host key":
		return nil, keys.noCommonType(t, err)
	case trusted && !torn(err):
		return nil, ids.refused(t, err)
	}
	return nil, &Error{Host: t.name(), Kind: ErrUnreachable, Detail: "login", Err: unexpected(err), hint: "does an SSH server listen there, and does it let this machine in?"}
}

// torn tells a connection that was lost from one on which the server said no.
func torn(err error) bool {
	var network net.Error
	return errors.Is(err, io.EOF) || errors.As(err, &network)
}

// wire is a transport that remembers when the peer was last heard, and whether it still is.
type wire struct {
	net.Conn
	born time.Time
	last atomic.Int64 // nanoseconds after born
	over atomic.Bool  // reading has ended, so the connection is lost
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if n > 0 {
		w.last.Store(int64(time.Since(w.born)))
	}
	if err != nil {
		w.over.Store(true)
	}
	return n, err
}

func (w *wire) heard() time.Time { return w.born.Add(time.Duration(w.last.Load())) }
