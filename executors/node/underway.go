package node

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/pigsync/pigsync/resource"
)

// dpkgLock is held by whoever installs packages, from the first to the last.
const dpkgLock = "/var/lib/dpkg/lock-frontend"

// half tells of a package in trouble, unless somebody who is no helper of ours is installing packages at this moment: what
// he leaves in the end is not known yet, and to repair it would be to cross him.
func (v *view) half(p resource.Package) (resource.Spec, error) {
	pid, held, err := v.holder(dpkgLock)
	if err != nil || !held {
		return p, err
	}
	policy, err := v.small(policyPath)
	if err != nil || strings.Contains(string(policy), policyMark) {
		return p, err
	}
	return nil, fmt.Errorf("somebody is installing packages (process %d): %s is %s", pid, p.Name, p.Trouble)
}

// holder is the process that holds a lock on a file, if anybody does.
func (v *view) holder(path string) (pid int, held bool, err error) {
	s, info, err := v.stat(path)
	if err != nil || info == nil {
		return 0, false, err
	}
	f, err := s.openFile(info)
	if err != nil {
		return 0, false, err
	}
	defer shut(f)
	lock := unix.Flock_t{Type: unix.F_WRLCK}
	if err := unix.FcntlFlock(f.Fd(), unix.F_GETLK, &lock); err != nil {
		return 0, false, fmt.Errorf("ask who holds %s: %w", path, err)
	}
	return int(lock.Pid), lock.Type != unix.F_UNLCK, nil
}
