package reconcile

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/sources"
)

const (
	wordLife      = 24 * time.Hour   // how long a word counts that was given in a commit or a review
	outsideLimit  = 15 * time.Second // for those who are asked beside the fleet
	reviewedBytes = 200              // of who gave a word
)

// word is what somebody agreed to where it may be taken back.
type word struct{ by, digest string }

// hear asks the witnesses who else has agreed to exactly this plan, when something of it is held, and tells whether
// anybody has. What they say counts in this judgement; with the journal's help it counts once. A witness who does
// not answer has nothing to say.
func (r *Reconciler) hear(ctx context.Context, round *Round) bool {
	if len(r.Witnesses) == 0 || !slices.ContainsFunc(round.Verdicts, func(v policies.Verdict) bool { return v == policies.Hold }) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, outsideLimit)
	defer cancel()
	digest := round.Plan.Digest()
	for _, w := range r.Witnesses {
		words, err := w.Words(ctx, round.Revision.ID)
		if err != nil {
			r.logger().Warn("nobody can tell who has agreed to the plan", slog.Any("err", err))
			continue
		}
		for _, w := range words {
			if w.Digest == digest && (r.Journal == nil || !r.Journal.Decided(w.ID)) {
				round.words = append(round.words, r.approval(round, w))
			}
			round.stand = append(round.stand, word{cleanName(w.By), w.Digest})
		}
	}
	return len(round.words)+len(round.stand) > 0
}

// takenBack tells whether an approval was given in a review that nobody says stands: it was dismissed, edited or
// taken back since, or the forge does not answer.
func (r *Round) takenBack(a policies.Approval) bool {
	return a.Via == policies.ViaReview && !slices.Contains(r.stand, word{a.By, a.Digest})
}

func cleanName(by string) string { return sources.Clean(by, reviewedBytes) }

// approval is what a word agrees to. One from the future was written by a clock that is ahead.
func (r *Reconciler) approval(round *Round, w sources.Word) history.Approved {
	now := r.Now()
	when := w.When
	if when.After(now) {
		when = now
	}
	planned := r.planned(round)
	a := planned.Approval(cleanName(w.By), when, when.Add(r.lifeOfWords()))
	a.Via = w.Via
	return history.Approved{Approval: a, Decision: w.ID}
}

func (r *Reconciler) lifeOfWords() time.Duration {
	if r.WordLife > 0 {
		return r.WordLife
	}
	return wordLife
}

// planned is what to remember of a round's plan.
func (r *Reconciler) planned(round *Round) history.Planned {
	p := history.NewPlanned(round.Revision.ID, round.Plan, round.Verdicts, round.Objections)
	p.World = policies.World(round.Plan, round.Have)
	return p
}

// record writes down what the judgement of a round has learned: words that were given elsewhere, and owners
// that were seen in sync.
func (r *Reconciler) record(round *Round) {
	for _, w := range round.words {
		r.append(w)
	}
	if owners := r.inSync(round); len(owners) > 0 {
		r.append(history.Adopted{Owners: owners})
	}
}

// inSync are the owners that nothing is to be done for and nothing is unknown of, and that were not so before. They
// are noted where somebody wants to know only.
func (r *Reconciler) inSync(round *Round) (owners []string) {
	if !r.Adopts || r.Journal == nil {
		return nil
	}
	differs := map[string]bool{}
	for _, s := range round.Plan.Steps {
		if s.Action != diff.Check {
			differs[s.Owner] = true
		}
	}
	known := round.judged.Memory.Adopted
	for res := range round.Want.All() {
		if owner := res.Owner; !differs[owner] && !round.Frozen[owner] && !known[owner] {
			differs[owner] = true // named once
			owners = append(owners, owner)
		}
	}
	return owners
}

// measure asks for what the judges want to know of the world beside the fleet, when there is something to judge.
func (r *Reconciler) measure(ctx context.Context, p *diff.Plan) map[string]policies.Sample {
	acts := func(s diff.Step) bool { return s.Action != diff.Check && s.Action != diff.Wait }
	if r.Measure == nil || !slices.ContainsFunc(p.Steps, acts) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, outsideLimit)
	defer cancel()
	return r.Measure(ctx)
}
