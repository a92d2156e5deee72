package ssh

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

// Stream is the stdin and stdout of a remote command. One goroutine may read while another
// writes.
//
// Read ends with io.EOF only when the command succeeded; otherwise with *ExitError, or with
// the reason why the connection was lost. Close closes the command's stdin, gives it
// closeGrace to finish what it is doing, then sends SIGTERM and closes the session. OpenSSH
// does not pass the signal on to a command of root's, nor to one under sudo: those end only if
// they heed the end of stdin, as the helper does.
type Stream interface {
	io.ReadWriteCloser
	// Stderr gives what the command has said there so far, at most 8 KiB, to explain a failed
	// handshake.
	Stderr() string
}

const (
	// closeGrace is how long a command may go on after its stdin has ended, as the helper does
	// to finish the step under way.
	closeGrace = 2 * time.Second
	// exitGrace is how long an exit status may come after the end of stdout.
	exitGrace = 5 * time.Second
)

var _ Stream = (*stream)(nil)

type stream struct {
	c       *Client
	session *ssh.Session
	stdin   io.WriteCloser
	stdout  io.Reader // what Read reads
	raw     io.Reader // below stdout; may be read while stdout is
	stderr  bounded
	exited  chan struct{} // closed when exit is set
	exit    error
	closed  atomic.Bool
	once    sync.Once
}

// open starts cmd. It blocks until the peer answers.
func (c *Client) open(cmd string) (*stream, error) {
	session, err := c.conn.NewSession()
	if err != nil {
		return nil, err
	}
	s := &stream{c: c, session: session, stderr: bounded{max: maxStderr}, exited: make(chan struct{})}
	session.Stderr = &s.stderr
	s.stdin, err = session.StdinPipe()
	if err == nil {
		var out io.Reader
		out, err = session.StdoutPipe()
		s.raw = &inTurn{r: out}
		s.stdout = s.raw
	}
	if err == nil {
		err = session.Start(cmd)
	}
	if err == nil {
		err = c.spawn(s.wait)
	}
	if err != nil {
		_ = session.Close() // nothing runs in it
		return nil, err
	}
	return s, nil
}

func (s *stream) wait() {
	s.exit = s.session.Wait()
	close(s.exited)
}

func (s *stream) running() bool {
	select {
	case <-s.exited:
		return false
	default:
		return true
	}
}

// Read reads from the command's stdout.
func (s *stream) Read(p []byte) (int, error) {
	n, err := s.stdout.Read(p)
	if n > 0 || err == nil {
		return n, nil
	}
	return 0, s.verdict()
}

// Write writes to the command's stdin.
func (s *stream) Write(p []byte) (int, error) {
	n, err := s.stdin.Write(p)
	if err == nil {
		return n, nil
	}
	if err = s.verdict(); errors.Is(err, io.EOF) {
		err = io.ErrClosedPipe
	}
	return n, err
}

// Stderr gives the head of what the command has said there.
func (s *stream) Stderr() string { return s.stderr.String() }

// verdict says how the command ended, io.EOF for well.
func (s *stream) verdict() error {
	if s.closed.Load() {
		return io.ErrClosedPipe
	}
	select {
	case <-s.exited:
	case <-s.c.dead:
		return s.c.cause
	case <-time.After(exitGrace):
		return fmt.Errorf("%s: the command closed its stdout and goes on: %w", s.c.host, io.ErrUnexpectedEOF)
	}
	var exit *ssh.ExitError
	switch {
	case s.exit == nil:
		return io.EOF
	case errors.As(s.exit, &exit):
		return &ExitError{Host: s.c.host, Status: exit.ExitStatus(), Signal: exit.Signal(), Stderr: s.Stderr()}
	}
	if lost := s.c.lost(); lost != nil {
		return lost
	}
	return fmt.Errorf("%s: the command ended without an exit status: %w", s.c.host, io.ErrUnexpectedEOF)
}

// Close ends the command. It always returns nil.
func (s *stream) Close() error {
	s.once.Do(func() {
		s.closed.Store(true)
		_ = s.stdin.Close()      // fails only when the command is gone
		_ = s.c.spawn(s.discard) // so that a last word does not block it
		select {
		case <-s.exited:
		case <-s.c.dead:
		case <-time.After(closeGrace):
		}
		s.end()
	})
	return nil
}

// abort ends the command without a grace.
func (s *stream) abort() {
	s.once.Do(func() {
		s.closed.Store(true)
		s.end()
	})
}

// end may block on a connection that is stuck, until the keepalive closes it. Errors mean that
// the command or the connection is gone, which is what is wanted.
func (s *stream) end() {
	if s.running() {
		_ = s.session.Signal(ssh.SIGTERM)
	}
	_ = s.session.Close()
}

func (s *stream) discard() { _, _ = io.Copy(io.Discard, s.raw) }

// inTurn lets one read at a time. Two that wait for the same channel would be a trap: the end of the
// channel wakes only one of them.
type inTurn struct {
	mu sync.Mutex
	r  io.Reader
}

func (t *inTurn) Read(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.r.Read(p)
}

// feed sends r and then the end. A command that ends before it has read all is judged by its
// exit status, not by that.
func (s *stream) feed(r io.Reader) {
	if r != nil {
		_, _ = io.Copy(s.stdin, r)
	}
	_ = s.stdin.Close()
}

// drain reads all of stdout and gives how the command ended.
func (s *stream) drain() ([]byte, error) {
	out, err := io.ReadAll(io.LimitReader(s, MaxOutput+1))
	if len(out) > MaxOutput {
		return nil, &Error{Host: s.c.host, Kind: ErrOutput, Detail: fmt.Sprintf("more than %d bytes", MaxOutput)}
	}
	return out, err
}

// bounded keeps the first max bytes and swallows the rest.
type bounded struct {
	max int
	mu  sync.Mutex // guards buf: read while the command still writes
	buf bytes.Buffer
}

func (b *bounded) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.buf.Write(p[:min(len(p), b.max-b.buf.Len())])
	return len(p), nil
}

func (b *bounded) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
