package node

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

// Options are what a Remote needs of its controller.
type Options struct {
	Signer Signer           // nil: no certificate can be made
	Log    *slog.Logger     // where the helper's records go; nil discards
	Now    func() time.Time // nil means time.Now
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Remote is the hand at the far end of a stream. It refuses a node whose clock is wrong.
type Remote struct {
	*wire
	opts  Options
	hello hello
	wg    sync.WaitGroup

	mu    sync.Mutex          // guards what follows
	stir  func([]resource.ID) // nil: nobody wants to hear
	next  uint64
	calls map[uint64]*call
	skew  time.Duration
}

var _ executors.Executor = (*Remote)(nil)

// call is a request under way.
type call struct {
	reply chan frame                       // of capacity one
	sign  func(csr []byte) ([]byte, error) // nil: there is nothing to sign, or it was signed
}

// Connect greets the helper at the far end. The context is for the greeting only. Errors are
// *HelloError or *VersionError; the stream is closed then.
func Connect(ctx context.Context, rw io.ReadWriteCloser, opts Options) (*Remote, error) {
	r := &Remote{wire: newWire(rw), opts: opts.withDefaults(), calls: map[uint64]*call{}}
	in := bufio.NewReader(rw)
	start := r.opts.Now()
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	err := within(ctx, r.wire, func() (err error) {
		if r.hello, err = readHello(in); err == nil {
			err = writeHello(rw, hello{Version: version, Now: start})
		}
		return err
	})
	if err != nil {
		r.kill(err)
		return nil, explain(rw, err)
	}
	// The helper may have waited for us to read its greeting, but hardly for long.
	r.skew = skew(start.Add(-helloTimeout), r.hello.Now, r.opts.Now())
	r.wg.Go(r.write)
	r.wg.Go(func() { r.read(in) })
	return r, nil
}

// explain adds what the far side said on its stderr to a failed greeting.
func explain(rw io.ReadWriteCloser, err error) error {
	var h *HelloError
	if s, ok := rw.(interface{ Stderr() string }); ok && errors.As(err, &h) && h.Said == "" {
		h.Said = printable(s.Stderr())
	}
	return err
}

// Boot is the boot id of the node at the time of the greeting.
func (r *Remote) Boot() string { return r.hello.Boot }

// Digest is that of the helper's binary, as it says itself.
func (r *Remote) Digest() string { return r.hello.Digest }

// Dead is closed when the stream has ended.
func (r *Remote) Dead() <-chan struct{} { return r.dead }

// Close ends the stream and waits for the goroutines of it. It always returns nil.
func (r *Remote) Close() error {
	r.kill(io.ErrClosedPipe)
	r.wg.Wait()
	return nil
}

// Observe asks the helper once.
func (r *Remote) Observe(ctx context.Context, ids []resource.ID) map[resource.ID]resource.State {
	seen, err := r.observe(ctx, ids, nil)
	if err != nil {
		return unknown(ids, err)
	}
	return seen
}

func unknown(ids []resource.ID, err error) map[resource.ID]resource.State {
	out := make(map[resource.ID]resource.State, len(ids))
	for _, id := range ids {
		out[id] = resource.State{Err: err}
	}
	return out
}

func (r *Remote) observe(ctx context.Context, ids []resource.ID, places []wirePlace) (map[resource.ID]resource.State, error) {
	f, err := r.ask(ctx, frame{Op: opObserve, IDs: ids, Places: places}, nil)
	if err == nil {
		err = f.Err.decode()
	}
	if err == nil && (f.Op != opStates || len(f.States) != len(ids)) {
		err = errFrame
		r.kill(err)
	}
	if err == nil {
		err = r.clock()
	}
	if err != nil {
		return nil, err
	}
	out := make(map[resource.ID]resource.State, len(ids))
	for i, id := range ids {
		out[id] = f.States[i].decode(id.Kind)
	}
	return out, nil
}

func (s wireState) decode(k resource.Kind) resource.State {
	if s.Err != nil {
		return resource.State{Err: s.Err.decode()}
	}
	spec, err := resource.Decode(k, s.Spec)
	if err != nil {
		return resource.State{Err: fmt.Errorf("decode the answer: %w", err)}
	}
	return resource.State{Spec: spec}
}

// Apply asks the helper to make a change. When the stream is lost meanwhile, the error says that it
// is not known whether the change was made.
func (r *Remote) Apply(ctx context.Context, c diff.Change) error { return r.apply(ctx, c, nil) }

func (r *Remote) apply(ctx context.Context, c diff.Change, places []wirePlace) error {
	if err := r.clock(); err != nil {
		return fmt.Errorf("apply %s: %w", c.ID, err)
	}
	w, err := encodeChange(c)
	if err != nil {
		return fmt.Errorf("apply %s: %w", c.ID, err)
	}
	var sign func([]byte) ([]byte, error)
	if want, ok := c.Spec.(resource.Cert); ok && r.opts.Signer != nil && c.Action != diff.Delete {
		sign = func(csr []byte) ([]byte, error) { return r.opts.Signer.Sign(ctx, want.Issuer, csr, want) }
	}
	f, err := r.ask(ctx, frame{Op: opApply, Change: w, Places: places}, sign)
	if err != nil {
		return fmt.Errorf("apply %s: not known whether it was done: %w", c.ID, err)
	}
	return f.Err.decode()
}

// Confirm asks the helper to make a trial final.
func (r *Remote) Confirm(ctx context.Context, id resource.ID) error {
	f, err := r.ask(ctx, frame{Op: opConfirm, IDs: []resource.ID{id}}, nil)
	if err != nil {
		return fmt.Errorf("confirm %s: %w", id, err)
	}
	return f.Err.decode()
}

// clock refuses a node whose clock is wrong, as of its last word.
func (r *Remote) clock() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.skew.Abs() > maxSkew {
		return &ClockError{r.skew}
	}
	return nil
}

