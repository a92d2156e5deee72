//go:build linux

package history_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pigsync/pigsync/history"
)

// TestFileLimit runs itself in a process that may write no file past 4 KiB.
func TestFileLimit(t *testing.T) {
	const limit = "PIGSYNC_HISTORY_FILE_LIMIT"
	if os.Getenv(limit) == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestFileLimit$")
		cmd.Env = append(os.Environ(), limit+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return
	}
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 4096, Max: was.Max}); err != nil {
		t.Fatal(err)
	}
	survive(t, t.TempDir(), syscall.EFBIG, func() { syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was) })
}

func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k,mode=700"); err != nil {
		t.Skip("a small disk needs root: ", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 40<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	survive(t, filepath.Join(dir, "prod"), syscall.ENOSPC, func() { os.Remove(ballast) })
}

// survive fills the disk until a write fails, and goes on once there is room.
func survive(t *testing.T, dir string, want error, room func()) {
	t.Helper()
	j := open(t, dir, history.Options{})
	tell(t, j, began("a"))
	var err error
	for range 1000 {
		before := snapshot(j, names)
		err = j.Append(result("x", strings.Repeat("e", 500)))
		if err == nil {
			continue
		}
		if got := snapshot(j, names); got != before {
			t.Errorf("what was not written is known: %s", got)
		}
		break
	}
	if !errors.Is(err, want) {
		t.Fatalf("append: %v, want %v", err, want)
	}
	if err := j.Append(result("y", strings.Repeat("e", 500))); !errors.Is(err, want) {
		t.Errorf("append again: %v, want %v", err, want)
	}
	if err := history.Verify(dir); err != nil {
		t.Errorf("on the full disk: %v", err)
	}
	again(t, j, dir, room)
}

// again checks that a full disk can be read, and that the journal goes on.
func again(t *testing.T, j *history.Journal, dir string, room func()) {
	t.Helper()
	before := snapshot(j, names)
	j.Close()
	j = open(t, dir, history.Options{})
	if got := snapshot(j, names); got != before {
		t.Errorf("read again: %s, want %s", got, before)
	}
	room()
	tell(t, j, began("b"), result("x", ""))
	if err := history.Verify(dir); err != nil {
		t.Error(err)
	}
}

// What root decides must be readable for the daemon, which is somebody else.
func TestRootSubmitsForTheOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	dir := t.TempDir()
	open(t, dir, history.Options{})
	if err := os.Chown(filepath.Join(dir, "inbox"), 4711, 4712); err != nil {
		t.Fatal(err)
	}
	id := submit(t, dir, noon, history.Decision{Release: &history.Released{Owner: "etcd/*", By: "root"}})
	info, err := os.Stat(filepath.Join(dir, "inbox", id+".json"))
	if err != nil {
		t.Fatal(err)
	}
	if s := info.Sys().(*syscall.Stat_t); s.Uid != 4711 || s.Gid != 4712 || info.Mode().Perm() != 0o600 {
		t.Errorf("the decision is %v of %d:%d", info.Mode(), s.Uid, s.Gid)
	}
}
