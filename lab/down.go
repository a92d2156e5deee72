package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const sweepLimit = time.Minute

// Down ends the lab and removes all it made except the cache: processes, mounts, namespace,
// control groups, directory. It finds them by looking at the machine, so it also clears up
// after a crash, and it is no error when there is nothing.
func (l *Lab) Down(ctx context.Context) error {
	if err := Check(); err != nil {
		return err
	}
	release, err := l.lock(ctx, false)
	if err != nil {
		return err
	}
	defer release()
	l.stopServing()
	if err := l.thaw(ctx); err != nil {
		return err
	}
	_ = l.each(func(n *Node) error { return n.kill(ctx) }) // tidily; what it misses, the sweep finds
	if err := await(ctx, sweepLimit, "processes of lab "+l.cfg.Name+" to die", l.killAll); err != nil {
		return err
	}
	if err := errors.Join(l.releaseMounts(ctx), l.removeGroups(), l.forgetMachines()); err != nil {
		return err
	}
	if err := removeTree(l.cfg.Dir); err != nil {
		return err
	}
	link := filepath.Join(registry, l.cfg.Name)
	return errors.Join(remove(link), remove(link+".lock"))
}

// killAll kills what belongs to the lab and says whether nothing did.
func (l *Lab) killAll() bool {
	inode := inodeOf(l.Netns())
	self := os.Getpid()
	found := false
	for _, root := range groupRoots() {
		groups, _ := filepath.Glob(filepath.Join(root, l.prefix()+"-node-*")) // the pattern is well-formed
		for _, g := range groups {
			for _, pid := range members(g) {
				found = true
				_ = syscall.Kill(pid, syscall.SIGKILL) // it may be gone already
			}
		}
	}
	for _, p := range processes() {
		if p.pid != self && (l.started(p) || l.uses(p, inode)) {
			found = true
			_ = syscall.Kill(p.pid, syscall.SIGKILL) // it may be gone already
		}
	}
	return !found
}

// started says whether p is a container manager of the lab.
func (l *Lab) started(p process) bool {
	for _, arg := range p.args {
		if arg, ok := strings.CutPrefix(arg, "--directory="); ok && within(arg, l.cfg.Dir) {
			return true
		}
	}
	return false
}

// uses says whether p is in the lab's network, or lives on a node's file system.
func (l *Lab) uses(p process, inode string) bool {
	dir := filepath.Join("/proc", strconv.Itoa(p.pid))
	if inode != "" && inodeOf(filepath.Join(dir, "ns/net")) == inode {
		return true
	}
	mounts, err := os.ReadFile(filepath.Join(dir, "mountinfo"))
	if err != nil {
		return false
	}
	for _, m := range parseMounts(string(mounts)) {
		if m.path == "/" && strings.Contains(m.options, "upperdir="+l.cfg.Dir+"/") {
			return true
		}
	}
	return false
}

// inodeOf names a namespace; "" when there is none.
func inodeOf(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return fmt.Sprint(stat.Dev, ":", stat.Ino)
}

// thaw lets disks go on that a snapshot left frozen; nothing on them could die.
func (l *Lab) thaw(ctx context.Context) error {
	paths, err := mountsBelow(l.cfg.Dir)
	if err != nil {
		return err
	}
	for _, path := range paths {
		if name := filepath.Base(path); name == string(Root) || name == string(Data) {
			_, _ = run(ctx, "fsfreeze", "--unfreeze", path) // an error means that it was not frozen
		}
	}
	return nil
}

// releaseMounts takes away every mount of the lab and waits for its loop devices.
func (l *Lab) releaseMounts(ctx context.Context) error {
	if err := unmountAll(ctx, l.cfg.Dir); err != nil {
		paths, lookErr := mountsBelow(l.cfg.Dir)
		if lookErr != nil {
			return errors.Join(err, lookErr)
		}
		for _, path := range paths { // in use by a process that is not ours
			if err := umount(path, true); err != nil {
				return err
			}
		}
	}
	return await(ctx, sweepLimit, "release of loop devices", func() bool { return len(loops(l.cfg.Dir)) == 0 })
}

// removeGroups takes away the control groups of all nodes, those of an earlier lab of this
// name included.
func (l *Lab) removeGroups() error {
	var errs []error
	for _, root := range groupRoots() {
		groups, err := filepath.Glob(filepath.Join(root, l.prefix()+"-node-*"))
		errs = append(errs, err)
		for _, g := range groups {
			errs = append(errs, removeGroup(g))
		}
	}
	return errors.Join(errs...)
}

// forgetMachines removes what a killed nspawn leaves in /run.
func (l *Lab) forgetMachines() error {
	left, err := filepath.Glob("/run/systemd/nspawn/*/" + l.prefix() + "-node-*")
	errs := []error{err}
	for _, path := range left {
		paths, err := mountsBelow(path)
		errs = append(errs, err)
		for _, p := range paths {
			errs = append(errs, umount(p, true))
		}
		errs = append(errs, os.RemoveAll(path))
	}
	return errors.Join(errs...)
}