// ask sends a request and waits for its reply.
func (r *Remote) ask(ctx context.Context, f frame, sign func([]byte) ([]byte, error)) (frame, error) {
	if err := ctx.Err(); err != nil {
		return f, err
	}
	c := &call{reply: make(chan frame, 1), sign: sign}
	r.mu.Lock()
	r.next++
	f.ID = r.next
	r.calls[f.ID] = c
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.calls, f.ID)
	}()
	sent := r.opts.Now()
	if err := r.send(ctx, f); err != nil {
		return f, lost(err)
	}
	select {
	case reply := <-c.reply:
		r.note(sent, reply.Now)
		return reply, nil
	case <-r.dead:
		return f, lost(r.cause)
	case <-ctx.Done():
		r.cancel(f.ID)
		return f, ctx.Err()
	}
}

func (r *Remote) note(sent, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.skew = skew(sent, now, r.opts.Now())
}

// cancelTimeout bounds the sending of a cancellation to a peer that may not read any more.
const cancelTimeout = time.Second

func (r *Remote) cancel(id uint64) {
	ctx, cancel := context.WithTimeout(context.Background(), cancelTimeout)
	defer cancel()
	_ = r.send(ctx, frame{Op: opCancel, ID: id}) // a courtesy: the helper has its own deadlines
}

func lost(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("the helper has ended")
	}
	return fmt.Errorf("the connection to the helper was lost: %w", err)
}

// read hands out the frames of the helper until the stream ends.
func (r *Remote) read(in io.Reader) {
	for {
		f, err := readFrame(in, maxFrame)
		if err != nil {
			r.kill(err)
			return
		}
		switch f.Op {
		case opLog:
			if f.Log != nil {
				f.Log.emit(context.Background(), r.opts.Log)
			}
		case opStir:
			r.stirred(f.IDs)
		case opSign:
			r.wg.Go(func() { r.sign(f) })
		default:
			r.deliver(f)
		}
	}
}

func (r *Remote) deliver(f frame) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.calls[f.ID]; c != nil {
		select {
		case c.reply <- f:
		default: // a second reply
		}
	}
}

// sign answers a request for a certificate, once for each change, for the names of the change.
func (r *Remote) sign(f frame) {
	r.mu.Lock()
	var sign func([]byte) ([]byte, error)
	if c := r.calls[f.ID]; c != nil {
		sign, c.sign = c.sign, nil
	}
	r.mu.Unlock()
	answer := frame{Op: opSigned, ID: f.ID}
	err := errors.New("there is nothing to sign")
	if sign != nil {
		answer.Bytes, err = sign(f.Bytes)
	}
	answer.Err = encodeError(err)
	_ = r.send(context.Background(), answer) // ends with the stream
}
