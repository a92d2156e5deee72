package ssh

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/executors/ssh/sshtest"
)

func TestRun(t *testing.T) {
	c := connected(t, sshtest.Serve(t, sshtest.Options{}), Config{})
	tests := []struct {
		cmd, stdin, out string
		status          int
	}{
		{"echo a; echo b >&2", "", "a\n", 0},
		{"tr a-z A-Z", "loud", "LOUD", 0},
		{"echo part; echo why not >&2; exit 3", "", "part\n", 3},
		{"exit 4", strings.Repeat("unread", 1<<20), "", 4},
		{"no-such-command", "", "", 127},
	}
	for _, tt := range tests {
		out, err := c.Run(soon(t), tt.cmd, strings.NewReader(tt.stdin))
		if string(out) != tt.out {
			t.Errorf("%s: %q", tt.cmd, out)
		}
		var exit *ExitError
		if got := errors.As(err, &exit); got != (tt.status != 0) || got && exit.Status != tt.status {
			t.Errorf("%s: %v", tt.cmd, err)
		}
		if tt.status == 0 && err != nil {
			t.Errorf("%s: %v", tt.cmd, err)
		}
	}
	_, err := c.Run(soon(t), tests[2].cmd, nil)
	if want := c.host + ": command ended with status 3: why not"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestOutputIsBounded(t *testing.T) {
	c := connected(t, sshtest.Serve(t, sshtest.Options{}), Config{})
	out, err := c.Run(soon(t), "yes", nil) // for ever
	mustBe(t, err, ErrOutput)
	if out != nil {
		t.Errorf("%d bytes that are not all", len(out))
	}
	out, err = c.Run(soon(t), "head -c 1048576 /dev/zero", nil)
	if len(out) != MaxOutput || err != nil {
		t.Errorf("%d bytes, %v; exactly the limit is allowed", len(out), err)
	}
	_, err = c.Run(soon(t), "head -c 100000 /dev/zero >&2; exit 1", nil)
	var exit *ExitError
	if !errors.As(err, &exit) || len(exit.Stderr) != maxStderr {
		t.Errorf("stderr of %v", err)
	}
	if len(err.Error()) > 2*executors.MaxText {
		t.Errorf("%d bytes of text", len(err.Error()))
	}
}

func TestRunIsCancelled(t *testing.T) {
	ended := make(chan struct{})
	started := make(chan struct{})
	c := connected(t, sshtest.Serve(t, sshtest.Options{Exec: func(ctx context.Context, _ *sshtest.Exec) int {
		close(started)
		<-ctx.Done()
		close(ended)
		return 0
	}}), Config{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-started
		cancel()
	}()
	_, err := c.Run(ctx, "wait", nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	<-ended // the command was told
	if !c.lives() {
		t.Error("a cancelled command took the connection with it")
	}
}

func TestDeadlineIsUnreachable(t *testing.T) {
	c := connected(t, sshtest.Serve(t, sshtest.Options{}), Config{})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := c.Run(ctx, "sleep 60", nil)
	mustBe(t, err, ErrUnreachable, "took too long")
}

func TestStream(t *testing.T) {
	c := connected(t, sshtest.Serve(t, sshtest.Options{}), Config{})
	ctx, cancel := context.WithCancel(t.Context())
	s, err := c.Start(ctx, "echo hello >&2; cat; exit 5")
	if err != nil {
		t.Fatal(err)
	}
	cancel() // counts for starting only
	if _, err := io.WriteString(s, "ping"); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4)
	if _, err := io.ReadFull(s, buf); err != nil || string(buf) != "ping" {
		t.Fatalf("%q, %v", buf, err)
	}
	eventually(t, "stderr arrives", func() bool { return s.Stderr() == "hello\n" })
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := s.Read(buf); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("read after close: %v", err)
	}
	if _, err := s.Write(buf); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("write after close: %v", err)
	}
}

func TestStreamTellsHowItEnded(t *testing.T) {
	exec := func(ctx context.Context, e *sshtest.Exec) int {
		if e.Command == "vanish" {
			return sshtest.Exited
		}
		return sshtest.Shell()(ctx, e)
	}
	c := connected(t, sshtest.Serve(t, sshtest.Options{Exec: exec}), Config{})
	for cmd, want := range map[string]error{"true": io.EOF, "vanish": io.ErrUnexpectedEOF} {
		s, err := c.Start(soon(t), cmd)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Read(make([]byte, 1)); !errors.Is(err, want) {
			t.Errorf("%s: %v", cmd, err)
		}
	}
	s, err := c.Start(soon(t), "echo broken >&2; exit 9")
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Read(make([]byte, 1))
	var exit *ExitError
	if !errors.As(err, &exit) || exit.Status != 9 || exit.Stderr != "broken\n" {
		t.Errorf("got %v", err)
	}
	eventually(t, "writing fails with the same", func() bool {
		_, err := s.Write([]byte("x"))
		return errors.As(err, &exit)
	})
}

