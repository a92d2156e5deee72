package reconcile

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/sources"
)

// Daemon serves one inventory: it follows a source and runs, for ever.
type Daemon struct {
	*Reconciler
	Source   sources.Source
	Interval time.Duration // between looks at a converged fleet; 0 means one minute
	Metrics  *Metrics      // nil counts nothing
	Beside   []Companion   // what goes on beside the loop
	Tries    int           // failed runs in a row after which a revision is bad; 0 means three, less than none never

	latest    atomic.Pointer[sources.Revision]
	status    atomic.Pointer[Status]
	fetch     atomic.Pointer[error]         // why the source gives nothing newer, nil when it does
	changed   atomic.Pointer[chan struct{}] // closed when status is a new one
	hands     atomic.Pointer[executors.Executor]
	wake      chan struct{} // capacity one: events carry no data
	attention *attention
	glances   glances
	// previewing has room for one: looking for strangers must not keep the fleet's own rounds from it.
	previewing chan struct{}
	remotes    remotes
	news       sync.Mutex // held to set latest and wake, and to be awake and read it: one event, one run
	drop       atomic.Pointer[context.CancelCauseFunc]
	retired    atomic.Bool
	accepted   *sources.Revision // the newest that could be acted on; the loop's own
	suspicion  suspicion
	returned   string // the bad revision from which the last return was counted
	complaint  string // what was said last of a revision that cannot be acted on
}

const (
	defaultInterval = time.Minute
	firstBackoff    = 2 * time.Second
	lastBackoff     = 5 * time.Minute
	inboxInterval   = time.Second // how soon a word of somebody is heard
)

// NewDaemon makes a daemon ready to Serve.
func NewDaemon(r *Reconciler, src sources.Source, interval time.Duration, m *Metrics) *Daemon {
	d := &Daemon{Reconciler: r, Source: src, Interval: interval, Metrics: m, wake: make(chan struct{}, 1), previewing: make(chan struct{}, 1), attention: newAttention()}
	d.Reach, d.looking = d.remembering(r.Reach), d.attention.forget
	m.keeps(r.Name, r.Journal)
	if d.Interval <= 0 {
		d.Interval = defaultInterval
	}
	d.paint(&Status{Inventory: r.Name, State: Starting, Since: r.Now()})
	return d
}

// Serve runs until ctx ends; what is under way then gets a grace to finish.
func (d *Daemon) Serve(ctx context.Context) error {
	d.stopping = ctx.Done()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() { d.follow(ctx) })
	wg.Go(func() { d.listen(ctx) })
	for _, b := range d.Beside {
		wg.Go(func() { b.Serve(ctx) })
	}
	d.loop(ctx)
	stop()
	wg.Wait()
	return nil
}

// Fetch makes the source look at its repository at once, if it is one that waits between looks.
func (d *Daemon) Fetch() {
	if s, ok := d.Source.(sources.Waker); ok {
		s.Wake()
	}
	for _, b := range d.Beside {
		b.Wake()
	}
}

// Companion goes on beside the loop of a daemon. It keeps the loop from nothing: Serve ends with its context, and Wake,
// which says that something may have changed where the repository is kept, returns at once.
type Companion interface {
	Serve(ctx context.Context)
	Wake()
}

// Wake makes the daemon look at the fleet at once.
func (d *Daemon) Wake() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// follow keeps latest at the newest revision. After an error it asks for any revision, so that it hears
// of the source's recovery also when nothing is new.
func (d *Daemon) follow(ctx context.Context) {
	ctx = sources.WithLooks(ctx, func(took time.Duration) { d.Metrics.looked(d.Name, took) })
	ctx = sources.WithRemotes(ctx, d.heard)
	after, failures := "", 0
	for ctx.Err() == nil {
		rev, err := d.Source.Next(ctx, after)
		if ctx.Err() != nil {
			return
		}
		d.Metrics.fetched(d.Name, rev, err)
		if err != nil {
			failures++
			after = ""
			d.missed(err)
			sleep(ctx, backoff(failures))
			continue
		}
		failures, after = 0, rev.ID
		d.got(rev)
	}
}

func (d *Daemon) missed(err error) {
	d.fetch.Store(&err)
	d.logger().Warn("fetch failed", slog.Any("err", err))
	d.Wake()
}

// got takes a revision in, and lets the run of an older one end early.
func (d *Daemon) got(rev sources.Revision) {
	d.news.Lock()
	defer d.news.Unlock()
	d.fetch.Store(nil)
	if old := d.latest.Load(); old == nil || old.ID != rev.ID {
		d.latest.Store(&rev)
		if cancel := d.drop.Load(); cancel != nil {
			(*cancel)(errNewer)
		}
	}
	d.Wake()
}

