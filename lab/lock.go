package lab

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// registry has, for each lab that is up, a link NAME to its directory and its lock NAME.lock.
// It is outside the lab's directory so that a lab can be found, and cleaned up, by name alone.
const registry = "/run/pigsync-lab"

const lockLimit = 10 * time.Minute // building a repository holds a lock this long at worst

// registered is the directory of the lab with that name, "" when there is none.
func registered(name string) string {
	dir, err := os.Readlink(filepath.Join(registry, name))
	if err != nil {
		return ""
	}
	return dir
}

// Names lists the labs of this machine that are up or were left behind.
func Names() ([]string, error) {
	entries, err := os.ReadDir(registry)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.Type()&os.ModeSymlink != 0 {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// lock takes the lock file at path, shared or alone, and returns how to release it. The
// kernel releases it when the process ends. Its holder may delete the file.
func lock(ctx context.Context, path string, shared bool) (func(), error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	how := syscall.LOCK_EX
	if shared {
		how = syscall.LOCK_SH
	}
	var f *os.File
	var last error
	err := await(ctx, lockLimit, "lock "+path, func() bool {
		f, last = tryLock(path, how|syscall.LOCK_NB)
		return last == nil
	})
	if err != nil {
		return nil, errors.Join(err, last)
	}
	return func() { f.Close() }, nil
}

// tryLock locks the file unless another does, or the file was deleted since it was opened.
func tryLock(path string, how int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), how); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	have, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if now, err := os.Stat(path); err != nil || !os.SameFile(have, now) {
		return nil, errors.Join(errors.New("lock file was deleted"), err, f.Close())
	}
	return f, nil
}
