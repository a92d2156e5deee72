package reconcile

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/resource"
)

const (
	// clueTime bounds the asking for clues: what has drifted is put right after it.
	clueTime = 4 * time.Second
	// clueWindow is how long before the first sight of a drift clues are of interest.
	clueWindow = 30 * time.Minute
	// maxAsked bounds the resources of a round of which clues are asked for, maxClues what is kept of each.
	maxAsked = 100
	maxClues = 12
)

// Drift is a resource that has moved away from a commit that had converged.
type Drift struct {
	ID     resource.ID     `json:"id"`
	Owner  string          `json:"owner"`
	Layer  string          `json:"layer"` // where it deviates: file, unit, package, kernel, dcs, instance, sql, backup, etcd
	Since  time.Time       `json:"since"` // when it was first seen, also by an earlier process
	Origin string          `json:"origin,omitempty"`
	Fields []Deviation     `json:"fields,omitempty"`
	Clues  []resource.Clue `json:"clues,omitempty"` // who was there, and what was done; the newest first
}

// Deviation is a field of it. What is secret is masked.
type Deviation struct {
	Field  string `json:"field"`
	Found  string `json:"found"`
	Wanted string `json:"wanted"`
}

// drifts are what has drifted in a round, with what is remembered of it.
func (r *Reconciler) drifts(round *Round) (all []Drift) {
	known := r.knownDrifts()
	for _, s := range round.Plan.Steps {
		if !round.drift(s) || !acts(s) || onlyNoted(s) {
			continue
		}
		d := Drift{ID: s.ID, Owner: s.Owner, Layer: resource.LayerOf(s.ID.Kind), Since: round.Began, Origin: s.Origin.String()}
		if before, ok := known[s.ID]; ok {
			d.Since, d.Clues = before.Since, before.Clues
		}
		for _, f := range round.Plan.Shown(s.Change) {
			d.Fields = append(d.Fields, Deviation{Field: f.Path, Found: f.Have, Wanted: f.Want})
		}
		all = append(all, d)
	}
	slices.SortStableFunc(all, func(a, b Drift) int { return cmp.Or(a.Since.Compare(b.Since), a.ID.Compare(b.ID)) })
	return all
}

// onlyNoted tells whether a step does no more than renew a note of ours.
func onlyNoted(s diff.Step) bool {
	return s.Action == diff.Update && !slices.ContainsFunc(s.Fields, func(f resource.Field) bool { return f.Path != resource.Noted })
}

func (r *Reconciler) knownDrifts() map[resource.ID]history.Drift {
	if r.Journal == nil {
		return nil
	}
	return r.Journal.Drifts()
}

// inquire asks for clues of what has just drifted, before they are covered by its being put right, and writes
// down what began and what ended.
func (r *Reconciler) inquire(ctx context.Context, hands executors.Executor, round *Round) {
	known := r.knownDrifts()
	news := history.Drifted{Revision: round.Revision.ID}
	var fresh []resource.ID
	for _, d := range round.Drifts {
		if _, old := known[d.ID]; !old {
			fresh = append(fresh, d.ID)
		}
	}
	fresh = fresh[:min(len(fresh), max(history.MaxDrifts-len(known), 0))]
	clues := r.cluesOf(ctx, hands, round, fresh)
	round.Drifts = slices.Clone(round.Drifts)
	for i, d := range round.Drifts {
		if !slices.Contains(fresh, d.ID) {
			continue
		}
		d.Clues = clues[d.ID]
		round.Drifts[i] = d
		news.Began = append(news.Began, history.Drift{ID: d.ID, Owner: d.Owner, Since: d.Since, Clues: d.Clues})
	}
	for id := range known {
		if !round.differs(id) {
			news.Ended = append(news.Ended, id)
		}
	}
	slices.SortFunc(news.Ended, resource.ID.Compare)
	if len(news.Began) > 0 || len(news.Ended) > 0 && len(round.Plan.Steps) > 0 { // a fleet that has converged says so
		r.append(news)
	}
}

// differs tells whether a resource is among the steps of a round, as something that is not known, too.
func (r *Round) differs(id resource.ID) bool {
	return slices.ContainsFunc(r.Plan.Steps, func(s diff.Step) bool { return s.ID == id })
}

func (r *Reconciler) cluesOf(ctx context.Context, hands executors.Executor, round *Round, ids []resource.ID) map[resource.ID][]resource.Clue {
	q := executors.InquirerOf(hands)
	if q == nil || len(ids) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, clueTime)
	defer cancel()
	found := q.Inquire(ctx, ids[:min(len(ids), maxAsked)], round.Began.Add(-clueWindow))
	for id, clues := range found {
		slices.SortStableFunc(clues, func(a, b resource.Clue) int { return b.When.Compare(a.When) })
		clues = clues[:min(len(clues), maxClues)]
		for i := range clues {
			if round.Plan.Mask != nil {
				clues[i].What, clues[i].Who = round.Plan.Mask(clues[i].What), round.Plan.Mask(clues[i].Who)
			}
		}
		found[id] = clues
	}
	return found
}

// since is when a drift was first seen, zero when it is none.
func (r *Round) driftSince(id resource.ID) time.Time {
	for _, d := range r.Drifts {
		if d.ID == id {
			return d.Since
		}
	}
	return time.Time{}
}
