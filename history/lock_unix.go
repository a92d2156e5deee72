//go:build unix

package history

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

const lockFile = "lock"

// lock takes the right to write; the kernel gives it back when the process ends.
func lock(root *os.Root) (*os.File, error) {
	f, err := root.OpenFile(lockFile, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w (pid %s)", ErrLocked, holder(f))
		}
		return nil, err
	}
	sign(f)
	return f, nil
}

// sign leaves our process id for whoever comes too late. It is a courtesy: on a full disk they learn
// less.
func sign(f *os.File) {
	if f.Truncate(0) == nil {
		_, _ = f.WriteAt(fmt.Appendln(nil, os.Getpid()), 0)
	}
}

func holder(f *os.File) string {
	b, err := io.ReadAll(io.LimitReader(f, 20))
	if err != nil || len(b) == 0 {
		return "unknown"
	}
	return strings.TrimSpace(string(b))
}

// giveTo makes the owner of dir the owner of name, so that a daemon can read what root left for it.
func giveTo(root *os.Root, dir, name string) error {
	info, err := root.Stat(dir)
	if err != nil {
		return err
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 && owner.Uid != 0 {
		return root.Lchown(name, int(owner.Uid), int(owner.Gid))
	}
	return nil
}
