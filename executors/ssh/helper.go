package ssh

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"strings"
	"time"

	"github.com/pigsync/pigsync/executors"
)

const (
	// helperTimeout bounds all of Helper: two starts, two questions and the bringing.
	helperTimeout = 7 * time.Minute
	// firstWord is how long the helper may take to say its first byte. sudo asks a resolver
	// for the node's own name; one that is down costs ten seconds.
	firstWord = 30 * time.Second
	// askTimeout bounds the two questions asked before bringing.
	askTimeout = 30 * time.Second
)

// platform is what a node runs, in the words of the Go tools.
type platform struct{ os, arch string }

func (p platform) String() string { return p.os + "/" + p.arch }

// Helper starts the helper as root, bringing the binary first when the node lacks it. It
// returns once the helper has said its first byte. The context counts for starting only; Close
// ends the helper.
//
// It first starts what should be there. Only when that ends without a word is the node asked
// what is the matter: ErrSudo, ErrNoHelper, ErrNoSpace, ErrReadOnly, ErrNoExec and ErrDigest
// say what stood in the way, an *ExitError that the helper is there and does not start.
func (c *Client) Helper(ctx context.Context) (Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, helperTimeout)
	defer cancel()
	if b, err := c.supposed(); err == nil {
		s, err := c.startHelper(ctx, b)
		var exit *ExitError
		if err == nil || !errors.As(err, &exit) {
			return s, err
		}
	}
	b, err := c.provide(ctx)
	if err != nil {
		return nil, err
	}
	return c.startHelper(ctx, b)
}

// supposed gives the helper for the platform that the node had when last asked, or else for
// this machine's, which most fleets share.
func (c *Client) supposed() (binary, error) {
	if p := c.node.platform.Load(); p != nil {
		return c.helperFor(*p)
	}
	return c.helperFor(platform{"linux", runtime.GOARCH})
}

func (c *Client) helperFor(p platform) (binary, error) {
	e := &Error{Host: c.host, Kind: ErrNoHelper, Detail: p.String(), hint: "install the helper for " + p.String() + " on this machine"}
	if c.pool.cfg.HelperPath == nil {
		return binary{}, e
	}
	path, err := c.pool.cfg.HelperPath(p.os, p.arch)
	if err == nil {
		var b binary
		if b, err = c.pool.binaries.get(path); err == nil {
			return b, nil
		}
	}
	e.Err = err
	if errors.Is(err, fs.ErrNotExist) {
		e.Err = nil // says no more than the kind
	}
	return binary{}, e
}

// startHelper starts b and waits for its first byte.
func (c *Client) startHelper(ctx context.Context, b binary) (Stream, error) {
	s, err := c.start(ctx, c.sudo()+c.pool.home+"/bin/"+b.sum+" node")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, firstWord, errNoWords)
	defer cancel()
	_, err = await(ctx, c, "start the helper", func() (struct{}, error) {
		buffered := bufio.NewReader(s.raw)
		if _, err := buffered.Peek(1); err != nil {
			return struct{}{}, s.silence()
		}
		s.stdout = buffered
		return struct{}{}, nil
	}, nil)
	if err != nil {
		_ = c.spawn(s.abort) // on a dead connection there is nothing to end
		return nil, fmt.Errorf("start the helper: %w", err)
	}
	return s, nil
}

// silence says why a command ended without a word; to end well is no excuse.
func (s *stream) silence() error {
	err := s.verdict()
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", s.c.host, errNoWords)
	}
	return err
}

// sudo is what commands that need root begin with. -n: it must never ask.
func (c *Client) sudo() string {
	if c.node.target.User == "root" {
		return ""
	}
	return "sudo -n "
}

// provide sees to it that the right helper is on the node. One at a time for each node: whoever
// waited finds the helper there.
func (c *Client) provide(ctx context.Context) (binary, error) {
	select {
	case c.node.bringing <- struct{}{}:
		defer func() { <-c.node.bringing }()
	case <-ctx.Done():
		return binary{}, cancelled(ctx, c.host, "wait for the helper")
	}
	p, err := c.probe(ctx)
	if err != nil {
		return binary{}, err
	}
	c.node.platform.Store(&p)
	b, err := c.helperFor(p)
	if err != nil {
		return b, err
	}
	coding, err := c.lacks(ctx, b)
	if err != nil || coding == "" {
		return b, err
	}
	return b, c.bring(ctx, b, coding)
}

// probe asks what the node runs and whether sudo works. Only the first answer without the
// second means that sudo is the trouble, whatever it says, in whatever language.
func (c *Client) probe(ctx context.Context) (platform, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	cmd := "uname -sm"
	if c.sudo() != "" {
		cmd += " && sudo -n true"
	}
	out, err := c.Run(ctx, cmd, nil)
	p, ok := parseUname(string(out))
	var exit *ExitError
	switch {
	case errors.As(err, &exit) && ok:
		return p, c.noSudo(exit)
	case err != nil:
		return p, fmt.Errorf("ask for the platform: %w", err)
	case !ok:
		return p, &Error{Host: c.host, Kind: ErrNoHelper, Detail: "uname says " + executors.OneLine(string(out))}
	}
	return p, nil
}

func (c *Client) noSudo(exit *ExitError) *Error {
	name := c.node.target.User
	e := &Error{Host: c.host, Kind: ErrSudo, Detail: lastLine(exit.Stderr)}
	e.hint = fmt.Sprintf("allow passwordless sudo for %s on %s: `%s ALL=(ALL) NOPASSWD:ALL` in /etc/sudoers.d/%s", name, c.host, name, name)
	if exit.Status == statusNotFound {
		e.hint = "install sudo on " + c.host + ", or log in as root"
	}
	return e
}

// statusNotFound is the shell's for a command that does not exist.
const statusNotFound = 127

// parseUname reads the last line of `uname -sm`, for a shell's start files may have spoken before.
func parseUname(out string) (platform, bool) {
	out = strings.TrimSpace(out)
	fields := strings.Fields(out[strings.LastIndexByte(out, '\n')+1:])
	if len(fields) != 2 || !isWord(fields[0]) || !isWord(fields[1]) {
		return platform{}, false
	}
	return platform{strings.ToLower(fields[0]), goarch(fields[1])}, true
}

// isWord keeps a node from naming, as its architecture, a file of this machine that it would
// like to be sent.
func isWord(s string) bool {
	for _, r := range s {
		if r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') {
			return false
		}
	}
	return len(s) <= 32
}

// goarch translates the kernel's name of an architecture; those not listed are the same in Go
// (riscv64, ppc64le, s390x, mips64) or have no port.
func goarch(machine string) string {
	switch machine {
	case "x86_64", "amd64":
		return "amd64"
	case "aarch64", "arm64":
		return "arm64"
	case "i386", "i586", "i686":
		return "386"
	case "loongarch64":
		return "loong64"
	}
	if strings.HasPrefix(machine, "armv") {
		return "arm"
	}
	return machine
}
