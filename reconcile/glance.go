package reconcile

import (
	"context"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

const (
	// maxPhases bounds how often a converged fleet is compiled in an interval: the places are asked in so
	// many groups, one after the other.
	maxPhases = 12
	// backstop is after how many intervals the whole fleet is looked at, whatever its parts have shown.
	backstop = 10
)

// glances is what the loop remembers to look at parts of the fleet between its runs. It is the loop's own.
type glances struct {
	last   *Round // the newest picture of the fleet, nil when there is none to compare with
	latest time.Time
}

// failed tells whether something did not succeed: that is tried again in its own time.
func (g *glances) failed() bool { return g.last.Outcome() == Failed }

// idle tells whether nothing may be done but to look.
func (g *glances) idle() bool { return g.last != nil && g.last.idle() && !g.failed() }

// rest waits for an event, for wait at the longest. Where something stirs is looked at meanwhile, and when nothing
// may be done all of the fleet in turns.
func (d *Daemon) rest(ctx context.Context, wait time.Duration) {
	if d.glances.idle() {
		wait = max(wait, backstop*d.Interval)
	}
	end := time.NewTimer(wait)
	defer end.Stop()
	for {
		glance := d.untilGlance()
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
			return
		case <-end.C:
			return
		case <-d.attention.bell:
		case <-glance:
			again := d.glance(ctx)
			d.Metrics.glanced(d.Name, again)
			if again {
				return
			}
		}
	}
}

// untilGlance ends when the next place is due; it is nil when none is.
func (d *Daemon) untilGlance() <-chan time.Time {
	if d.glances.last == nil {
		return nil
	}
	next := d.attention.next()
	for i, turn := range d.turns() {
		if due := d.phase(i, turn); next.IsZero() || due.Before(next) {
			next = due
		}
	}
	if next.IsZero() {
		return nil
	}
	return time.After(max(next.Sub(d.Now()), d.glances.latest.Add(betweenGlances).Sub(d.Now()), 0))
}

// turns are the places that are asked together. While something is left to do the whole is looked at soon.
func (d *Daemon) turns() [][]string {
	if !d.glances.idle() {
		return nil
	}
	return d.attention.turns(d.glances.last.Looked)
}

// phase is when a turn is asked next: each has its own moment in every interval. Who was looked at a short
// while ago, out of turn, is left out once.
func (d *Daemon) phase(i int, turn []string) time.Time {
	looked := d.glances.last.oldest(turn)
	from := looked.Add(d.Interval / 2)
	moment := d.Interval / maxPhases * time.Duration(i%maxPhases)
	ahead := (moment - time.Duration(from.UnixNano()%int64(d.Interval))) % d.Interval
	if ahead < 0 {
		ahead += d.Interval
	}
	return from.Add(ahead)
}

// oldest is when those places were looked at that were looked at the longest ago.
func (r *Round) oldest(places []string) (first time.Time) {
	for _, at := range places {
		if when := r.lookedAt(at); first.IsZero() || when.Before(first) {
			first = when
		}
	}
	return first
}

// lookedAt is when a place was last looked at.
func (r *Round) lookedAt(at string) time.Time {
	if when, ok := r.Looked[at]; ok {
		return when
	}
	return r.Began
}

// since is since when every place was looked at.
func (r *Round) since() time.Time {
	if len(r.Looked) == 0 {
		return r.Began
	}
	return r.oldest(slices.Collect(maps.Keys(r.Looked)))
}

