package reconcile

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
	"github.com/pigsync/pigsync/sources"
)

// Reconciler makes a fleet agree with an inventory.
type Reconciler struct {
	Name     string            // of the inventory, for status and metrics
	File     string            // its path inside a revision's tree
	Access   inventory.Options // what opens its secrets
	Modules  []*modules.Module
	Policies []*policies.Policy
	// Reach gives the hands for the places an inventory names. It is called every round.
	Reach   func(resource.Places) executors.Executor
	Journal *history.Journal // nil remembers nothing and prunes nothing
	Now     func() time.Time
	Log     *slog.Logger // nil is silent
	// Measure asks for the samples that judges want to see. It may be nil.
	Measure func(context.Context) map[string]policies.Sample
	// Witnesses know who has agreed to a plan in a commit or a review. A word counts for WordLife, 0 means a day.
	Witnesses []sources.Witness
	WordLife  time.Duration
	// Adopts notes which owners were seen in sync.
	Adopts bool
	// Mode says what is done to an owner without asking, in a word for people; nil means "heal" everywhere.
	Mode func(owner string) string
	// Strict refuses a commit with any error, instead of freezing the owners concerned.
	Strict bool
	// Watch is told of every step that begins and ends; it may be nil. It must be quick, and is called
	// from many goroutines at once.
	Watch func(Event)

	remembered []resource.ID // what the last round had to know, to look at it in one go
	machines   machines      // as they were last seen
	lastRead   *inventory.Inventory
	waiting    waiting
	returning  bool            // to an earlier revision, because the newest is bad
	looking    func()          // told that the whole fleet is about to be looked at; nil nobody
	begun      func(*Round)    // told what a round is about to do; nil nobody
	stopping   <-chan struct{} // closed when the process is to end; nil never
}

// Round is one pass and what came of it.
type Round struct {
	Began      time.Time
	Took       time.Duration
	Observed   time.Duration // of Took, what looking took
	Revision   sources.Revision
	Problems   []inventory.Problem
	Frozen     map[string]bool
	Want       *resource.Set
	Have       map[resource.ID]resource.State
	Plan       *diff.Plan
	Verdicts   []policies.Verdict
	Objections []policies.Objection
	Results    []error // one a step: nil when it succeeded
	// Drifts are what has moved away from a commit that had converged, the oldest first.
	Drifts []Drift
	// Restarts are the members of PostgreSQL clusters that wait for one, the oldest first.
	Restarts []PendingRestart
	// Looked tells of each place when it was last looked at.
	Looked  map[string]time.Time
	Settled bool // the revision had converged but for orphans, and no other was tried since: what differs is drift

	version string // of Pigsty, as the inventory says
	samples map[string]policies.Sample
	words   []history.Approved // that were given elsewhere
	stand   []word             // all that stands elsewhere, heard before or not
	judged  *policies.Case
	by      *Reconciler // who made it, nil for one that was made up
	waits   waits       // also of whom nothing could be seen now
	endless bool        // it made progress, and so did too many before it
}

// Pending is what waits for the next start of a node.
func (r *Round) Pending() []diff.Pending { return diff.PendingReboot(r.Want, r.Have) }

// Past is what was done to a resource before, as far as the journal remembers, the oldest first.
func (r *Round) Past(id resource.ID) []policies.Event {
	if r.judged == nil || r.judged.Past == nil {
		return nil
	}
	return r.judged.Past(id, time.Time{})
}

// Round takes the fleet one pass closer to rev. The priors are the revisions that may have made
// something that is still there, the newest first: what they asked for and rev does not is removed.
// An error means that nothing was done.
func (r *Reconciler) Round(ctx context.Context, rev sources.Revision, priors []sources.Revision) (*Round, error) {
	round, hands, err := r.assess(ctx, rev, priors, nil)
	if err != nil {
		return nil, err
	}
	round.Drifts = r.drifts(round)
	if r.begun != nil {
		r.begun(round)
	}
	r.record(round)
	r.noteRestarts(round)
	r.inquire(ctx, hands, round)
	round.Results = r.apply(ctx, hands, round)
	round.Took = r.Now().Sub(round.Began)
	return round, nil
}

// Plan is the first half of a round: it changes nothing.
func (r *Reconciler) Plan(ctx context.Context, rev sources.Revision, priors []sources.Revision) (*Round, error) {
	round, _, err := r.assess(ctx, rev, priors, nil)
	return round, err
}

