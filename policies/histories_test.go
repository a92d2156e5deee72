package policies_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
)

// thing is what histories are about: a value, and what it costs to change or to lose it.
type thing struct {
	Value int
	Cost  resource.Hazard
}

func (thing) Kind() resource.Kind { return "thing" }

func (w thing) Compare(have resource.Spec) []resource.Field {
	h, there := have.(thing)
	if there && h.Value == w.Value {
		return nil
	}
	f := resource.Field{Path: "value", Have: fmt.Sprint(h.Value), Want: fmt.Sprint(w.Value)}
	if there {
		f.Hazard = w.Cost
	}
	return []resource.Field{f}
}

func (w thing) Loss() resource.Hazard { return w.Cost }

// history is a fleet of things through commits, words, crashes, darkness and clocks that are set.
type history struct {
	t         *testing.T
	seed      uint64
	r         *rand.Rand
	begins    time.Time
	zone      *time.Location // of the window
	now       time.Time
	world     map[resource.ID]thing
	dark      map[resource.ID]bool
	revision  int
	want      *resource.Set
	priors    []*resource.Set
	plans     []policies.Approval // as they could be approved
	approvals []policies.Approval
	past      map[resource.ID][]policies.Event
	holds     []policies.HoldOrder
	judges    []*policies.Policy
	removed   int
	restarted int
}

var errDark = errors.New("no route to host")

const guarded = "safe"

func thingID(name string) resource.ID { return resource.ID{Kind: "thing", Name: name, At: "10.0.0.1"} }

// The days on which histories begin: an ordinary one, a leap day, and those before clocks are changed somewhere.
var days = []string{"2026-11-20", "2028-02-28", "2027-03-27", "2027-10-30", "2027-03-13", "2027-11-06", "2027-04-03", "2027-10-02"}

var zones = []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo"}

func newHistory(t *testing.T, seed uint64) *history {
	night, r := window(t, "0 2 * * *", 3*time.Hour, resource.Restart), rand.New(rand.NewPCG(seed, 7))
	night.Zone = zone(t, zones[r.IntN(len(zones))])
	begins, err := time.ParseInLocation(time.DateOnly, days[r.IntN(len(days))], night.Zone)
	if err != nil {
		t.Fatal(err)
	}
	h := &history{
		t: t, seed: seed, r: r, begins: begins, zone: night.Zone, now: begins, world: map[resource.ID]thing{},
		dark: map[resource.ID]bool{}, past: map[resource.ID][]policies.Event{},
	}
	h.judges = append(policies.Default(), policies.Windows([]policies.Window{night}), policies.BlastRadius(policies.DefaultBlast()),
		policies.Freezes([]policies.Freeze{{From: h.freezes(), Until: h.thaws(), Reason: "r"}}))
	h.commit(true)
	return h
}

func (h *history) freezes() time.Time { return h.begins.Add(18 * time.Hour) }
func (h *history) thaws() time.Time   { return h.begins.Add(24 * time.Hour) }

// isNight tells whether it was two o'clock there at some time in the last three hours, in other words than a window's.
func (h *history) isNight() bool {
	for back := range 3 * 60 {
		at := h.now.Truncate(time.Minute).Add(-time.Duration(back) * time.Minute).In(h.zone)
		if at.Hour() == 2 && at.Minute() == 0 {
			return true
		}
	}
	return false
}

// commit wants other things; of the first one, the guarded thing is part.
func (h *history) commit(first bool) {
	if h.want != nil {
		h.priors = append(h.priors, h.want)
	}
	h.revision++
	h.want = &resource.Set{}
	for _, name := range []string{"a", "b", "c", guarded} {
		if !first && h.r.IntN(3) == 0 {
			continue
		}
		r := resource.Resource{ID: thingID(name), Owner: "x/" + name, Spec: thing{h.r.IntN(3), h.cost()}}
		if name == guarded {
			r.Guard, r.Spec = "etcd_safeguard", thing{h.r.IntN(2), resource.DataLoss}
		}
		if err := h.want.Add(r); err != nil {
			h.t.Fatal(err)
		}
	}
}

