package sshtest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Shell gives an Exec that runs commands with /bin/sh, looking for programs in dirs first.
func Shell(dirs ...string) func(context.Context, *Exec) int {
	path := os.Getenv("PATH")
	for _, dir := range dirs {
		path = dir + ":" + path
	}
	return func(ctx context.Context, e *Exec) int {
		cmd := exec.CommandContext(ctx, "/bin/sh", "-c", e.Command)
		cmd.Env = append(os.Environ(), "PATH="+path)
		cmd.Stdout, cmd.Stderr = e.Stdout, e.Stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
		cmd.WaitDelay = time.Second // for those who do not heed it
		return status(cmd, e)
	}
}

// status runs cmd. Its stdin is fed aside: waiting for the client's end of file after the
// command has ended would wait for ever.
func status(cmd *exec.Cmd, e *Exec) int {
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		_, _ = e.Stderr.Write([]byte(err.Error() + "\n"))
		return 126
	}
	go func() { // ends with the session
		buf := make([]byte, 32<<10)
		for {
			n, err := e.Stdin.Read(buf)
			if _, failed := stdin.Write(buf[:n]); err != nil || failed != nil {
				_ = stdin.Close()
				return
			}
		}
	}()
	err = cmd.Wait()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return exit.ExitCode()
	}
	return Exited
}

// Script writes an executable into a new directory of the test and gives the directory, for
// Shell: a sudo, a df or a uname of the test's own.
func Script(t testing.TB, name, text string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Sudo is the text of a sudo that lets everything pass, and says what sudo says of a program
// that is missing.
const Sudo = `[ "$1" = -n ] || { echo "sudo: want -n" >&2; exit 1; }
shift
command -v "$1" >/dev/null || { echo "sudo: $1: command not found" >&2; exit 1; }
exec "$@"
`

// SudoAsks is the text of a sudo that wants a password.
const SudoAsks = `echo "sudo: a password is required" >&2
exit 1
`
