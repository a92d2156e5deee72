package reconcile

import (
	"context"
	"log/slog"
	"time"

	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/sources"
)

// defaultTries is how many runs for a revision may fail, one after the other, before it is taken for bad.
const defaultTries = 3

// grudge is for how long a revision must have failed, however often it was tried: a package source that is away for
// a moment makes no commit bad.
const grudge = 5 * time.Minute

// Quarantine is a revision that is known to be bad, and the one that is in force instead.
type Quarantine struct {
	Revision string `json:"revision"`
	Return   string `json:"return"`
	By       string `json:"by,omitempty"` // "" where its convergence has failed
	Reason   string `json:"reason"`
}

// suspicion counts the runs that failed for a revision. It is the loop's own.
type suspicion struct {
	revision string
	failures int
	since    time.Time // of the first of them
}

// tries is how many runs may fail; below zero any number.
func (d *Daemon) tries() int {
	if d.Tries == 0 {
		return defaultTries
	}
	return d.Tries
}

// hardens counts one more failure, and tells whether that makes it enough of them, for long enough.
func (s *suspicion) hardens(now time.Time, tries int) bool {
	if s.failures++; s.failures == 1 {
		s.since = now
	}
	return tries > 0 && s.failures >= tries && now.Sub(s.since) >= grudge
}

// suspects takes a revision for bad once its runs have failed too often, for too long: what it changed does not become
// well. One that has converged before is not to blame for what differs now, nor is one that has done nothing; and
// where something is unknown nobody can tell.
func (d *Daemon) suspects(rev sources.Revision, round *Round) {
	if d.suspicion.revision != rev.ID {
		d.suspicion = suspicion{revision: rev.ID}
	}
	if round.Outcome() != Failed || round.unknown() || round.Settled || d.Journal == nil || !d.Journal.Acted(rev.ID) {
		d.suspicion.failures = 0
		return
	}
	if !d.suspicion.hardens(d.Now(), d.tries()) {
		return
	}
	good, ok := d.Journal.LastGood(rev.ID)
	if !ok {
		return
	}
	reason := "its convergence has failed"
	if causes := round.Causes(); len(causes) > 0 {
		reason += ": " + causes[0].Error()
	}
	d.logger().Error("the revision is in quarantine", slog.String("revision", rev.ID), slog.String("return", good), slog.String("reason", reason))
	d.append(history.Quarantined{Revision: rev.ID, Return: good, Reason: reason})
	d.Wake()
}

// quarantined tells whether a revision is known to be bad.
func (d *Daemon) quarantined(revision string) (q history.Quarantined, bad bool) {
	if d.Journal == nil {
		return q, false
	}
	d.Metrics.Quarantined(d.Name, len(d.Journal.Bad()))
	return d.Journal.Quarantined(revision)
}

// goBack runs for the revision that is in force instead of a bad one; it reports whether that ended well. Nothing is
// done on the way that cannot be undone in turn.
func (d *Daemon) goBack(ctx context.Context, rev sources.Revision, q history.Quarantined) bool {
	good, err := d.Source.At(ctx, q.Return)
	if err != nil {
		d.logger().Error("the revision to return to is gone", slog.String("revision", q.Return), slog.Any("err", err))
		d.publish(isolated(&Status{Inventory: d.Name, Since: d.Now(), Seen: d.Now()}, rev, q), err)
		return false
	}
	d.returning = true
	defer func() { d.returning = false }()
	d.begun = nil // what is shown is the newest, which is bad
	clusters := map[string]bool{}
	report := func(r *Round) {
		touches(clusters, r)
		d.publish(isolated(StatusOf(d.Name, r), rev, q), nil)
	}
	round, err := d.Run(ctx, good, d.at(ctx), report)
	switch {
	case ctx.Err() != nil:
		return true
	case err != nil:
		d.logger().Error("the earlier revision cannot be acted on", slog.String("revision", good.ID), slog.Any("err", err))
		d.publish(isolated(&Status{Inventory: d.Name, Since: d.Now(), Seen: d.Now()}, rev, q), err)
		return false
	}
	d.accepted = &good
	d.countReturn(q, round, clusters)
	return round.Outcome() != Failed
}

// touches adds the clusters that a round does something to.
func touches(clusters map[string]bool, r *Round) {
	for _, s := range r.Plan.Steps {
		if acts(s) {
			clusters[unitOf(s.Owner).cluster] = true
		}
	}
}

// countReturn counts a return once, when it has ended one way or the other, for each cluster that it touched.
func (d *Daemon) countReturn(q history.Quarantined, round *Round, clusters map[string]bool) {
	if d.returned == q.Revision {
		return
	}
	d.returned = q.Revision
	result := "ok"
	switch round.Outcome() {
	case Failed:
		result = "failed"
	case Held:
		result = "refused"
	case Converged, Progressed:
	}
	for cluster := range clusters {
		d.Metrics.RolledBack(d.Name, cluster, result)
	}
}

// isolated makes s tell of a bad revision; the rest is of the one in force.
func isolated(s *Status, rev sources.Revision, q history.Quarantined) *Status {
	s.State, s.Revision, s.Author, s.Subject = Isolated, rev.ID, rev.Author, rev.Subject
	s.Quarantine = &Quarantine{Revision: q.Revision, Return: q.Return, By: q.By, Reason: q.Reason}
	return s
}

// Returnable says what a return from a revision would go back to: the newest one that converged and is not bad.
func Returnable(j *history.Journal, revision string) (from, to string, ok bool) {
	if j == nil {
		return "", "", false
	}
	if from = revision; from == "" {
		from = j.Newest()
	}
	to, ok = j.LastGood(from)
	return from, to, ok && from != ""
}