// cost is of any kind, and often a restart alone.
func (h *history) cost() resource.Hazard {
	if h.r.IntN(2) == 0 {
		return resource.Restart
	}
	return resource.Hazard(h.r.IntN(64))
}

func (h *history) have() map[resource.ID]resource.State {
	have := map[resource.ID]resource.State{}
	for _, name := range []string{"a", "b", "c", guarded} {
		id := thingID(name)
		s := resource.State{}
		if w, there := h.world[id]; there {
			s.Spec = w
		}
		if h.dark[id] {
			s = resource.State{Err: errDark}
		}
		have[id] = s
	}
	return have
}

func (h *history) prior() *resource.Set {
	merged := &resource.Set{}
	for _, p := range slices.Backward(h.priors) {
		for r := range p.All() {
			_ = merged.Add(r) // the newest counts
		}
	}
	return merged
}

// round looks, plans, judges, and does what may be done, until it is killed.
func (h *history) round() {
	have := h.have()
	plan, err := diff.NewPlan(h.want, diff.Compare(h.want, h.prior(), have))
	if err != nil {
		h.t.Fatal(err)
	}
	revision := fmt.Sprint(h.revision)
	c := &policies.Case{
		Now: h.now, Revision: revision, Plan: plan, Want: h.want, Have: have, Approvals: slices.Clone(h.approvals), Holds: h.holds,
		Past: func(id resource.ID, since time.Time) (es []policies.Event) {
			for _, e := range h.past[id] {
				if !e.When.Before(since) {
					es = append(es, e)
				}
			}
			return es
		},
	}
	verdicts, _ := policies.Judge(c, h.judges)
	word := agreed(plan, "ann", h.now)
	word.Revision, word.Until = revision, h.now.Add(time.Hour)
	h.plans = append(h.plans, word)
	lost := h.losesTooMuch(plan, revision)
	for i, s := range plan.Steps {
		if s.Action == diff.Delete && h.dark[s.ID] {
			h.t.Fatalf("seed %d: nobody knows of %s, and it is to be removed", h.seed, s.ID)
		}
		if verdicts[i] > policies.Allow || s.Action == diff.Wait || s.Action == diff.Check {
			continue
		}
		if h.r.IntN(20) == 0 {
			return // killed
		}
		h.allowed(s, revision)
		if lost && !h.agreedTo(s, revision) {
			h.t.Fatalf("seed %d: %c %s was let through, of a commit that loses too much", h.seed, s.Action, s.ID)
		}
		if h.do(s); h.r.IntN(20) == 0 {
			return // killed before it could write that down
		}
		h.note(s)
	}
	if len(plan.Steps) == 0 {
		h.priors = nil
	}
}

// losesTooMuch tells whether more than two owners vanish, of which there are four, and not all of that is agreed to.
func (h *history) losesTooMuch(plan *diff.Plan, revision string) bool {
	gone, agreed := 0, true
	for _, s := range plan.Steps {
		if _, wanted := h.want.Get(s.ID); s.Action == diff.Delete && !wanted { // an owner has one thing
			gone++
			agreed = agreed && h.agreedTo(s, revision)
		}
	}
	return gone > 2 && !agreed
}

// wantsAWord is what nothing is done of unasked.
const wantsAWord = resource.Failover | resource.Topology | resource.DataLoss | resource.Lockout

// allowed is what the policy in force says, in other words than the judges'.
func (h *history) allowed(s diff.Step, revision string) {
	cost := s.Hazard()
	lost := s.Action == diff.Delete || cost&(resource.DataLoss|resource.Topology) != 0
	wrong := ""
	switch {
	case s.Guard != "" && lost:
		wrong = "it is safeguarded"
	case h.dark[s.ID]:
		wrong = "nobody knows of it"
	case cost&wantsAWord != 0 && !h.agreedTo(s, revision):
		wrong = "nobody has agreed"
	case cost&resource.Restart != 0 && !h.isNight():
		wrong = "it is not night"
	case !h.now.Before(h.freezes()) && h.now.Before(h.thaws()):
		wrong = "it is frozen"
	case slices.ContainsFunc(h.holds, func(o policies.HoldOrder) bool { return o.Owner == s.Owner && h.now.Before(o.Until) }):
		wrong = "somebody holds it"
	}
	if wrong != "" {
		h.t.Fatalf("seed %d: %c %s [%s] was let through at %s: %s", h.seed, s.Action, s.ID, cost, h.now, wrong)
	}
}

