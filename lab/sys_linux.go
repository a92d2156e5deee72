package lab

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// ext4Shutdown is EXT4_IOC_SHUTDOWN, _IOR('X', 125, __u32): from now on every access fails.
const ext4Shutdown = 0x8004587d

// ext4NoLogFlush is EXT4_GOING_FLAGS_NOLOGFLUSH: nothing is written out before that.
const ext4NoLogFlush = 2

// inNetwork calls f on a thread that has entered the network namespace at path. Sockets made
// there stay in it.
func inNetwork(path string, f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		ns, err := os.Open(path)
		if err != nil {
			done <- err
			return
		}
		defer ns.Close()
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("enter %s: %w", path, err)
			return
		}
		done <- f()
	}()
	return <-done
}

// shutDown makes the ext4 file system at path fail every access, what is unwritten included.
func shutDown(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := unix.IoctlSetPointerInt(int(dir.Fd()), ext4Shutdown, ext4NoLogFlush); err != nil {
		return fmt.Errorf("shut down %s: %w", path, err)
	}
	return nil
}

// fill takes all the space that is left in the file system of f.
func fill(f *os.File) error {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &fs); err != nil {
		return err
	}
	at, err := f.Seek(0, 2)
	if err != nil {
		return err
	}
	for size := int64(fs.Bfree) * fs.Bsize; size >= fs.Bsize; {
		switch err := unix.Fallocate(int(f.Fd()), 0, at, size); err {
		case nil:
			at += size
		case unix.ENOSPC:
			size /= 2
		case unix.EINTR:
		default:
			return fmt.Errorf("fill %s: %w", f.Name(), err)
		}
	}
	return nil
}

// detach makes cmd outlive this process, in a control group of its own unless group is nil.
func detach(cmd *exec.Cmd, group *os.File) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if group != nil {
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(group.Fd())
	}
}

// umount takes away the mount at path; lazy also when it is in use.
func umount(path string, lazy bool) error {
	flags := unix.UMOUNT_NOFOLLOW
	if lazy {
		flags |= unix.MNT_DETACH
	}
	if err := unix.Unmount(path, flags); err != nil {
		return fmt.Errorf("unmount %s: %w", path, err)
	}
	return nil
}
