package ssh

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/pigsync/pigsync/executors/ssh/sshtest"
)

func TestOneConnectionForMany(t *testing.T) {
	srv := sshtest.Serve(t, sshtest.Options{})
	p := newPool(t, Config{KnownHosts: []string{srv.KnownHosts}})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			c, err := p.Client(soon(t), target(srv))
			if err != nil {
				t.Error(err)
				return
			}
			out, err := c.Run(soon(t), "echo $((6*7))", nil)
			if err != nil || string(out) != "42\n" {
				t.Errorf("%q, %v", out, err)
			}
		})
	}
	wg.Wait()
	if n := srv.Logins(); n != 1 {
		t.Errorf("%d logins, want 1", n)
	}
}

func TestRedialsWhenDead(t *testing.T) {
	srv := sshtest.Serve(t, sshtest.Options{})
	c := connected(t, srv, Config{})
	srv.Drop()
	eventually(t, "the loss is noticed", func() bool { return !c.lives() })
	_, err := c.Run(soon(t), "true", nil)
	mustBe(t, err, ErrUnreachable, "connection lost")
	again, err := c.pool.Client(soon(t), target(srv))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Run(soon(t), "true", nil); err != nil {
		t.Error(err)
	}
}

func TestRetainDropsTheOthersButKeepsJumpHosts(t *testing.T) {
	jump, far, other := sshtest.Serve(t, sshtest.Options{}), sshtest.Serve(t, sshtest.Options{}), sshtest.Serve(t, sshtest.Options{})
	p := newPool(t, Config{KnownHosts: []string{jump.KnownHosts, far.KnownHosts, other.KnownHosts}, KeyFiles: []string{jump.KeyFile, far.KeyFile}})
	through := Target{Host: far.Host, Port: far.Port, User: "admin", Jump: "hop@" + jump.Addr}
	kept, err := p.Client(soon(t), through)
	if err != nil {
		t.Fatal(err)
	}
	gone, err := p.Client(soon(t), target(other))
	if err != nil {
		t.Fatal(err)
	}
	p.Retain([]Target{through, {Host: ""}})
	_, err = gone.Run(soon(t), "true", nil)
	mustBe(t, err, ErrClosed)
	if _, err := kept.Run(soon(t), "true", nil); err != nil {
		t.Error(err)
	}
	if jump.Logins() != 1 || far.Logins() != 1 {
		t.Errorf("logins: %d at the jump host, %d behind it", jump.Logins(), far.Logins())
	}
}

func TestCloseEndsWhatIsPending(t *testing.T) {
	srv := sshtest.Serve(t, sshtest.Options{})
	c := connected(t, srv, Config{})
	s, err := c.Start(soon(t), "cat")
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan error)
	go func() {
		_, err := s.Read(make([]byte, 1))
		read <- err
	}()
	if err := c.pool.Close(); err != nil {
		t.Fatal(err)
	}
	mustBe(t, <-read, ErrClosed)
	_, err = c.pool.Client(soon(t), target(srv))
	mustBe(t, err, ErrClosed)
}

// silentServer accepts connections and says nothing.
func silentServer(t *testing.T) (host string, port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // the kernel accepts up to the backlog
	addr := l.Addr().(*net.TCPAddr)
	return addr.IP.String(), addr.Port
}

func TestDialTimeout(t *testing.T) {
	host, port := silentServer(t)
	p := newPool(t, Config{DialTimeout: 50 * time.Millisecond})
	_, err := p.Client(soon(t), Target{Host: host, Port: port, User: "admin"})
	mustBe(t, err, ErrUnreachable, "took too long")
}

// A node that was silent is dialled in the background: who looks at many is told so soon, and has the connection
// as soon as there is one.
func TestSilentNodeIsNotWaitedForTwice(t *testing.T) {
	host, port := silentServer(t)
	p := newPool(t, Config{DialTimeout: 50 * time.Millisecond})
	at := Target{Host: host, Port: port, User: "admin"}
	_, first := p.Client(soon(t), at)
	mustBe(t, first, ErrUnreachable, "took too long")
	p.cfg.DialTimeout = time.Hour
	for range 2 {
		if _, err := p.Client(soon(t), at); !errors.Is(err, first) {
			t.Errorf("got %v, want %v", err, first)
		}
	}
	p.mu.Lock()
	n := p.nodes[at]
	p.mu.Unlock()
	if n == nil || n.flight == nil {
		t.Error("nobody dials any more")
	}
}

func TestRefusedConnection(t *testing.T) {
	srv := sshtest.Serve(t, sshtest.Options{})
	srv.Close()
	p := newPool(t, Config{})
	_, err := p.Client(soon(t), target(srv))
	mustHint(t, mustBe(t, err, ErrUnreachable, "refused"), "port")
}

