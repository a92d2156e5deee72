package sshtest

import (
	"net"
	"sync"
)

// line is a connection that can fall silent.
type line struct {
	net.Conn
	closing sync.Once
	silence sync.Once
	closed  chan struct{}
	silent  chan struct{}
}

func newLine(c net.Conn) *line {
	return &line{Conn: c, closed: make(chan struct{}), silent: make(chan struct{})}
}

func (l *line) stall() { l.silence.Do(func() { close(l.silent) }) }

// hush blocks as long as the line is silent.
func (l *line) hush() error {
	select {
	case <-l.silent:
		<-l.closed
		return net.ErrClosed
	default:
		return nil
	}
}

func (l *line) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p)
	if hushed := l.hush(); hushed != nil {
		return 0, hushed
	}
	return n, err
}

func (l *line) Write(p []byte) (int, error) {
	if err := l.hush(); err != nil {
		return 0, err
	}
	return l.Conn.Write(p)
}

func (l *line) Close() error {
	l.closing.Do(func() { close(l.closed) })
	return l.Conn.Close()
}