// listen takes in what people decided while the daemon runs.
func (d *Daemon) listen(ctx context.Context) {
	if d.Journal == nil {
		return
	}
	failures := 0
	for ctx.Err() == nil {
		decisions, err := d.Journal.Collect()
		if len(decisions) > 0 {
			d.Wake()
		}
		if err == nil {
			failures = 0
			sleep(ctx, inboxInterval)
			continue
		}
		failures++
		d.logger().Warn("a decision cannot be taken in", slog.Any("err", err))
		sleep(ctx, backoff(failures))
	}
}

// takeIn hears what people have decided before a run begins, so that it counts from its first round on: who has said that
// hands are to be kept off may commit right after that.
func (d *Daemon) takeIn() {
	if d.Journal == nil {
		return
	}
	if _, err := d.Journal.Collect(); err != nil {
		d.logger().Warn("a decision cannot be taken in", slog.Any("err", err))
	}
}

// loop runs for the newest revision, then waits for the next reason to look.
func (d *Daemon) loop(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil && !d.retired.Load() {
		wait := d.Interval
		d.glances.last = nil
		if rev := d.awake(); rev != nil {
			if d.once(ctx, *rev) {
				failures = 0
			} else {
				failures++
				wait = min(wait, backoff(failures))
			}
		} else {
			d.report(nil, nil)
		}
		d.rest(ctx, jitter(wait))
	}
}

// awake takes note of every event so far, and gives the newest revision, nil when there is none yet.
func (d *Daemon) awake() *sources.Revision {
	d.news.Lock()
	defer d.news.Unlock()
	select {
	case <-d.wake:
	default:
	}
	return d.latest.Load()
}

// once runs for a revision; it reports whether the run ended well, held included.
func (d *Daemon) once(ctx context.Context, rev sources.Revision) bool {
	run, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	d.drop.Store(&cancel)
	defer d.drop.Store(nil)
	if newest := d.latest.Load(); newest.ID != rev.ID {
		return true // it came between: the loop starts on it
	}
	d.takeIn()
	if q, bad := d.quarantined(rev.ID); bad {
		return d.goBack(run, rev, q)
	}
	d.begun = d.begins
	round, err := d.Run(run, rev, d.at(run), func(r *Round) { d.report(r, nil) })
	switch {
	case run.Err() != nil:
		return true
	case err != nil:
		d.complain(rev, err)
		d.refuse(rev, err)
		d.heal(run, rev, err)
		return false
	}
	d.accepted, d.complaint = &rev, ""
	d.suspects(rev, round)
	d.glances.last = round
	return round.Outcome() != Failed
}

// complain tells the log why a revision cannot be acted on, once for each reason: the loop looks at it every minute.
func (d *Daemon) complain(rev sources.Revision, err error) {
	text := rev.ID + " " + err.Error()
	if text == d.complaint {
		return
	}
	d.complaint = text
	d.logger().Error("the revision cannot be acted on", slog.String("revision", rev.ID), slog.Any("err", err))
}

func (d *Daemon) at(ctx context.Context) func(string) (sources.Revision, error) {
	return func(id string) (sources.Revision, error) { return d.Source.At(ctx, id) }
}

// heal keeps the last revision that could be acted on in force as long as the newest cannot.
func (d *Daemon) heal(ctx context.Context, refused sources.Revision, why error) {
	rev := d.lastAccepted(ctx)
	if rev == nil || rev.ID == refused.ID {
		return
	}
	d.begun = nil // what is shown is the newest, which is refused
	report := func(r *Round) { d.publish(rejected(StatusOf(d.Name, r), refused, why), why) }
	if _, err := d.Run(ctx, *rev, d.at(ctx), report); err != nil && ctx.Err() == nil {
		d.logger().Error("the revision before it cannot be acted on, either", slog.String("revision", rev.ID), slog.Any("err", err))
	}
}

// lastAccepted is, when the daemon has just been started, what converged last.
func (d *Daemon) lastAccepted(ctx context.Context) *sources.Revision {
	if d.accepted != nil || d.Journal == nil {
		return d.accepted
	}
	if id, ok := d.Journal.LastConverged(); ok {
		rev, err := d.Source.At(ctx, id)
		if err != nil {
			d.logger().Warn("the last revision that converged is gone", slog.String("revision", id), slog.Any("err", err))
			return nil
		}
		d.accepted = &rev
	}
	return d.accepted
}

func backoff(failures int) time.Duration {
	d := firstBackoff << min(failures-1, 10)
	return jitter(min(d, lastBackoff))
}

// jitter spreads d by a tenth to either side.
func jitter(d time.Duration) time.Duration {
	return d + time.Duration((rand.Float64()-0.5)*0.2*float64(d))
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
