package node

import (
	"context"
	"sync"

	"github.com/pigsync/pigsync/resource"
)

// lookout is the sentry of a stream, which there is once somebody has asked for it.
type lookout struct {
	mu     sync.Mutex // guards what follows
	sentry *sentry
	closed bool
}

func (o *lookout) set(l *Local, tell func([]resource.ID), ids []resource.ID, places []resource.PGPlace) (err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return errClosed
	}
	if o.sentry == nil {
		if o.sentry, err = newSentry(l, tell); err != nil {
			return err
		}
	}
	return o.sentry.set(ids, places)
}

func (o *lookout) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	if o.sentry != nil {
		o.sentry.close()
	}
}

// keepWatch answers once the watch stands; what stirs from then on is told without being asked.
func (s *server) keepWatch(_ context.Context, f frame) frame {
	tell := func(ids []resource.ID) {
		_ = s.send(context.Background(), frame{Op: opStir, IDs: ids}) // ends with the stream
	}
	return frame{Op: opDone, Err: encodeError(s.watch.set(s.l, tell, f.IDs, decodePlaces(f.Places)))}
}

// watch asks the helper to watch ids, instead of those before. What stirs is told until the stream ends; stir
// must be quick.
func (r *Remote) watch(ctx context.Context, ids []resource.ID, places []wirePlace, stir func([]resource.ID)) error {
	r.mu.Lock()
	r.stir = stir
	r.mu.Unlock()
	f, err := r.ask(ctx, frame{Op: opWatch, IDs: ids, Places: places}, nil)
	if err != nil {
		return err
	}
	return f.Err.decode()
}

func (r *Remote) stirred(ids []resource.ID) {
	r.mu.Lock()
	stir := r.stir
	r.mu.Unlock()
	if stir != nil {
		stir(ids)
	}
}
