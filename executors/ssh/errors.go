package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/pigsync/pigsync/executors"
)

// The kinds of failure a caller may branch on with errors.Is.
var (
	ErrHostKey     = errors.New("host key refused")         // unknown, changed or revoked
	ErrAuth        = errors.New("permission denied")        // no key was accepted
	ErrUnreachable = errors.New("unreachable")              // cannot be dialled, or has gone silent
	ErrTunnel      = errors.New("tunnel refused")           // the node is reached, what lies behind it is not
	ErrSudo        = errors.New("sudo refused")             // sudo is missing or wants a password
	ErrNoHelper    = errors.New("no helper")                // no helper binary for the node's architecture
	ErrNoSpace     = errors.New("no space for the helper")  // the node's disk is (nearly) full
	ErrReadOnly    = errors.New("read-only file system")    // the helper cannot be stored
	ErrNoExec      = errors.New("cannot execute")           // the helper's file system is mounted noexec
	ErrDigest      = errors.New("digest does not match")    // the helper was altered on its way
	ErrClosed      = errors.New("closed")                   // the pool was closed, or the target dropped
	ErrOutput      = errors.New("too much output")          // a command said more than MaxOutput
	errNotOurs     = errors.New("helper directory is odd")  // a link, or owned by somebody else
	errNoWords     = errors.New("helper said nothing")      // it started and stayed silent
	errBadTarget   = errors.New("target is malformed")      // no host, or a jump host that is no address
	errKnownHosts  = errors.New("known_hosts is malformed") // refused whole: a bad line may be a revocation
)

// Error is a failure to reach a node or to get the helper running on it.
type Error struct {
	Host   string // as in Target, with the port when it is not 22
	Kind   error  // one of the Err variables above
	Detail string // what exactly, one line; may be empty
	Err    error  // cause; may be nil

	hint string
}

// Error names the host, the kind, the detail and the cause in one line.
func (e *Error) Error() string {
	parts := []string{e.Host, e.Kind.Error()}
	if e.Detail != "" {
		parts = append(parts, executors.OneLine(e.Detail))
	}
	if e.Err != nil {
		parts = append(parts, executors.OneLine(e.Err.Error()))
	}
	return strings.Join(parts, ": ")
}

// Hint says what a person may do about it; empty when there is nothing to advise.
func (e *Error) Hint() string { return e.hint }

// Unwrap gives the kind and the cause.
func (e *Error) Unwrap() []error { return []error{e.Kind, e.Err} }

// ExitError is a remote command that ended with something other than success.
type ExitError struct {
	Host   string
	Status int    // 128 + signal number when a signal ended it
	Signal string // without SIG, "" when none
	Stderr string // the first maxStderr bytes
}

// Error gives the status and the last line of stderr.
func (e *ExitError) Error() string {
	how := fmt.Sprintf("status %d", e.Status)
	if e.Signal != "" {
		how = "signal " + executors.OneLine(e.Signal)
	}
	s := fmt.Sprintf("%s: command ended with %s", e.Host, how)
	if last := lastLine(e.Stderr); last != "" {
		s += ": " + last
	}
	return s
}

// cancelled wraps the end of ctx: a deadline means that the node did not answer in time, a
// cancellation only that nobody waits any more.
func cancelled(ctx context.Context, host, doing string) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, context.DeadlineExceeded) {
		return &Error{Host: host, Kind: ErrUnreachable, Detail: doing + " took too long", Err: cause}
	}
	return fmt.Errorf("%s: %s: %w", host, doing, cause)
}

// unexpected keeps io.EOF, which to a reader means that all went well, out of errors.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return executors.OneLine(s[strings.LastIndexByte(s, '\n')+1:])
}
