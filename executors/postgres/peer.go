package postgres

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"
	"syscall"
)

// Peer connects to a socket as the user of that number. A server asks the kernel who connected, and the
// kernel says who the thread was at that moment. So one thread becomes that user for as long as it takes
// to connect; the others do not.
func Peer(ctx context.Context, path string, uid int) (net.Conn, error) {
	me := os.Geteuid()
	if uid == me {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}
	var file *os.File
	err := as(uid, me, func() (err error) {
		file, err = connect(path)
		return err
	})
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "unix", Addr: &net.UnixAddr{Name: path, Net: "unix"}, Err: err}
	}
	defer file.Close()
	return net.FileConn(file)
}

// as runs a step on a thread that is somebody else meanwhile. A thread that could not become who it was is
// not used again.
func as(uid, me int, step func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if err := become(uid); err != nil {
			done <- fmt.Errorf("become user %d: %w", uid, err)
			runtime.UnlockOSThread()
			return
		}
		err := step()
		if become(me) == nil {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}

// become sets the effective user of this thread alone, which the function of package syscall does not.
func become(uid int) error {
	const same = ^uintptr(0)
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, same, uintptr(uid), same); errno != 0 {
		return errno
	}
	return nil
}

// connect does not wait: a server that is there takes a connection at once, or its queue is full.
func connect(path string) (*os.File, error) {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	file := os.NewFile(uintptr(fd), path)
	if err := syscall.Connect(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		_ = file.Close() // nothing was sent
		return nil, os.NewSyscallError("connect", err)
	}
	return file, nil
}
