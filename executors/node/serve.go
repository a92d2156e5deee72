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
	"github.com/pigsync/pigsync/resource"
)

const (
	// idleTimeout ends a helper that nobody asks anything: its controller may have gone without a
	// word.
	idleTimeout = 10 * time.Minute
	// maxRequests bounds what is under way at once.
	maxRequests = 64
)

// Serve answers the frames of a stream with l until the stream ends, nothing was asked for ten
// minutes, or ctx ends. It closes the stream. A change under way when the stream ends is finished
// first; those have deadlines of their own. digest is that of the binary, told in the greeting.
//
// A program that serves its stdin and stdout should ignore SIGPIPE, which would end it in the middle
// of such a change, and end ctx on SIGTERM.
func Serve(ctx context.Context, rw io.ReadWriteCloser, l *Local, digest string) error {
	w := newWire(rw)
	in, err := greet(ctx, w, l, digest)
	if err != nil {
		w.kill(err)
		return fmt.Errorf("greet the controller: %w", err)
	}
	s := &server{wire: w, l: l, cancels: map[uint64]context.CancelFunc{}, signed: map[uint64]chan frame{}}
	s.log = slog.New(&wireHandler{send: s.sendLog})
	s.wg.Go(w.write)
	err = s.loop(ctx, in)
	w.kill(io.EOF)
	s.watch.close()
	s.wg.Wait()
	return err
}

func greet(ctx context.Context, w *wire, l *Local, digest string) (*bufio.Reader, error) {
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	in := bufio.NewReader(w.rw)
	return in, within(ctx, w, func() error {
		boot, _ := newTree(l.Root).small("/proc/sys/kernel/random/boot_id") // facts will tell what is wrong
		h := hello{Version: version, Digest: digest, Boot: string(boot[:min(36, len(boot))]), Now: l.now()}
		if err := writeHello(w.rw, h); err != nil {
			return err
		}
		_, err := readHello(in)
		return err
	})
}

// server is one stream being served.
type server struct {
	*wire
	l     *Local
	log   *slog.Logger
	wg    sync.WaitGroup
	watch lookout

	mu      sync.Mutex // guards what follows
	cancels map[uint64]context.CancelFunc
	signed  map[uint64]chan frame
}

// loop hands out frames until the stream ends. A read cannot be interrupted, so its goroutine is not
// waited for: it ends with the stream, or with the process.
func (s *server) loop(ctx context.Context, in io.Reader) error {
	frames := make(chan frame)
	ended := make(chan error, 1)
	go func() {
		for {
			f, err := readFrame(in, maxFrame)
			if err != nil {
				ended <- err
				return
			}
			select {
			case frames <- f:
			case <-s.dead:
				return
			}
		}
	}()
	idle := time.NewTimer(idleTimeout)
	defer idle.Stop()
	for {
		select {
		case f := <-frames:
			s.handle(ctx, f)
		case err := <-ended:
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		case <-s.dead:
			return s.cause
		case <-ctx.Done():
			return ctx.Err()
		case <-idle.C:
			if !s.busy() {
				return nil
			}
		}
		idle.Reset(idleTimeout)
	}
}

func (s *server) busy() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.cancels) > 0
}

func (s *server) handle(ctx context.Context, f frame) {
	switch f.Op {
	case opObserve:
		s.begin(ctx, f, s.observe)
	case opApply:
		s.begin(ctx, f, s.apply)
	case opConfirm:
		s.begin(ctx, f, s.confirm)
	case opInquire:
		s.begin(ctx, f, s.inquire)
	case opWatch:
		s.begin(ctx, f, s.keepWatch)
	case opCancel:
		s.mu.Lock()
		if cancel := s.cancels[f.ID]; cancel != nil {
			cancel()
		}
		s.mu.Unlock()
	case opSigned:
		s.mu.Lock()
		if answer := s.signed[f.ID]; answer != nil {
			answer <- f // of capacity one, and asked for once
			delete(s.signed, f.ID)
		}
		s.mu.Unlock()
	}
}

// begin answers a request in a goroutine of its own.
func (s *server) begin(ctx context.Context, f frame, answer func(context.Context, frame) frame) {
	ctx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	full := len(s.cancels) >= maxRequests || s.cancels[f.ID] != nil
	if !full {
		s.cancels[f.ID] = cancel
	}
	s.mu.Unlock()
	s.wg.Go(func() {
		defer cancel()
		reply := frame{Op: opDone, Err: &wireError{Text: "too many requests at once"}}
		if !full {
			reply = answer(ctx, f)
			s.mu.Lock()
			delete(s.cancels, f.ID)
			s.mu.Unlock()
		}
		s.reply(f.ID, reply)
	})
}

func (s *server) reply(id uint64, f frame) {
	f.ID, f.Now = id, s.l.now()
	err := s.send(context.Background(), f) // ends with the stream
	select {
	case <-s.dead:
		return
	default:
	}
	if err != nil { // too large for a frame
		_ = s.send(context.Background(), frame{Op: opDone, ID: id, Now: f.Now, Err: encodeError(err)}) // as above
	}
}

func (s *server) observe(ctx context.Context, f frame) frame {
	seen := s.l.observe(ctx, f.IDs, decodePlaces(f.Places))
	out := frame{Op: opStates, States: make([]wireState, len(f.IDs))}
	for i, id := range f.IDs {
		out.States[i] = encodeState(seen[id])
	}
	return out
}

func encodeState(s resource.State) wireState {
	if s.Err != nil {
		return wireState{Err: encodeError(s.Err)}
	}
	b, err := resource.Encode(s.Spec)
	return wireState{Spec: b, Err: encodeError(err)}
}

func (s *server) apply(ctx context.Context, f frame) frame {
	var c diff.Change
	err := errFrame
	if f.Change != nil {
		c, err = f.Change.decode()
	}
	if err == nil {
		err = s.l.apply(ctx, c, order{farSigner{s, f.ID}, s.log, decodePlaces(f.Places)})
	}
	return frame{Op: opDone, Err: encodeError(err)}
}

func (s *server) confirm(ctx context.Context, f frame) frame {
	err := errFrame
	if len(f.IDs) == 1 {
		err = s.l.Confirm(ctx, f.IDs[0])
	}
	return frame{Op: opDone, Err: encodeError(err)}
}

// farSigner asks the controller, which knows from its own change what to sign.
type farSigner struct {
	s  *server
	id uint64
}

func (x farSigner) Sign(ctx context.Context, _ string, csr []byte, _ resource.Cert) ([]byte, error) {
	answer := make(chan frame, 1)
	x.s.mu.Lock()
	x.s.signed[x.id] = answer
	x.s.mu.Unlock()
	defer func() {
		x.s.mu.Lock()
		defer x.s.mu.Unlock()
		delete(x.s.signed, x.id)
	}()
	if err := x.s.send(ctx, frame{Op: opSign, ID: x.id, Bytes: csr, Now: x.s.l.now()}); err != nil {
		return nil, err
	}
	select {
	case f := <-answer:
		return f.Bytes, f.Err.decode()
	case <-x.s.dead:
		return nil, x.s.cause
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *server) sendLog(ctx context.Context, l *wireLog) error {
	return s.send(ctx, frame{Op: opLog, Log: l})
}
