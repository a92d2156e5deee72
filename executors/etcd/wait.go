package etcd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// until looks again and again, about once a second, until done says so, gives up for good, or ctx
// ends; then the error says what was waited for and what stood in the way last.
func (c *cluster) until(ctx context.Context, what string, done func(context.Context, *view) (bool, error)) error {
	since := c.opts.Now()
	var before error // the last obstacle seen while there was time to look
	for {
		ok, err := c.once(ctx, done)
		if ctx.Err() == nil {
			before = err
		}
		var last finalError
		switch {
		case ok:
			return nil
		case errors.As(err, &last):
			return last.error
		}
		again := retryEvery
		if err == nil {
			again = lookAgain // the change was accepted: see whether it holds
		}
		if !pause(ctx, again) {
			return fmt.Errorf("waited for %s since %s: %w", what, since.Format(time.TimeOnly), errors.Join(context.Cause(ctx), cmp.Or(before, err)))
		}
	}
}

// once looks, and lets done judge what was seen.
func (c *cluster) once(ctx context.Context, done func(context.Context, *view) (bool, error)) (bool, error) {
	v := c.look(ctx)
	switch {
	case v.err != nil:
		return false, v.err
	case !v.info.Quorum:
		return false, fmt.Errorf("%w: %s", errNoQuorum, v.ills())
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return done(ctx, v)
}

// pause waits, and tells whether there is time left.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return ctx.Err() == nil
	}
}

// finalError is one that no waiting will mend.
type finalError struct{ error }

func final(err error) error { return finalError{err} }

// retriable makes err final unless it is one of those that pass, or the answer was lost on the way:
// then the next look shows whether the change was made.
func retriable(err error, passing ...error) error {
	if err == nil || lostAnswer(err) {
		return err
	}
	for _, p := range passing {
		if errors.Is(err, p) {
			return err
		}
	}
	return final(err)
}

// lostAnswer tells whether nobody knows if a request was carried out.
func lostAnswer(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return true
	}
	var said rpctypes.EtcdError
	code := status.Code(err)
	if errors.As(err, &said) {
		code = said.Code()
	}
	return code == codes.Unavailable || code == codes.DeadlineExceeded || code == codes.Canceled
}