// glance looks at the places that are due. It tells whether a run is needed: there is another plan, or
// something of the old one may be done now. Nothing is done after a glance, but after a look at the whole.
func (d *Daemon) glance(ctx context.Context) (again bool) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	d.drop.Store(&cancel)
	defer d.drop.Store(nil)
	now, last := d.Now(), d.glances.last
	if newest := d.latest.Load(); newest == nil || newest.ID != last.Revision.ID {
		return true
	}
	taken := d.attention.take(now)
	due := map[string]bool{}
	for at := range taken {
		due[at] = true
	}
	for i, turn := range d.turns() {
		for _, at := range turn {
			due[at] = due[at] || !d.phase(i, turn).After(now)
		}
	}
	seen := d.look(ctx, func(id resource.ID) bool { return due[id.At] })
	if ctx.Err() != nil {
		return true
	}
	d.glances.latest = d.Now()
	changed := changes(last.Have, seen)
	d.attention.settle(taken, func(id resource.ID) bool {
		_, ours := last.Have[id] // a key of a cluster is not
		return changed[id] || !ours && changed[anything(id.At)]
	}, d.glances.latest)
	next, err := d.compose(ctx, last, seen, len(changed) > 0)
	if err != nil {
		d.logger().Warn("a part of the fleet was looked at, and the whole cannot be judged", slog.Any("err", err))
		return true
	}
	if next.Plan.Digest() != last.Plan.Digest() || d.glances.idle() && !next.idle() {
		return true
	}
	next.Looked = maps.Clone(last.Looked)
	for at := range next.Looked {
		if due[at] {
			next.Looked[at] = now
		}
	}
	d.noteRestarts(next)
	d.glimpsed(next)
	return false
}

// look asks for what the last round had to know of some places.
func (d *Daemon) look(ctx context.Context, due func(resource.ID) bool) map[resource.ID]resource.State {
	hands := d.hands.Load()
	if hands == nil {
		return nil
	}
	l := newLook(*hands, d.Now)
	l.see(ctx, slices.DeleteFunc(slices.Clone(d.remembered), func(id resource.ID) bool { return !due(id) }))
	return l.seen
}

// changes are the ids whose state is another one, and of each place of theirs anything.
func changes(before, now map[resource.ID]resource.State) map[resource.ID]bool {
	changed := map[resource.ID]bool{}
	for id, s := range now {
		if !same(before[id], s) {
			changed[id], changed[anything(id.At)] = true, true
		}
	}
	return changed
}

func same(a, b resource.State) bool {
	if a.Err != nil && b.Err != nil {
		return a.Err.Error() == b.Err.Error()
	}
	return a.Err == nil && b.Err == nil && reflect.DeepEqual(a.Spec, b.Spec)
}

// compose is the round that the last one would be with what was seen since. Where nothing differs, and nothing
// waits for a time or for somebody's word, it is the same. What became of one that failed stays as it is beside
// what was seen: to try it again at every stir would be to stir.
func (d *Daemon) compose(ctx context.Context, last *Round, seen map[resource.ID]resource.State, changed bool) (*Round, error) {
	next := *last
	if !changed && len(last.Plan.Steps) == 0 {
		return &next, nil
	}
	next.Have = maps.Clone(last.Have)
	maps.Copy(next.Have, seen)
	if d.glances.failed() {
		return &next, nil
	}
	judged, _, err := d.assess(ctx, last.Revision, d.Priors(last.Revision, d.at(ctx)), next.Have)
	if err != nil {
		return nil, err
	}
	judged.Results, judged.Took, judged.Observed, judged.Drifts = last.Results, last.Took, last.Observed, last.Drifts
	return judged, nil
}

// glimpsed publishes a picture of which parts are newer.
func (d *Daemon) glimpsed(next *Round) {
	d.glances.last = next
	s := StatusOf(d.Name, next)
	s.Error = d.status.Load().Error
	d.keepWatch()
	d.show(s)
	d.Metrics.glimpsed(s)
}

// keepWatch lets those watch who can over what the fleet was last asked for.
func (d *Daemon) keepWatch() {
	if w := d.watcher(); w != nil {
		w.Watch(d.remembered, func(s executors.Stir) {
			d.Metrics.stirred(d.Name)
			d.attention.stir(s, d.Now())
		})
	}
}

func (d *Daemon) watcher() executors.Watcher {
	hands := d.hands.Load()
	if hands == nil {
		return nil
	}
	return executors.WatcherOf(*hands)
}