func (h *history) agreedTo(s diff.Step, revision string) bool {
	return slices.ContainsFunc(h.approvals, func(a policies.Approval) bool {
		return a.Revision == revision && !h.now.Before(a.When) && h.now.Before(a.Until) && slices.Contains(a.Steps, s.Digest())
	})
}

// do makes the step true.
func (h *history) do(s diff.Step) {
	if s.Hazard()&resource.Restart != 0 {
		h.restarted++
	}
	if s.Action == diff.Delete {
		delete(h.world, s.ID)
		h.removed++
	} else {
		h.world[s.ID] = s.Spec.(thing)
	}
}

// note writes down what was done, and takes it out of the approvals as the journal does.
func (h *history) note(s diff.Step) {
	h.past[s.ID] = append(h.past[s.ID], policies.Event{When: h.now, Action: s.Action, Took: time.Minute})
	for i := range h.approvals {
		h.approvals[i].Steps = slices.DeleteFunc(slices.Clone(h.approvals[i].Steps), func(d string) bool { return d == s.Digest() })
	}
}

// something happens to the fleet.
func (h *history) something() {
	switch h.r.IntN(10) {
	case 0:
		h.commit(false)
	case 1:
		h.now = h.now.Add(time.Duration(h.r.IntN(48*60)-24*60) * time.Minute) // the clock is set
		if h.r.IntN(2) == 0 {
			h.now = h.begins.AddDate(0, 0, h.r.IntN(3)).Add(time.Duration(h.r.IntN(7*60)) * time.Minute) // to a night
		}
	case 2:
		id := thingID([]string{"a", "b", "c", guarded}[h.r.IntN(4)])
		h.dark[id] = !h.dark[id]
	case 3:
		if len(h.plans) > 0 { // also of a plan of long ago
			h.approvals = append(h.approvals, h.plans[h.r.IntN(len(h.plans))])
		}
	case 4:
		if len(h.plans) > 0 {
			h.approvals = append(h.approvals, h.plans[len(h.plans)-1])
		}
	case 5:
		h.holds = []policies.HoldOrder{{Owner: "x/" + []string{"a", "b", "c"}[h.r.IntN(3)], Until: h.now.Add(time.Hour)}}
	case 6:
		if h.r.IntN(4) == 0 { // the journal is lost
			h.past, h.priors, h.approvals = map[resource.ID][]policies.Event{}, nil, nil
		}
	default:
		h.now = h.now.Add(time.Minute)
		h.round()
	}
}

// Whatever is committed, agreed to, set, lost or cut short: nothing is done that the policy in force forbids, nothing
// is removed of which nobody knows, and what is safeguarded survives. The soak lives them all, a test run a tenth.
func TestTenThousandHistories(t *testing.T) {
	removed, restarted, histories := 0, 0, uint64(10_000)
	if os.Getenv("PIGSYNC_SOAK") == "" {
		histories /= 10
	}
	for seed := range histories {
		h := newHistory(t, seed)
		h.round()
		for h.world[thingID(guarded)].Cost == 0 {
			h.round() // it was killed before it made it
		}
		for range 40 {
			h.something()
			if _, there := h.world[thingID(guarded)]; !there {
				t.Fatalf("seed %d: what is safeguarded is gone", seed)
			}
		}
		removed, restarted = removed+h.removed, restarted+h.restarted
	}
	if removed < int(histories)/10 || restarted < int(histories)/10 {
		t.Errorf("only %d removals and %d restarts: the histories are not wild enough", removed, restarted)
	}
	t.Logf("%d removals, %d restarts", removed, restarted)
}