// A command that does not heed the end of its stdin is ended by the signal.
func TestCloseEndsACommandThatGoesOn(t *testing.T) {
	ended := make(chan error, 1)
	c := connected(t, sshtest.Serve(t, sshtest.Options{Exec: func(ctx context.Context, e *sshtest.Exec) int {
		defer func() { ended <- context.Cause(ctx) }()
		for ctx.Err() == nil {
			if _, err := e.Stdout.Write(make([]byte, 32<<10)); err != nil {
				break
			}
		}
		<-ctx.Done() // the session may close before the signal is seen
		return 0
	}}), Config{})
	s, err := c.Start(soon(t), "talk")
	if err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	if cause := <-ended; !errors.Is(cause, sshtest.ErrSignal) {
		t.Errorf("ended by %v", cause)
	}
}

func TestServerThatFallsSilent(t *testing.T) {
	srv := sshtest.Serve(t, sshtest.Options{})
	c := connected(t, srv, Config{KeepAlive: 300 * time.Millisecond})
	s, err := c.Start(soon(t), "cat")
	if err != nil {
		t.Fatal(err)
	}
	tunnel, err := c.Dial(soon(t), "tcp", srv.Addr)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(tunnel, make([]byte, 4)); err != nil { // a banner: it is open
		t.Fatal(err)
	}
	// Several times the interval pass while the peer answers: it is not given up.
	for range 3 {
		if _, err := c.Run(soon(t), "sleep 0.5", nil); err != nil {
			t.Fatal(err)
		}
	}
	srv.Stall()
	_, err = s.Read(make([]byte, 1))
	mustBe(t, err, ErrUnreachable, "no sign of life")
	_, err = io.Copy(io.Discard, tunnel)
	mustBe(t, err, ErrUnreachable, "no sign of life")
	_, err = c.Run(soon(t), "true", nil)
	mustBe(t, err, ErrUnreachable)
}

func TestServerThatClosesMidStream(t *testing.T) {
	srv := sshtest.Serve(t, sshtest.Options{})
	c := connected(t, srv, Config{})
	s, err := c.Start(soon(t), "echo begun; cat")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(s, make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	srv.Drop()
	_, err = s.Read(make([]byte, 1))
	mustBe(t, err, ErrUnreachable, "connection lost")
	if errors.Is(err, io.EOF) {
		t.Error("a lost connection looks like a good end")
	}
	if _, err := s.Write([]byte("x")); !errors.Is(err, ErrUnreachable) {
		t.Errorf("write: %v", err)
	}
	_ = s.Close() // does not hang
}

func TestDial(t *testing.T) {
	srv := sshtest.Serve(t, sshtest.Options{})
	c := connected(t, srv, Config{})
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { _ = echo.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			conn, err := echo.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { _, _ = io.Copy(conn, conn); _ = conn.Close() })
		}
	})
	conn, err := c.Dial(soon(t), "tcp", echo.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// A deadline passes, and the connection is still good.
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	_ = conn.SetReadDeadline(time.Time{})
	big := strings.Repeat("0123456789", 1<<16)
	go func() { _, _ = io.WriteString(conn, big) }()
	got := make([]byte, len(big))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != big {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	if a := conn.RemoteAddr().String(); a != echo.Addr().String() {
		t.Errorf("remote address %s", a)
	}
}

func TestDialRefused(t *testing.T) {
	c := connected(t, sshtest.Serve(t, sshtest.Options{}), Config{})
	_, err := c.Dial(soon(t), "tcp", "127.0.0.1:1")
	mustBe(t, err, ErrTunnel, "127.0.0.1:1", "refused")
	closed := connected(t, sshtest.Serve(t, sshtest.Options{NoForward: true}), Config{})
	_, err = closed.Dial(soon(t), "tcp", "127.0.0.1:1")
	mustHint(t, mustBe(t, err, ErrTunnel), "AllowTcpForwarding")
}

// What was made one line stays as it is.
func FuzzLastLine(f *testing.F) {
	f.Add("a\nb")
	f.Fuzz(func(t *testing.T, s string) {
		if last := lastLine(s); executors.OneLine(last) != last && len(s) < executors.MaxText {
			t.Errorf("%q is not stable", last)
		}
	})
}
