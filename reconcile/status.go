package reconcile

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
	"github.com/pigsync/pigsync/sources"
)

// State is where an inventory stands.
type State string

// The states.
const (
	Starting   State = "starting"    // nothing was seen yet
	InSync     State = "converged"   // the fleet is as the newest revision says
	Converging State = "converging"  // something was done, and is looked at again
	OnHold     State = "held"        // what is left may not be done now
	Unknown    State = "unknown"     // something could not be observed
	Failing    State = "failed"      // what was tried did not succeed
	Rejected   State = "refused"     // the newest revision cannot be acted on
	Isolated   State = "quarantined" // the newest revision is bad, and an earlier one is in force
)

// Status is a picture of an inventory for others to read. It never changes once it is made.
type Status struct {
	Inventory  string               `json:"inventory"`
	State      State                `json:"state"`
	Since      time.Time            `json:"since"` // when State began
	Revision   string               `json:"revision,omitempty"`
	Author     string               `json:"author,omitempty"`
	Subject    string               `json:"subject,omitempty"`
	Seen       time.Time            `json:"seen"` // since then every part of the fleet was looked at
	Took       time.Duration        `json:"took_ns"`
	Resources  int                  `json:"resources"`
	Drift      bool                 `json:"drift"`            // the revision had converged, and something differs now
	Drifts     []Drift              `json:"drifts,omitempty"` // what has drifted, since when, and who was there; the oldest first
	Owners     []OwnerStatus        `json:"owners"`
	Clusters   []ClusterStatus      `json:"clusters,omitempty"` // who leads them, as Patroni says
	Problems   []Problem            `json:"problems,omitempty"`
	Plan       *diff.Plan           `json:"plan,omitempty"`
	Pending    []diff.Pending       `json:"pending_reboot,omitempty"`   // what waits for the next start of a node
	Restarts   []PendingRestart     `json:"pending_restarts,omitempty"` // members of PostgreSQL clusters, the oldest first
	Verdicts   []policies.Verdict   `json:"verdicts,omitempty"`
	Objections []policies.Objection `json:"objections,omitempty"`
	Results    []string             `json:"results,omitempty"`    // one a step, "" when it succeeded
	Fetch      string               `json:"fetch,omitempty"`      // why the source gives nothing newer
	Quarantine *Quarantine          `json:"quarantine,omitempty"` // of the newest revision
	Remotes    []RemoteStatus       `json:"remotes,omitempty"`    // of the repository, where it has several
	Holds      []policies.HoldOrder `json:"holds,omitempty"`      // who wants hands off what, why and until when
	Error      string               `json:"error,omitempty"`
	Watched    int                  `json:"watched"` // places where a change is told at once
	Unwatched  []Unwatched          `json:"unwatched,omitempty"`

	round   *Round
	watches []executors.Watch
}

// OwnerStatus is the state of one owner.
type OwnerStatus struct {
	Owner     string `json:"owner"`
	State     State  `json:"state"`
	Resources int    `json:"resources"`
	Differ    int    `json:"differ"`
	Orphan    bool   `json:"orphan,omitempty"` // it has left the inventory, and this remains of it
}

// Problem is a problem of the inventory as programs read it.
type Problem struct {
	Place    string `json:"place"`
	Severity string `json:"severity"`
	Code     string `json:"code"`
	Message  string `json:"message"`
}

// Status is the newest picture.
func (d *Daemon) Status() *Status { return d.status.Load() }

// Changed is closed as soon as there is a newer picture than the one Status gives after it was asked.
func (d *Daemon) Changed() <-chan struct{} { return *d.changed.Load() }

// paint makes s the newest picture, and tells those who wait for it.
func (d *Daemon) paint(s *Status) {
	next := make(chan struct{})
	d.status.Store(s)
	if old := d.changed.Swap(&next); old != nil {
		close(*old)
	}
}

// report publishes what a round came to.
func (d *Daemon) report(round *Round, err error) {
	s := &Status{Inventory: d.Name, State: Starting, Since: d.Now()}
	if round != nil {
		s = StatusOf(d.Name, round)
	}
	d.publish(s, err)
}

// begins shows what a round is about to do: that may take a while, and is over soon after it was counted.
func (d *Daemon) begins(round *Round) {
	if round.idle() {
		return
	}
	s := StatusOf(d.Name, round)
	s.State = Converging
	d.show(s)
	d.Metrics.begun(s)
}

// idle tells whether nothing may be done in a round but to wait.
func (r *Round) idle() bool {
	for i, s := range r.Plan.Steps {
		if does(s, r.Verdicts[i]) {
			return false
		}
	}
	return true
}

// refuse publishes that the newest revision cannot be acted on, unless a picture of the fleet says so.
func (d *Daemon) refuse(rev sources.Revision, err error) {
	if old := d.status.Load(); old.State == Rejected && old.Revision == rev.ID && old.round != nil {
		return
	}
	d.publish(rejected(&Status{Inventory: d.Name, Since: d.Now(), Seen: d.Now()}, rev, err), err)
}