// assess looks, compiles, compares and judges. What is recalled was looked at before, and is not looked at
// again. What panics on the way is an error: nothing is done.
func (r *Reconciler) assess(ctx context.Context, rev sources.Revision, priors []sources.Revision, recalled map[resource.ID]resource.State) (round *Round, hands executors.Executor, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("assess %s: a part of pigsync failed: %v", rev.ID, p)
		}
	}()
	inv, problems, err := r.read(rev)
	if err != nil {
		return nil, nil, err
	}
	if inventory.HasErrors(problems) {
		return nil, nil, &Refused{Problems: problems}
	}
	if why, dormant := inv.Dormant(); dormant {
		return nil, nil, &Refused{Problems: inventory.Sort(append(problems, why))}
	}
	past := r.load(priors)
	surveyed := r.survey(inv, past)
	look := newLook(r.Reach(r.places(inv, past)), r.Now)
	maps.Copy(look.seen, recalled)
	if recalled == nil && r.looking != nil {
		r.looking()
	}
	look.see(ctx, surveyed, r.remembered)
	r.machines.recall(surveyed, look.seen)
	compiled := modules.Compile(inv, look.seen, r.Modules)
	problems = inventory.Sort(slices.Concat(problems, compiled.Problems, inventory.Check(inv)))
	if compiled.Refused || r.Strict && inventory.HasErrors(problems) {
		return nil, nil, &Refused{Problems: problems}
	}
	prior := withoutFrozen(r.compilePast(past, look.seen), compiled.Frozen)
	freezeKin(compiled, prior)
	// The tenants of what is wanted are asked for after the next commit: so that is done with one question, too.
	needed := slices.Concat(surveyed, idsOf(compiled.Want), idsOf(prior), tenantsOf(compiled.Want), tenantsOf(prior))
	look.see(ctx, needed)
	if err := ctx.Err(); err != nil {
		return nil, nil, err // what was seen is not what is
	}
	r.remembered = needed
	round = &Round{
		Began: look.began, Observed: look.took, Revision: rev, Problems: problems, Frozen: compiled.Frozen,
		Want: compiled.Want, Have: look.seen, Looked: look.times(), Settled: r.settled(rev.ID), version: versionOf(inv), by: r,
	}
	err = r.judge(ctx, round, prior)
	if round.Plan != nil {
		round.Plan.Mask = inv.Discreet
	}
	r.restarts(round)
	return round, look.hands, err
}

// versionOf is the release of Pigsty that an inventory says it is written for, "" when it does not say.
func versionOf(inv *inventory.Inventory) string {
	version, ok := inv.All().Lookup("version")
	if !ok || version.Unevaluated() {
		return ""
	}
	return version.String()
}

// read reads the inventory of a revision; what the last one that was read says as well is not parsed
// again. What opens its secrets is asked each time: a key that was changed counts at once.
func (r *Reconciler) read(rev sources.Revision) (*inventory.Inventory, []inventory.Problem, error) {
	inv, problems, err := inventory.Reload(r.lastRead, rev.Tree, r.File, r.Access)
	if err == nil {
		r.lastRead = inv
	}
	return inv, problems, err
}

// judge compares what was seen with what is wanted, orders the differences and hears the policies, and once more
// when somebody elsewhere has agreed to what they hold.
func (r *Reconciler) judge(ctx context.Context, round *Round, prior *resource.Set) (err error) {
	round.Plan, err = diff.NewPlan(round.Want, diff.Compare(round.Want, prior, round.Have))
	if err != nil {
		return fmt.Errorf("order the plan: %w", err)
	}
	round.samples = r.measure(ctx, round.Plan)
	r.verdicts(round)
	if r.hear(ctx, round) {
		r.verdicts(round)
	}
	if policies.Forgotten(round.judged) {
		round.Plan = &diff.Plan{}
		r.verdicts(round)
	}
	return nil
}

func (r *Reconciler) verdicts(round *Round) {
	round.judged = r.caseOf(round)
	round.Verdicts, round.Objections = policies.Judge(round.judged, r.Policies)
}

// Refused says that a commit as a whole cannot be acted on.
type Refused struct{ Problems []inventory.Problem }

// Error is the first error among the problems, and how many more there are.
func (e *Refused) Error() string {
	first, errors := "", 0
	for _, p := range e.Problems {
		if p.Severity != inventory.Error {
			continue
		}
		if errors++; errors == 1 {
			first = p.Error()
		}
	}
	if errors > 1 {
		return fmt.Sprintf("%s (and %d more errors)", first, errors-1)
	}
	return first
}

func (r *Reconciler) caseOf(round *Round) *policies.Case {
	now := r.Now()
	c := &policies.Case{
		Now: now, Revision: round.Revision.ID, Plan: round.Plan, Want: round.Want, Have: round.Have, Frozen: round.Frozen,
		Settled: round.Settled, Samples: round.samples, Version: round.version, Returning: r.returning,
	}
	if r.Journal != nil {
		c.Past, c.Holds, c.Memory = r.Journal.Past, r.Journal.Holds(now), r.Journal.Memory()
		c.Approvals = slices.DeleteFunc(r.Journal.Approvals(now), round.takenBack)
	}
	for _, w := range round.words {
		c.Approvals = append(c.Approvals, w.Approval)
	}
	return c
}

func (r *Reconciler) settled(revision string) bool {
	return r.Journal != nil && r.Journal.Settled(revision)
}

// drift tells whether a step takes back what moved away from a commit whose word was true: not so what
// somebody left behind who left the inventory.
func (r *Round) drift(s diff.Step) bool { return r.Settled && !s.Orphan }

func (r *Reconciler) converged(revision string) bool {
	if r.Journal == nil {
		return false
	}
	last, ok := r.Journal.LastConverged()
	return ok && last == revision
}

func (r *Reconciler) logger() *slog.Logger {
	if r.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return r.Log
}
