package lab

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// members are the processes of a control group and those below it.
func members(group string) []int {
	var pids []int
	_ = filepath.WalkDir(group, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil // groups come and go while we look
		}
		text, err := os.ReadFile(filepath.Join(path, "cgroup.procs"))
		if err == nil {
			pids = append(pids, numbers(string(text))...)
		}
		return nil
	})
	return pids
}

// groupRoots are the control group hierarchies in which nspawn makes groups.
func groupRoots() []string {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil
	}
	var roots []string
	for _, m := range parseMounts(string(mounts)) {
		if m.kind == "cgroup2" || m.kind == "cgroup" && strings.Contains(m.options, "name=systemd") {
			roots = append(roots, m.path)
		}
	}
	return roots
}

// makeGroup makes a control group for the node, so that its systemd shares none with another,
// and opens it. nil when the host has none of version 2.
func (n *Node) makeGroup() (*os.File, error) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	for _, m := range parseMounts(string(mounts)) {
		if m.kind != "cgroup2" {
			continue
		}
		dir := filepath.Join(m.path, n.machine())
		if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
			return nil, err
		}
		return os.Open(dir)
	}
	return nil, nil
}

// removeGroups takes away the node's control groups.
func (n *Node) removeGroups() error {
	var errs []error
	for _, root := range groupRoots() {
		errs = append(errs, removeGroup(filepath.Join(root, n.machine())))
	}
	return errors.Join(errs...)
}

// removeGroup takes away a control group and those below it.
func removeGroup(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		if err := removeGroup(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	if err := syscall.Rmdir(dir); err != nil && !errors.Is(err, syscall.ENOENT) {
		return &os.PathError{Op: "rmdir", Path: dir, Err: err}
	}
	return nil
}