func TestWaiterLeavesAndCloseEndsTheDial(t *testing.T) {
	host, port := silentServer(t)
	p := newPool(t, Config{DialTimeout: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := p.Client(ctx, Target{Host: host, Port: port, User: "admin"})
	if !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnreachable) {
		t.Errorf("got %v", err)
	}
	if err := p.Close(); err != nil { // hangs for an hour if the dial does not end
		t.Error(err)
	}
}

func TestJump(t *testing.T) {
	jump, far := sshtest.Serve(t, sshtest.Options{}), sshtest.Serve(t, sshtest.Options{})
	known := []string{jump.KnownHosts, far.KnownHosts}
	keys := []string{jump.KeyFile, far.KeyFile}
	through := Target{Host: far.Host, Port: far.Port, User: "admin", Jump: jump.Addr}
	tests := []struct {
		name  string
		cfg   Config
		to    Target
		kind  error
		words string
	}{
		{"right keys", Config{KnownHosts: known, KeyFiles: keys}, through, nil, ""},
		{"jump host unknown", Config{KnownHosts: known[1:], KeyFiles: keys}, through, ErrHostKey, jump.Addr},
		{"node unknown", Config{KnownHosts: known[:1], KeyFiles: keys}, through, ErrHostKey, far.Addr},
		{"no key for the node", Config{KnownHosts: known, KeyFiles: keys[:1]}, through, ErrAuth, far.Addr},
		{"nothing behind it", Config{KnownHosts: known, KeyFiles: keys}, Target{Host: "127.0.0.1", Port: 1, User: "a", Jump: jump.Addr}, ErrTunnel, "127.0.0.1:1"},
		{"malformed", Config{KnownHosts: known, KeyFiles: keys}, Target{Host: "127.0.0.1", User: "a", Jump: "a:b"}, errBadTarget, "a:b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := newPool(t, tt.cfg).Client(soon(t), tt.to)
			if tt.kind != nil {
				mustBe(t, err, tt.kind, tt.words)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			out, err := c.Run(soon(t), "echo far", nil)
			if err != nil || string(out) != "far\n" {
				t.Errorf("%q, %v", out, err)
			}
		})
	}
}

func TestJumpDiesWithItsNodes(t *testing.T) {
	jump, far := sshtest.Serve(t, sshtest.Options{}), sshtest.Serve(t, sshtest.Options{})
	p := newPool(t, Config{KnownHosts: []string{jump.KnownHosts, far.KnownHosts}, KeyFiles: []string{jump.KeyFile, far.KeyFile}})
	through := Target{Host: far.Host, Port: far.Port, User: "admin", Jump: jump.Addr}
	c, err := p.Client(soon(t), through)
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Start(soon(t), "cat")
	if err != nil {
		t.Fatal(err)
	}
	jump.Drop()
	_, err = s.Read(make([]byte, 1))
	mustBe(t, err, ErrUnreachable)
	again, err := p.Client(soon(t), through)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Run(soon(t), "true", nil); err != nil {
		t.Error(err)
	}
}

func TestTargetNormal(t *testing.T) {
	tests := []struct {
		in   Target
		addr string
		ok   bool
	}{
		{Target{Host: "Node-1", User: "u"}, "node-1:22", true},
		{Target{Host: "::1", Port: 2222, User: "u"}, "[::1]:2222", true},
		{Target{Host: "10.0.0.1"}, "10.0.0.1:22", true},
		{Target{}, "", false},
		{Target{Host: "a b"}, "", false},
		{Target{Host: "a", Port: 65536}, "", false},
		{Target{Host: "a", Port: -1}, "", false},
	}
	for _, tt := range tests {
		got, err := tt.in.normal()
		if (err == nil) != tt.ok {
			t.Errorf("%+v: %v", tt.in, err)
			continue
		}
		if tt.ok && (got.addr() != tt.addr || got.User == "") {
			t.Errorf("%+v: %+v", tt.in, got)
		}
	}
}

func TestTargetJump(t *testing.T) {
	for in, want := range map[string]Target{
		"u@h:2200":   {Host: "h", Port: 2200, User: "u", KeyFile: "k"},
		"u@h":        {Host: "h", Port: 22, User: "u", KeyFile: "k"},
		"u@[::1]":    {Host: "::1", Port: 22, User: "u", KeyFile: "k"},
		"u@[::1]:23": {Host: "::1", Port: 23, User: "u", KeyFile: "k"},
		"u@::1":      {Host: "::1", Port: 22, User: "u", KeyFile: "k"},
	} {
		got, ok, err := Target{Host: "n", KeyFile: "k", Jump: in}.jump()
		if !ok || err != nil || got != want {
			t.Errorf("%s: %+v, %v", in, got, err)
		}
	}
	for _, in := range []string{"u@", "h:x", "a,b", "h:0x"} {
		if got, ok, err := (Target{Host: "n", Jump: in}).jump(); ok || err == nil {
			t.Errorf("%s: %+v", in, got)
		}
	}
}
