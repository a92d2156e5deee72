package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
)

// relay is a SOCKS server (RFC 1928) on the loopback interface for one connection. go-git's ssh
// offers no handle on the connection it makes: without one, a host that accepts and then says
// nothing would hold an attempt for ever. Through the relay, whatever is open ends with ctx.
// It also keeps an ALL_PROXY in the environment from coming between.
type relay struct {
	listener net.Listener
	cancel   context.CancelFunc
	done     chan struct{}
	err      error // why the far side was not reached; read after done
}

func startRelay(ctx context.Context) (*relay, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen on loopback: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	r := &relay{listener: l, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.err = r.serve(ctx)
	}()
	return r, nil
}

func (r *relay) url() string { return "socks5://" + r.listener.Addr().String() }

// close ends the relay and says why the far side could not be reached, if so.
func (r *relay) close() error {
	r.cancel()
	<-r.done
	return r.err
}

func (r *relay) serve(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { r.listener.Close() })
	near, err := r.listener.Accept()
	stop()
	r.listener.Close() // one connection only
	if err != nil {
		return nil // it ended before anyone came: whoever ended it knows why
	}
	defer near.Close()
	defer context.AfterFunc(ctx, func() { near.Close() })()
	target, err := socksRequest(near)
	if err != nil {
		return fmt.Errorf("relay: %w", err)
	}
	far, err := new(net.Dialer).DialContext(ctx, "tcp", target)
	if err != nil {
		return err
	}
	defer far.Close()
	defer context.AfterFunc(ctx, func() { far.Close() })()
	if _, err := near.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0}); err != nil {
		return nil // the near side went away
	}
	both(near, far)
	return nil
}

// both copies both ways until either side ends.
func both(near, far net.Conn) {
	var wg sync.WaitGroup
	for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
		wg.Go(func() {
			_, _ = io.Copy(way[0], way[1]) // an error is an end, which the reader sees as one
			near.Close()
			far.Close()
		})
	}
	wg.Wait()
}

// socksRequest reads the greeting, answers that no authentication is needed, and reads where
// to connect to.
func socksRequest(near net.Conn) (string, error) {
	greeting := make([]byte, 2)
	if _, err := io.ReadFull(near, greeting); err != nil {
		return "", err
	}
	if _, err := io.CopyN(io.Discard, near, int64(greeting[1])); err != nil {
		return "", err
	}
	if _, err := near.Write([]byte{5, 0}); err != nil {
		return "", err
	}
	head := make([]byte, 5) // version, command, reserved, kind of address, its first byte
	if _, err := io.ReadFull(near, head); err != nil {
		return "", err
	}
	size, ok := map[byte]int{1: net.IPv4len, 3: int(head[4]) + 1, 4: net.IPv6len}[head[3]]
	if !ok || head[0] != 5 || head[1] != 1 {
		return "", errors.New("not a SOCKS request")
	}
	rest := make([]byte, size-1+2)
	if _, err := io.ReadFull(near, rest); err != nil {
		return "", err
	}
	host := string(rest[:size-1])
	if head[3] != 3 {
		host = net.IP(append(head[4:5:5], rest[:size-1]...)).String()
	}
	port := int(rest[size-1])<<8 | int(rest[size])
	return net.JoinHostPort(host, strconv.Itoa(port)), nil
}
