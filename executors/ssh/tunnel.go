package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"golang.org/x/crypto/ssh"
)

// Dial opens a connection from the node to addr, "tcp" host:port or "unix" path. The context
// counts for opening only. The connection keeps deadlines, as HTTP and database clients want;
// it has no half-close. When the SSH connection dies, so does it, with that reason.
func (c *Client) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	far, err := c.channel(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	near, inner := net.Pipe() // keeps deadlines, which the channel cannot
	t := &tunnel{Conn: near, c: c, addr: addr}
	err = errors.Join(
		c.spawn(func() { carry(inner, far) }),
		c.spawn(func() { carry(far, inner) }),
	)
	if err != nil {
		_, _ = near.Close(), far.Close() // the connection is dead
		return nil, err
	}
	return t, nil
}

// channel opens the bare channel, which has no deadlines.
func (c *Client) channel(ctx context.Context, network, addr string) (net.Conn, error) {
	return await(ctx, c, "open a tunnel to "+addr, func() (net.Conn, error) {
		conn, err := c.conn.Dial(network, addr)
		if err == nil {
			return conn, nil
		}
		var refused *ssh.OpenChannelError
		if !errors.As(err, &refused) {
			if lost := c.lost(); lost != nil {
				return nil, lost
			}
			return nil, fmt.Errorf("%s: open a tunnel to %s: %w", c.host, addr, unexpected(err))
		}
		return nil, c.noTunnel(addr, refused)
	}, func(conn net.Conn) { _ = conn.Close() })
}

func (c *Client) noTunnel(addr string, refused *ssh.OpenChannelError) *Error {
	e := &Error{Host: c.host, Kind: ErrTunnel, Detail: "to " + addr, Err: refused}
	switch {
	case refused.Reason == ssh.Prohibited:
		e.hint = "allow it on the node: AllowTcpForwarding local, in sshd_config"
	case refused.Reason == ssh.ConnectionFailed && refused.Message == nobodyListens:
		e.Err = fmt.Errorf("%w: %w", refused, syscall.ECONNREFUSED)
	}
	return e
}

// nobodyListens is how OpenSSH says ECONNREFUSED. The protocol has one number for every failure to
// connect, so the text is the only word on whether the port was asked at all; any other text
// leaves it open.
const nobodyListens = "Connection refused"

// carry copies until either side ends, then closes both.
func carry(to, from net.Conn) {
	_, _ = io.Copy(to, from) // the reader at either end sees the end; tunnel.Read explains it
	_, _ = to.Close(), from.Close()
}

// tunnel is the near end of a connection behind the node.
type tunnel struct {
	net.Conn
	c    *Client
	addr string
}

// Read tells an end that the peer meant from the loss of the SSH connection.
func (t *tunnel) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	if n == 0 && errors.Is(err, io.EOF) && t.c.wire.over.Load() {
		if lost := t.c.lost(); lost != nil {
			return 0, lost
		}
	}
	return n, err
}

// RemoteAddr names what was dialled.
func (t *tunnel) RemoteAddr() net.Addr { return tunnelAddr(t.addr) }

type tunnelAddr string

func (tunnelAddr) Network() string  { return "ssh" }
func (a tunnelAddr) String() string { return string(a) }
