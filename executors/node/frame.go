package node

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"sync"
	"syscall"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/executors/postgres"
	"github.com/pigsync/pigsync/resource"
)

const (
	// maxFrame bounds a frame: the largest file, in base64, fits.
	maxFrame = 96 << 20
	// maxText bounds an error or log record on the wire.
	maxText = 8 << 10
)

// op says what a frame is.
type op string

// The ops. The controller says observe, apply, confirm, watch, signed and cancel; the helper states, done, sign,
// stir and log; both begin with hello.
const (
	opHello   op = "hello"
	opObserve op = "observe"
	opStates  op = "states"
	opApply   op = "apply"
	opConfirm op = "confirm"
	opDone    op = "done"
	opSign    op = "sign"
	opSigned  op = "signed"
	opCancel  op = "cancel"
	opLog     op = "log"
	opWatch   op = "watch"
	opInquire op = "inquire"
	opClues   op = "clues"
	opStir    op = "stir" // no answer: it comes when something may have changed
)

// frame is the one thing that travels; which fields are set follows from Op. ID is the request's,
// chosen by the controller; it joins all frames of one exchange.
type frame struct {
	Op     op
	ID     uint64            `json:",omitempty"`
	Now    time.Time         `json:",omitzero"` // the helper's clock
	Hello  *hello            `json:",omitempty"`
	IDs    []resource.ID     `json:",omitempty"`
	States []wireState       `json:",omitempty"` // in the order of the ids asked for
	Change *wireChange       `json:",omitempty"`
	Places []wirePlace       `json:",omitempty"` // the clusters of PostgreSQL with an instance on the node
	Bytes  []byte            `json:",omitempty"` // a request for a certificate, or the certificate
	Since  time.Time         `json:",omitzero"`  // of what clues are wanted
	Clues  [][]resource.Clue `json:",omitempty"` // in the order of the ids asked for
	Err    *wireError        `json:",omitempty"`
	Log    *wireLog          `json:",omitempty"`
}

type wireState struct {
	Spec json.RawMessage `json:",omitempty"`
	Err  *wireError      `json:",omitempty"`
}

type wireChange struct {
	ID     resource.ID
	Action diff.Action
	Spec   json.RawMessage `json:",omitempty"`
	Have   json.RawMessage `json:",omitempty"`
}

type wireLog struct {
	Level   slog.Level
	Message string
	Attrs   [][2]string `json:",omitempty"`
}

// wireError is an error that keeps its identity where a caller may branch on it.
type wireError struct {
	Text string
	Code string `json:",omitempty"`
}

// codes are the identities that cross the wire.
var codes = []struct {
	code string
	err  error
}{
	{"moved", executors.ErrMoved},
	{"elsewhere", postgres.ErrElsewhere},
	{"stopped", postgres.ErrStopped},
	{"nothing", postgres.ErrNothing},
	{"no-space", syscall.ENOSPC},
	{"read-only", syscall.EROFS},
	{"permission", fs.ErrPermission},
	{"deadline", context.DeadlineExceeded},
	{"cancelled", context.Canceled},
}

func encodeError(err error) *wireError {
	if err == nil {
		return nil
	}
	e := &wireError{Text: clip(err.Error())}
	for _, c := range codes {
		if errors.Is(err, c.err) {
			e.Code = c.code
			break
		}
	}
	return e
}

func (e *wireError) decode() error {
	if e == nil {
		return nil
	}
	for _, c := range codes {
		if c.code != e.Code {
			continue
		}
		if e.Text == c.err.Error() {
			return c.err
		}
		return &farError{e.Text, c.err}
	}
	return &farError{e.Text, nil}
}

// farError is an error of the helper.
type farError struct {
	text string
	is   error
}

func (e *farError) Error() string { return e.text }
func (e *farError) Unwrap() error { return e.is }

func clip(s string) string {
	if len(s) > maxText {
		return s[:maxText] + "…"
	}
	return s
}

func encodeChange(c diff.Change) (*wireChange, error) {
	if f, ok := c.Spec.(resource.File); ok && c.Action == diff.Delete {
		f.Content = nil // to remove it needs no content
		c.Spec = f
	}
	w := &wireChange{ID: c.ID, Action: c.Action}
	var err error
	if w.Spec, err = resource.Encode(c.Spec); err != nil {
		return nil, err
	}
	w.Have, err = resource.Encode(c.Have)
	return w, err
}

func (w *wireChange) decode() (c diff.Change, err error) {
	c.ID, c.Action = w.ID, w.Action
	if c.Spec, err = resource.Decode(w.ID.Kind, w.Spec); err != nil {
		return c, err
	}
	c.Have, err = resource.Decode(w.ID.Kind, w.Have)
	return c, err
}

// errFrame says that the stream holds something else than frames; it cannot be used any more.
var errFrame = errors.New("the stream is out of step")

func encodeFrame(f frame) ([]byte, error) {
	body, err := json.Marshal(f)
	if err != nil {
		return nil, err
	}
	if len(body) > maxFrame {
		return nil, fmt.Errorf("a frame of %d bytes is too large", len(body))
	}
	return append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(body)), uint32(len(body))), body...), nil
}

// readFrame takes no more memory than has arrived, whatever the length says.
func readFrame(r io.Reader, limit uint32) (f frame, err error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return f, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > limit {
		return f, fmt.Errorf("%w: a frame of %d bytes", errFrame, n)
	}
	var body bytes.Buffer
	body.Grow(int(min(n, 64<<10)))
	if _, err := io.CopyN(&body, r, int64(n)); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return f, err
	}
	if err := json.Unmarshal(body.Bytes(), &f); err != nil {
		return f, fmt.Errorf("%w: %w", errFrame, err)
	}
	return f, nil
}

// wire writes frames one after the other and knows when the stream is dead.
type wire struct {
	rw    io.ReadWriteCloser
	out   chan []byte
	turn  chan struct{} // of capacity one: full while something is written
	dead  chan struct{} // closed once cause is set
	once  sync.Once
	cause error // why the stream died
}

// writeGrace is how long a write under way may hold up the end of a stream. Streams need not bear
// being closed while they are written to, but one that is stuck must end.
const writeGrace = time.Second

func newWire(rw io.ReadWriteCloser) *wire {
	return &wire{rw: rw, out: make(chan []byte), turn: make(chan struct{}, 1), dead: make(chan struct{})}
}

// kill ends the stream; the first cause counts.
func (w *wire) kill(cause error) {
	w.once.Do(func() {
		w.cause = cause
		close(w.dead)
		select {
		case w.turn <- struct{}{}:
		case <-time.After(writeGrace):
		}
		_ = w.rw.Close() // whatever it says, we are done with it
	})
}

// write runs until the stream is dead.
func (w *wire) write() {
	for {
		select {
		case b := <-w.out:
			if !w.put(b) {
				return
			}
		case <-w.dead:
			return
		}
	}
}

// put writes unless the stream has ended.
func (w *wire) put(b []byte) bool {
	select {
	case w.turn <- struct{}{}:
	case <-w.dead:
		return false
	}
	_, err := w.rw.Write(b)
	<-w.turn
	if err != nil {
		w.kill(err)
	}
	return err == nil
}

// send hands a frame to the writer; a peer that does not read holds it up until ctx ends.
func (w *wire) send(ctx context.Context, f frame) error {
	b, err := encodeFrame(f)
	if err != nil {
		return err
	}
	select {
	case w.out <- b:
		return nil
	case <-w.dead:
		return w.cause
	case <-ctx.Done():
		return ctx.Err()
	}
}
