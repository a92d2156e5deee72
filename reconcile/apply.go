package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/policies"
)

// Why a step did not run, or did not succeed.
var (
	ErrHeld     = errors.New("held")
	ErrBlocked  = errors.New("waits for a step that did not succeed")
	ErrUnknown  = errors.New("unknown")
	ErrUnwell   = errors.New("it does not hold")
	ErrDropped  = errors.New("dropped: the run was stopped")
	ErrJournal  = errors.New("the journal cannot be written")
	errNoAnswer = errors.New("no answer")
	errNewer    = errors.New("there is a newer revision")
)

const (
	stepTimeout = 5 * time.Minute  // a step that takes longer has failed
	stopGrace   = 30 * time.Second // what a step under way gets when the process is to end
	lonelyGate  = 3 * time.Second  // how long a gate is waited for when nothing changed before it
	atOnce      = 64               // steps under way in one place: what waits for a slow node keeps no other from working
)

// Event is a step that begins or ends.
type Event struct {
	When  time.Time
	Index int
	Step  diff.Step
	Ended bool
	Err   error
	Took  time.Duration
}

// walk is one application of a plan: a step runs once everything it needs has succeeded.
type walk struct {
	*Reconciler
	hands    executors.Executor
	round    *Round
	digest   string
	world    map[string]string // see policies.World
	results  []error
	gates    gates
	retrial  *retrial
	patience *patience
	done     []chan struct{}
	slots    map[string]chan struct{} // by the place of a step
}

func (r *Reconciler) apply(ctx context.Context, hands executors.Executor, round *Round) []error {
	n := len(round.Plan.Steps)
	w := &walk{
		Reconciler: r, hands: hands, round: round, digest: round.Plan.Digest(), world: policies.World(round.Plan, round.Have),
		results: make([]error, n), gates: newGates(round.Plan, round.Verdicts), retrial: r.newRetrial(round), patience: newPatience(ctx), done: make([]chan struct{}, n), slots: map[string]chan struct{}{},
	}
	for i, s := range round.Plan.Steps {
		w.done[i] = make(chan struct{})
		if w.slots[s.ID.At] == nil {
			w.slots[s.ID.At] = make(chan struct{}, atOnce)
		}
	}
	defer w.patience.close()
	if err := w.plan(); err != nil {
		return w.all(err)
	}
	var wg sync.WaitGroup
	for i := range w.round.Plan.Steps {
		wg.Go(func() {
			defer close(w.done[i])
			w.results[i] = w.step(ctx, i)
		})
	}
	wg.Wait()
	return w.results
}

// plan puts into the journal that the revision is attempted from now on, so that what it makes can be
// pruned later, and the plan, also an empty one. Without that nothing is done.
func (w *walk) plan() error {
	rev := w.round.Revision
	if err := w.note(history.RunBegan{Inventory: w.Name, Revision: rev.ID, Author: rev.Author, Subject: rev.Subject}); err != nil {
		return err
	}
	return w.note(w.planned(w.round))
}

func (w *walk) all(err error) []error {
	for i := range w.results {
		w.results[i] = err
	}
	return w.results
}

func (w *walk) step(ctx context.Context, i int) error {
	s := w.round.Plan.Steps[i]
	for _, n := range s.Needs {
		<-w.done[n]
		if w.results[n] != nil {
			return ErrBlocked
		}
	}
	for _, n := range s.Heeds {
		<-w.done[n]
	}
	switch {
	case s.Action == diff.Wait:
		return fmt.Errorf("%w: %w", ErrUnknown, s.Err)
	case w.round.Verdicts[i] > policies.Allow:
		return ErrHeld
	}
	if err := w.gates.seen(i, s); err != nil {
		return err
	}
	if s.Action != diff.Check { // who only waits keeps nobody from working
		slots := w.slots[s.ID.At]
		slots <- struct{}{}
		defer func() { <-slots }()
	}
	switch {
	case ctx.Err() != nil:
		return ErrDropped
	case !w.retrial.allows(i):
		return ErrHeld
	}
	return w.act(ctx, i, s)
}

// act writes down what it is about to do, does it, and writes down what came of it.
func (w *walk) act(ctx context.Context, i int, s diff.Step) error {
	what := history.NewStep(s.Change)
	if err := w.note(history.Intent{Revision: w.round.Revision.ID, Plan: w.digest, Step: what}); err != nil {
		return err
	}
	began := w.Now()
	w.tell(Event{When: began, Index: i, Step: s})
	err := w.round.Plan.Masked(w.hand(ctx, i, s.Change))
	took := w.Now().Sub(began)
	w.tell(Event{When: w.Now(), Index: i, Step: s, Ended: true, Err: err, Took: took})
	w.logStep(ctx, s, err, took)
	result := history.Result{Revision: w.round.Revision.ID, Plan: w.digest, Step: what, Took: took, World: w.world[s.Owner]}
	if err != nil {
		result.Err = err.Error()
	}
	return errors.Join(err, w.note(result))
}

// hand lets the executor act. Neither a newer commit nor the end of the process cuts a step in two.
func (w *walk) hand(ctx context.Context, i int, c diff.Change) (err error) {
	limit := stepTimeout
	if c.Action == diff.Check && !w.gates.before[i] {
		limit = lonelyGate
	}
	base := context.WithoutCancel(ctx)
	if c.Action == diff.Check {
		base = w.patience.gates
	} else {
		w.patience.works()
		defer func() { w.patience.done(err) }()
	}
	acting, cancel := context.WithTimeout(base, limit)
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		w.linger(ctx, acting, c.Action)
		cancel()
	})()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("apply %s: the executor failed: %v", c.ID, p)
		}
	}()
	return w.hands.Apply(acting, c)
}

// linger returns when a step need not be waited for any longer although ctx has ended. A gate changes
// nothing, and may never hold; a newer commit waits for other steps; the end of the process does not
// wait for long.
func (w *walk) linger(ctx, acting context.Context, a diff.Action) {
	if a == diff.Check {
		return
	}
	if errors.Is(context.Cause(ctx), errNewer) {
		select {
		case <-acting.Done():
			return
		case <-w.stopping:
		}
	}
	grace := time.NewTimer(stopGrace)
	defer grace.Stop()
	select {
	case <-acting.Done():
	case <-grace.C:
	}
}

func (w *walk) note(e history.Entry) error {
	if w.Journal == nil {
		return nil
	}
	if err := w.Journal.Append(e); err != nil {
		return fmt.Errorf("%w: %w", ErrJournal, err)
	}
	return nil
}

func (w *walk) tell(e Event) {
	if w.Watch != nil {
		w.Watch(e)
	}
}

func (w *walk) logStep(ctx context.Context, s diff.Step, err error, took time.Duration) {
	attrs := []slog.Attr{slog.String("id", s.ID.String()), slog.String("action", s.Action.String()), slog.Duration("took", took)}
	switch {
	case err == nil:
		w.logger().LogAttrs(ctx, slog.LevelInfo, "applied", attrs...)
	case errors.Is(err, executors.ErrMoved):
		w.logger().LogAttrs(ctx, slog.LevelInfo, "moved", attrs...)
	default:
		w.logger().LogAttrs(ctx, slog.LevelWarn, "step failed", append(attrs, slog.Any("err", err))...)
	}
}
