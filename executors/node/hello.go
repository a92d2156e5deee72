package node

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
)

const (
	// magic begins both directions of a stream; what stands before it is a banner. The zero byte
	// is in no text that a shell's start file prints.
	magic = "\x00pigsync node\n"
	// version is that of the frames. Peers of different versions do not speak with each other.
	version = 1
	// maxBanner bounds what a noisy shell may say before the magic.
	maxBanner = 4 << 10
	// maxHello bounds the first frame.
	maxHello = 4 << 10
	// helloTimeout bounds the greeting.
	helloTimeout = 30 * time.Second
)

// hello is the first frame of both directions.
type hello struct {
	Version int
	Digest  string    `json:",omitempty"` // of the binary
	Boot    string    `json:",omitempty"` // boot id of the node
	Now     time.Time // the clock
}

// VersionError says that the peer speaks another version of the frames.
type VersionError struct{ Have, Want int }

func (e *VersionError) Error() string {
	return fmt.Sprintf("the peer speaks version %d of the protocol, not %d", e.Have, e.Want)
}

// HelloError says that no helper greeted us. Said is what came instead.
type HelloError struct {
	Said string
	Err  error
}

func (e *HelloError) Error() string {
	if e.Said == "" {
		return fmt.Sprintf("no greeting from the helper: %v", e.Err)
	}
	return fmt.Sprintf("no greeting from the helper: %v; it said: %s", e.Err, e.Said)
}

// Unwrap is the cause.
func (e *HelloError) Unwrap() error { return e.Err }

func writeHello(w io.Writer, h hello) error {
	b, err := encodeFrame(frame{Op: opHello, Hello: &h})
	if err != nil {
		return err
	}
	_, err = w.Write(append([]byte(magic), b...))
	return err
}

// readHello skips a banner and reads the greeting.
func readHello(r *bufio.Reader) (hello, error) {
	banner, err := skipBanner(r)
	if err != nil {
		return hello{}, &HelloError{printable(banner), err}
	}
	f, err := readFrame(r, maxHello)
	switch {
	case err != nil:
		return hello{}, &HelloError{printable(banner), err}
	case f.Op != opHello || f.Hello == nil:
		return hello{}, &HelloError{printable(banner), errFrame}
	case f.Hello.Version != version:
		return hello{}, &VersionError{f.Hello.Version, version}
	}
	return *f.Hello, nil
}

var errBanner = errors.New("the stream begins with something else")

func skipBanner(r io.ByteReader) (string, error) {
	var said strings.Builder
	for said.Len() < maxBanner+len(magic) {
		b, err := r.ReadByte()
		if err != nil {
			return said.String(), err
		}
		said.WriteByte(b)
		if b == '\n' && strings.HasSuffix(said.String(), magic) {
			return strings.TrimSuffix(said.String(), magic), nil
		}
	}
	return said.String(), errBanner
}

// printable keeps the end of a banner, on one line.
func printable(s string) string {
	const most = 400
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(s, "?"))
	s = strings.Join(strings.Fields(s), " ")
	return s[max(0, len(s)-most):]
}

// within runs a step that reads or writes the stream and kills the stream when ctx ends first.
func within(ctx context.Context, w *wire, step func() error) error {
	done := make(chan error, 1)
	go func() { done <- step() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		w.kill(ctx.Err())
		return ctx.Err() // the step ends with the stream
	}
}
