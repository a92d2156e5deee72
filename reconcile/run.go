package reconcile

import (
	"context"
	"errors"
	"log/slog"

	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/sources"
)

// maxRounds bounds a run: a fleet that still changes after so many rounds has somebody else's hands
// in it.
const maxRounds = 40

var errNoEnd = errors.New("the fleet still differs after the last round of the run: somebody else may be changing it")

// Run goes round after round until there is nothing to do, nothing that may be done, or no
// progress. It returns the last round; without one, the error says why rev could not be acted on at
// all. A run that ctx ended is no failure. report is told of every round and may be nil.
func (r *Reconciler) Run(ctx context.Context, rev sources.Revision, at func(id string) (sources.Revision, error), report func(*Round)) (*Round, error) {
	priors := r.Priors(rev, at)
	for n := 1; ; n++ {
		round, err := r.Round(ctx, rev, priors)
		if err != nil && ctx.Err() == nil {
			r.append(history.Failed{Revision: rev.ID, Err: err.Error()})
		}
		if err != nil {
			return nil, err
		}
		round.endless = n == maxRounds && round.Outcome() == Progressed
		if report != nil {
			report(round)
		}
		switch outcome := round.Outcome(); {
		case ctx.Err() != nil && outcome != Converged:
			return round, nil // it was stopped, and has not ended
		case outcome != Progressed:
			r.end(rev, round, n)
			return round, nil
		}
	}
}

func (r *Reconciler) end(rev sources.Revision, round *Round, n int) {
	switch round.Outcome() {
	case Converged:
		r.append(history.Converged{Revision: rev.ID, Round: n})
	case Held:
		r.append(history.Held{Revision: rev.ID, Plan: round.Plan.Digest(), Steps: len(round.Plan.Steps), Left: round.onlyOrphans()})
	case Failed:
		cause := "no progress"
		if causes := round.Causes(); len(causes) > 0 {
			cause = causes[0].Error()
		}
		r.append(history.Failed{Revision: rev.ID, Plan: round.Plan.Digest(), Err: cause})
	case Progressed:
	}
}

// append writes to the journal, if there is one. That it cannot be written does not stop the
// watching: the round finds it out for itself and does nothing. It tells whether e need not be told again.
func (r *Reconciler) append(e history.Entry) bool {
	if r.Journal == nil {
		return true
	}
	err := r.Journal.Append(e)
	if err != nil {
		r.logger().Error("the journal cannot be written: differences are reported only", slog.Any("err", err))
	}
	return err == nil
}

// Priors are the revisions that may have made something which is still there, the newest first: the
// last that converged, and every one attempted since.
func (r *Reconciler) Priors(rev sources.Revision, at func(string) (sources.Revision, error)) []sources.Revision {
	if r.Journal == nil || at == nil {
		return nil
	}
	attempted := r.Journal.Attempted()
	var out []sources.Revision
	for i := len(attempted) - 1; i >= 0; i-- {
		if attempted[i] == rev.ID {
			continue
		}
		past, err := at(attempted[i])
		if err != nil {
			r.logger().Warn("an earlier revision is gone: what only it made is not pruned",
				slog.String("revision", attempted[i]), slog.Any("err", err))
			continue
		}
		out = append(out, past)
	}
	return out
}