// rejected makes s tell of a revision that cannot be acted on; the rest is of the one still in force.
func rejected(s *Status, rev sources.Revision, err error) *Status {
	s.State, s.Revision, s.Author, s.Subject = Rejected, rev.ID, rev.Author, rev.Subject
	var refused *Refused
	if errors.As(err, &refused) {
		s.Problems = Problems(refused.Problems)
	}
	var unread inventory.Problem // the file is no inventory at all
	if errors.As(err, &unread) {
		s.Problems = Problems([]inventory.Problem{unread})
	}
	return s
}

func (d *Daemon) publish(s *Status, err error) {
	if s.round != nil {
		d.keepWatch()
	}
	if err != nil {
		s.Error = err.Error()
	}
	d.show(s)
	d.Metrics.seen(s)
}

func (d *Daemon) show(s *Status) {
	if fetch := d.fetch.Load(); fetch != nil {
		s.Fetch = (*fetch).Error()
	}
	s.Remotes = d.remotes.list()
	d.showWatches(s)
	if old := d.status.Load(); old != nil && old.State == s.State && old.Revision == s.Revision {
		s.Since = old.Since
	}
	d.paint(s)
}

// StatusOf is the picture a round gives.
func StatusOf(name string, r *Round) *Status {
	s := &Status{
		Inventory: name, State: stateOf(r), Since: r.Began, Seen: r.since(), Took: r.Took,
		Revision: r.Revision.ID, Author: r.Revision.Author, Subject: r.Revision.Subject,
		Resources: r.Want.Len(), Drift: slices.ContainsFunc(r.Plan.Steps, r.drift),
		Drifts: r.Drifts, Problems: Problems(r.Problems), Plan: r.Plan, Pending: r.Pending(), Restarts: r.Restarts, Verdicts: r.Verdicts, Objections: r.Objections, round: r,
	}
	for _, err := range r.Results {
		text := ""
		if err != nil {
			text = err.Error()
		}
		s.Results = append(s.Results, text)
	}
	if r.endless {
		s.Error = errNoEnd.Error()
	}
	s.Owners, s.Clusters = owners(r), clustersOf(r)
	if r.judged != nil {
		s.Holds = r.judged.Holds
	}
	return s
}

func stateOf(r *Round) State {
	switch r.Outcome() {
	case Converged:
		return InSync
	case Progressed:
		return Converging
	case Failed:
		return Failing
	case Held:
	}
	if r.unknown() {
		return Unknown
	}
	return OnHold
}

// Problems puts problems into the form of a status.
func Problems(ps []inventory.Problem) (out []Problem) {
	for _, p := range ps {
		out = append(out, Problem{p.Pos.String(), p.Severity.String(), p.Code, p.Msg})
	}
	return out
}

// owners says for each owner how many of its resources differ, and the gravest state of them.
func owners(r *Round) []OwnerStatus {
	at := map[string]int{}
	var out []OwnerStatus
	find := func(owner string) *OwnerStatus {
		i, ok := at[owner]
		if !ok {
			i = len(out)
			at[owner] = i
			out = append(out, OwnerStatus{Owner: owner, State: InSync})
		}
		return &out[i]
	}
	for res := range r.Want.All() {
		find(res.Owner).Resources++
	}
	for i, step := range r.Plan.Steps {
		o := find(step.Owner)
		o.Differ++
		o.Orphan = o.Orphan || step.Orphan
		o.State = graver(o.State, stepState(r, i))
	}
	for owner := range r.Frozen {
		find(owner).State = Rejected
	}
	slices.SortFunc(out, func(a, b OwnerStatus) int { return cmp.Compare(a.Owner, b.Owner) })
	return out
}

func stepState(r *Round, i int) State {
	var err error
	if r.Results != nil {
		err = r.Results[i]
	}
	switch {
	case r.Plan.Steps[i].Action == diff.Wait:
		return Unknown
	case err == nil, errors.Is(err, ErrDropped), errors.Is(err, executors.ErrMoved):
		return Converging
	case tried(err):
		return Failing
	}
	return OnHold
}

var gravity = []State{InSync, Converging, OnHold, Unknown, Failing}

func graver(a, b State) State {
	if slices.Index(gravity, b) > slices.Index(gravity, a) {
		return b
	}
	return a
}

// Explanation is what can be said of one resource.
type Explanation struct {
	Resource  resource.Resource
	Have      resource.State
	Step      *diff.Step
	Verdict   policies.Verdict
	Objection []policies.Objection
}

// Explain says what is known of a resource in a round; ok is false when nothing is.
func (r *Round) Explain(id resource.ID) (e Explanation, ok bool) {
	e.Resource, ok = r.Want.Get(id)
	e.Have = r.Have[id]
	for i := range r.Plan.Steps {
		if r.Plan.Steps[i].ID != id {
			continue
		}
		ok = true
		step := r.Plan.Steps[i]
		step.Fields, step.Err = r.Plan.Shown(step.Change), r.Plan.Masked(step.Err)
		e.Step, e.Resource = &step, step.Resource
		e.Verdict = r.Verdicts[i]
		for _, o := range r.Objections {
			if o.Step == i {
				e.Objection = append(e.Objection, o)
			}
		}
	}
	return e, ok
}
