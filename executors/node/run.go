package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

const (
	// commandTimeout bounds a command that has no bound of its own.
	commandTimeout = 60 * time.Second
	// maxOutput bounds what a command may say.
	maxOutput = 4 << 20
	// killGrace is how long the pipes of a killed command may stay open.
	killGrace = 2 * time.Second
	// maxSaid bounds what an error quotes of it.
	maxSaid = 600
)

// Command is a program and its arguments; no shell is involved.
type Command struct {
	Argv []string
	Env  []string // beside PATH, HOME and LC_ALL=C
	// Whole commands are harmful when cut: they run in a session of their own and go on when this
	// process dies.
	Whole bool
	As    *Account // as whom; nil is as ourselves
}

// Account is a user of the system, who is in no group but the own one.
type Account struct{ UID, GID int }

// process says what is special about the process of a command.
func (c Command) process() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: c.Whole}
	if c.As != nil && c.As.UID != os.Geteuid() {
		attr.Credential = &syscall.Credential{Uid: uint32(c.As.UID), Gid: uint32(c.As.GID)} //nolint:gosec // numbers of an account
	}
	return attr
}

// Runner runs a command and gives its stdout and stderr together, also when it fails.
type Runner func(ctx context.Context, c Command) ([]byte, error)

var errTalksTooMuch = errors.New("says too much")

// Exec is the Runner of production.
func Exec(ctx context.Context, c Command) ([]byte, error) {
	cmd := exec.CommandContext(ctx, c.Argv[0], c.Argv[1:]...)
	cmd.Env = append([]string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C",
	}, c.Env...)
	cmd.Dir = "/"
	cmd.WaitDelay = killGrace
	cmd.SysProcAttr = c.process()
	if err := find(cmd); err != nil {
		return nil, err
	}
	if c.Whole {
		return execWhole(cmd)
	}
	var out bounded
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	if err == nil && out.over {
		err = errTalksTooMuch
	}
	return out.buf.Bytes(), err
}

// find looks the program up on the PATH given to it, not on ours.
func find(cmd *exec.Cmd) error {
	name := cmd.Args[0]
	if strings.Contains(name, "/") {
		return nil
	}
	for dir := range strings.SplitSeq(strings.TrimPrefix(cmd.Env[0], "PATH="), ":") {
		if info, err := os.Stat(dir + "/" + name); err == nil && info.Mode().IsRegular() {
			cmd.Path, cmd.Err = dir+"/"+name, nil
			return nil
		}
	}
	return exec.ErrNotFound
}

// execWhole lets the command write to a file that has no name, not to a pipe, which would break
// when this process dies.
func execWhole(cmd *exec.Cmd) ([]byte, error) {
	out, err := os.CreateTemp("", "pigsync-output-")
	if err != nil {
		return nil, err
	}
	defer shut(out)
	if err := os.Remove(out.Name()); err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = out, out
	err = cmd.Run()
	if _, seek := out.Seek(0, io.SeekStart); seek != nil {
		return nil, seek
	}
	said, read := io.ReadAll(io.LimitReader(out, maxOutput))
	return said, errors.Join(err, read)
}

// bounded keeps the first maxOutput bytes.
type bounded struct {
	buf  bytes.Buffer
	over bool
}

func (b *bounded) Write(p []byte) (int, error) {
	n := min(len(p), maxOutput-b.buf.Len())
	b.buf.Write(p[:n])
	b.over = b.over || n < len(p)
	return len(p), nil
}

// command runs a command whose output is of interest only when it fails.
func (w *work) command(ctx context.Context, argv ...string) error {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	out, err := w.l.run(ctx, Command{Argv: argv})
	return said(argv[0], out, err)
}

// ask runs a command that only looks, and gives what it says.
func (l *Local) ask(ctx context.Context, argv []string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	out, err := l.run(ctx, Command{Argv: argv})
	return string(out), err
}

// said explains how a command failed, with its own last words.
func said(name string, out []byte, err error) error {
	if err == nil {
		return nil
	}
	if words := lastWords(string(out)); words != "" {
		return fmt.Errorf("%s: %w: %s", name, err, words)
	}
	return fmt.Errorf("%s: %w", name, err)
}

// lastWords is the end of an output on one line: the errors of apt and dpkg when there are any,
// otherwise the last lines.
func lastWords(out string) string {
	var all, bad []string
	more := false // dpkg explains its error on the line after it
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		all = append(all, line)
		dpkg := strings.HasPrefix(line, "dpkg: error ")
		if more || dpkg || strings.HasPrefix(line, "E: ") {
			bad = append(bad, line)
		}
		more = dpkg
	}
	if len(bad) == 0 {
		bad = all[max(0, len(all)-3):]
	}
	words := strings.ToValidUTF8(strings.Join(bad, "; "), "?")
	if len(words) > maxSaid {
		words = words[:maxSaid] + "…"
	}
	return words
}
