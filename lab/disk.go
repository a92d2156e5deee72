package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Disk is one of a node's two disks.
type Disk string

// The disks of a node. What both hold survives power cycles, and ends with Reset and Down.
const (
	Root Disk = "root" // what the node changes of its root file system, 16 GiB
	Data Disk = "data" // /data, 4 GiB
)

// Disks lists them.
func Disks() []Disk { return []Disk{Root, Data} }

// ParseDisk reads the name of a disk.
func ParseDisk(name string) (Disk, error) {
	if d := Disk(name); slices.Contains(Disks(), d) {
		return d, nil
	}
	return "", fmt.Errorf("disk %q: want %s or %s", name, Root, Data)
}

// size of a disk. Its image is sparse: only what is written takes space.
func (d Disk) size() int64 {
	if d == Root {
		return 16 << 30
	}
	return 4 << 30
}

const diskFreeLimit = 3 * time.Second // it takes milliseconds

// image is the file that a disk is in, mounted where the host has it mounted.
func (n *Node) image(d Disk) string   { return n.path(string(d) + ".img") }
func (n *Node) mounted(d Disk) string { return n.path(string(d)) }

// attach mounts a disk, and makes it when it is new.
func (n *Node) attach(ctx context.Context, d Disk) error {
	if exists(n.path("lost-" + string(d))) {
		if err := errors.Join(remove(n.image(d)), remove(n.path("lost-"+string(d)))); err != nil {
			return err
		}
	}
	if err := n.checkDisk(ctx, d); err != nil {
		return err
	}
	if err := os.MkdirAll(n.mounted(d), 0o755); err != nil {
		return err
	}
	if _, err := run(ctx, "mount", "-o", "loop,errors=remount-ro", n.image(d), n.mounted(d)); err != nil {
		return err
	}
	for _, dir := range []string{"files", "work"} {
		if err := os.MkdirAll(filepath.Join(n.mounted(d), dir), 0o755); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}

// checkDisk makes an empty file system, or checks the one that is there, as a careful machine does
// when it boots. What a power cut leaves is a journal to replay: anything worse is the lab's fault, and is
// told here rather than by a node whose disk turns read-only at some later time.
func (n *Node) checkDisk(ctx context.Context, d Disk) error {
	path := n.image(d)
	if exists(path) {
		if out, err := run(ctx, "e2fsck", "-f", "-p", path); err != nil && !corrected(err) {
			return fmt.Errorf("%w: %s", err, lastLines(out, stderrLines))
		}
		return nil
	}
	f, err := os.OpenFile(path+".tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Truncate(d.size()), f.Close()); err != nil {
		return err
	}
	_, err = run(ctx, "mkfs.ext4", "-q", "-F", "-m", "0", "-L", string(d), "-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard", path+".tmp")
	if err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}

// corrected says whether e2fsck found errors and repaired them all, exit status 1.
func corrected(err error) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit) && exit.ExitCode() == 1
}

// detachDisks takes the node's file systems away.
func (n *Node) detachDisks(ctx context.Context) error {
	for _, path := range []string{n.path("tree"), n.mounted(Root), n.mounted(Data)} {
		if err := unmountAll(ctx, path); err != nil {
			return err
		}
	}
	for _, d := range Disks() {
		if err := n.release(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// release waits until the kernel has let go of a disk, so that it can be mounted anew. Should
// a foreign mount namespace keep it, the node gets a copy: what was written is in the image.
// What keeps an image that was removed is in nobody's way.
func (n *Node) release(ctx context.Context, d Disk) error {
	path := n.image(d)
	free := func() bool { return !slices.ContainsFunc(loops(path), func(l loop) bool { return !l.deleted }) }
	if await(ctx, diskFreeLimit, "release of "+path, free) == nil {
		return nil
	}
	if err := copyImage(ctx, path, path+".tmp"); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}

// loop is a loop device.
type loop struct {
	name    string
	deleted bool // its file has no name any more
}

// loops are the loop devices whose file is path or below it.
func loops(path string) []loop {
	files, err := filepath.Glob("/sys/block/loop*/loop/backing_file")
	if err != nil {
		return nil
	}
	var found []loop
	for _, file := range files {
		backing, err := os.ReadFile(file)
		if err != nil {
			continue // gone since it was listed
		}
		target, deleted := strings.CutSuffix(strings.TrimSpace(string(backing)), " (deleted)")
		if within(target, path) {
			found = append(found, loop{strings.Split(file, "/")[3], deleted})
		}
	}
	return found
}

// within says whether path is dir or below it.
func within(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }
