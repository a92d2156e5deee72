package policies_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
)

// did is a past in which everything was done at these times, and took so long.
func did(took time.Duration, at ...time.Time) func(resource.ID, time.Time) []policies.Event {
	return func(_ resource.ID, since time.Time) (es []policies.Event) {
		for _, when := range at {
			if !when.Before(since) {
				es = append(es, policies.Event{When: when, Action: diff.Update, Took: took})
			}
		}
		return es
	}
}

// What would not end in its window does not begin there, and waits for the next one.
func TestOverrun(t *testing.T) {
	open := window(t, "0 11 * * *", 90*time.Minute, resource.Restart) // until half past twelve
	margin, overruns := open, open
	margin.Margin = 40 * time.Minute
	overruns.Overrun = true
	denies := window(t, "10 12 * * *", time.Hour, resource.Restart)
	denies.Deny = true
	freeze := policies.Freezes([]policies.Freeze{{From: noon.Add(20 * time.Minute), Until: noon.Add(time.Hour), Reason: "r"}})
	windows := func(w policies.Window) *policies.Policy { return policies.Windows([]policies.Window{w}) }
	yesterday := noon.Add(-24 * time.Hour)
	for _, tt := range []struct {
		name  string
		judge *policies.Policy
		past  func(resource.ID, time.Time) []policies.Event
		want  string
	}{
		{"it fits", windows(open), did(30*time.Minute, yesterday), "allow"},
		{"it would overrun", windows(open), did(31*time.Minute, yesterday), "hold PS116"},
		{"it may overrun", windows(overruns), did(31*time.Minute, yesterday), "allow"},
		{"it was never done", windows(open), nil, "allow"},
		{"it was never done, and there is a margin", windows(margin), nil, "hold PS116"},
		{"it was done faster than the margin", windows(margin), did(time.Minute, yesterday), "allow"},
		{"a window that denies opens meanwhile", windows(denies), did(15*time.Minute, yesterday), "hold PS116"},
		{"it ends before that", windows(denies), did(5*time.Minute, yesterday), "allow"},
		{"a freeze begins meanwhile", freeze, did(25*time.Minute, yesterday), "hold PS116"},
		{"it ends before the freeze", freeze, did(20*time.Minute, yesterday), "allow"},
	} {
		c := &policies.Case{Plan: &diff.Plan{Steps: []diff.Step{restart("a")}}, Past: tt.past}
		if got := judge(c, tt.judge); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
	c := &policies.Case{Now: noon, Plan: &diff.Plan{Steps: []diff.Step{restart("a")}}, Past: did(time.Hour, yesterday)}
	_, os := policies.Judge(c, []*policies.Policy{windows(open)})
	if want := noon.Add(23 * time.Hour); len(os) != 1 || !os[0].Until.Equal(want) || !strings.Contains(os[0].Reason, "closes at 12:30 UTC: it took 1h0m0s") {
		t.Errorf("%+v, want until %s", os, want)
	}
}

func TestRings(t *testing.T) {
	few := 0.01
	rings := []policies.Ring{
		{Name: "dev", Owners: []string{"etcd/dev*"}, Soak: time.Hour, Gates: []policies.Gate{{Name: "errors", Max: &few}}},
		{Name: "staging", Owners: []string{"etcd/staging"}},
		{Name: "production", Owners: []string{"etcd/*"}},
	}
	dev, staging, prod := of("etcd/dev1", restart("a")), of("etcd/staging", restart("b")), of("etcd/prod", restart("c"))
	served := of("etcd/prod", restart("c"))
	needs := of("etcd/dev1", restart("a", 0))
	unseen := of("etcd/dev1", change(diff.Wait, "file", "x", "a", 0))
	good := map[string]policies.Sample{"errors": {Value: 0.001, When: noon}}
	sample := func(s policies.Sample) map[string]policies.Sample { return map[string]policies.Sample{"errors": s} }
	rested := policies.Memory{Since: noon.Add(-9 * time.Hour), Changed: map[string]time.Time{"etcd/dev2": noon.Add(-time.Hour), "etcd/prod": noon}}
	soaking := policies.Memory{Since: noon.Add(-9 * time.Hour), Changed: map[string]time.Time{"etcd/dev2": noon.Add(-59 * time.Minute)}}
	young := policies.Memory{Since: noon.Add(-59 * time.Minute)}
	for _, tt := range []struct {
		name    string
		steps   []diff.Step
		memory  policies.Memory
		samples map[string]policies.Sample
		want    string
	}{
		{"one after the other", []diff.Step{dev, staging, prod}, rested, good, "allow hold hold PS124 PS124"},
		{"dev is done", []diff.Step{staging, prod}, rested, good, "allow hold PS124"},
		{"all but the last are done", []diff.Step{prod}, rested, good, "allow"},
		{"dev soaks", []diff.Step{prod}, soaking, good, "hold PS124"},
		{"nobody remembers", []diff.Step{prod}, policies.Memory{}, good, "hold PS124"},
		{"memory is too young", []diff.Step{prod}, young, good, "hold PS124"},
		{"dev measures badly", []diff.Step{prod}, rested, sample(policies.Sample{Value: 0.02, When: noon}), "hold PS125"},
		{"nobody measured", []diff.Step{prod}, rested, nil, "hold PS125"},
		{"nobody answers", []diff.Step{prod}, rested, sample(policies.Sample{Err: "refused", When: noon}), "hold PS125"},
		{"nothing is a number", []diff.Step{prod}, rested, sample(policies.Sample{Value: math.NaN(), When: noon}), "hold PS125"},
		{"measured long ago", []diff.Step{prod}, rested, sample(policies.Sample{When: noon.Add(-time.Hour)}), "hold PS125"},
		{"dev cannot be seen", []diff.Step{unseen, prod}, rested, good, "allow hold PS124"},
		{"what dev needs goes with it", []diff.Step{served, needs}, rested, good, "allow allow"},
		{"in no ring", []diff.Step{dev, of("node/x", restart("d"))}, soaking, nil, "allow allow"},
	} {
		c := &policies.Case{Plan: &diff.Plan{Steps: tt.steps}, Memory: tt.memory, Samples: tt.samples}
		if got := judge(c, policies.Rings(rings)); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
		c.Settled = true
		if got := judge(c, policies.Rings(rings)); strings.Contains(got, "hold") {
			t.Errorf("%s, but it is drift: %q", tt.name, got)
		}
	}
	frozen := &policies.Case{Plan: &diff.Plan{Steps: []diff.Step{prod}}, Memory: rested, Samples: good, Frozen: map[string]bool{"etcd/dev7": true}}
	if got := judge(frozen, policies.Rings(rings)); got != "hold PS124" {
		t.Errorf("a problem in dev: %q", got)
	}
}

func TestQuarantine(t *testing.T) {
	week := policies.Quarantines(policies.Quarantine{Period: 7 * 24 * time.Hour})
	orphan := func(kind resource.Kind, h resource.Hazard) diff.Step {
		s := change(diff.Delete, kind, "x", "a", h)
		s.Orphan = true
		return s
	}
	unit, file := orphan("unit", resource.Restart), orphan("file", 0)
	drop := change(diff.Update, "pgabsent", "db", "pg", resource.DataLoss)
	stopped := func(ago time.Duration) policies.Memory {
		return policies.Memory{Stopped: map[string]time.Time{"etcd/etcd": noon.Add(-ago)}}
	}
	const days = 24 * time.Hour
	for _, tt := range []struct {
		name     string
		steps    []diff.Step
		memory   policies.Memory
		approved time.Duration // ago, 0 for not
		want     string
	}{
		{"first it is switched off", []diff.Step{unit, file}, policies.Memory{}, time.Hour, "allow hold PS126"},
		{"then it rests", []diff.Step{file}, stopped(6 * days), 6 * days, "hold PS126"},
		{"then it goes", []diff.Step{file}, stopped(7 * days), 7 * days, "allow"},
		{"switched off in the future", []diff.Step{file}, stopped(-days), time.Hour, "hold PS126"},
		{"what never ran rests from its approval", []diff.Step{file}, policies.Memory{}, 6 * days, "hold PS126"},
		{"and goes", []diff.Step{file}, policies.Memory{}, 8 * days, "allow"},
		{"data of who stays", []diff.Step{drop}, policies.Memory{}, 0, "hold PS126"},
		{"approved", []diff.Step{drop}, policies.Memory{}, 6 * days, "hold PS126"},
		{"approved a week ago", []diff.Step{drop}, policies.Memory{}, 7 * days, "allow"},
		{"that something was stopped is no argument", []diff.Step{drop}, stopped(8 * days), days, "hold PS126"},
		{"what loses nothing", []diff.Step{restart("a")}, policies.Memory{}, 0, "allow"},
	} {
		c := &policies.Case{Plan: &diff.Plan{Steps: tt.steps}, Memory: tt.memory}
		if tt.approved > 0 {
			c.Approvals = []policies.Approval{agreed(c.Plan, "ann", noon.Add(-tt.approved))}
		}
		if got := judge(c, week); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// A role that is to go loses its login first, and goes when it has been without for the period.
func TestQuarantineOfWhatIsInACluster(t *testing.T) {
	const days = 24 * time.Hour
	week := policies.Quarantines(policies.Quarantine{Period: 7 * days})
	off := change(diff.Update, resource.KindPGOff, "pgrole/r", "pg", resource.Lockout)
	drop := change(diff.Update, resource.KindPGAbsent, "pgrole/r", "pg", resource.DataLoss)
	drop.After = []resource.ID{off.ID}
	second := drop
	second.Needs = []int{0}
	for _, tt := range []struct {
		name     string
		steps    []diff.Step
		approved time.Duration // ago
		off      []time.Time
		want     string
	}{
		{"first it is switched off", []diff.Step{off, second}, time.Hour, nil, "allow hold PS126"},
		{"then it rests", []diff.Step{drop}, 8 * days, []time.Time{noon.Add(-6 * days)}, "hold PS126"},
		{"then it goes", []diff.Step{drop}, 8 * days, []time.Time{noon.Add(-7 * days)}, "allow"},
		{"it came back, and was switched off again", []diff.Step{drop}, 9 * days, []time.Time{noon.Add(-8 * days), noon.Add(-days)}, "hold PS126"},
		{"what could not log in rests from its approval", []diff.Step{drop}, 6 * days, nil, "hold PS126"},
		{"it was off before anybody approved", []diff.Step{drop}, days, []time.Time{noon.Add(-30 * days)}, "hold PS126"},
	} {
		c := &policies.Case{Plan: &diff.Plan{Steps: tt.steps}, Past: func(id resource.ID, since time.Time) []policies.Event {
			if id != off.ID {
				return nil
			}
			return did(0, tt.off...)(id, since)
		}}
		c.Approvals = []policies.Approval{agreed(c.Plan, "ann", noon.Add(-tt.approved))}
		if got := judge(c, week); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestWatchful(t *testing.T) {
	one := func(f func(*policies.Case)) *policies.Case {
		c := &policies.Case{Plan: &diff.Plan{Steps: []diff.Step{restart("a"), change(diff.Create, "file", "x", "a", 0)}}}
		f(c)
		return c
	}
	adopts := policies.Adoption([]string{"etcd/*"})
	owners := func(names ...string) func(*policies.Case) {
		return func(c *policies.Case) {
			c.Memory.Adopted = map[string]bool{}
			for _, n := range names {
				c.Memory.Adopted[n] = true
			}
		}
	}
	written := func(v string) func(*policies.Case) { return func(c *policies.Case) { c.Version = v } }
	latest := func(d time.Duration) func(*policies.Case) {
		return func(c *policies.Case) { c.Memory.Latest = noon.Add(d) }
	}
	minute := func(n int) time.Time { return noon.Add(time.Duration(n-60) * time.Minute) }
	drifts := func(settled bool, at ...time.Time) func(*policies.Case) {
		return func(c *policies.Case) { c.Settled, c.Past = settled, did(time.Second, at...) }
	}
	version, fights := policies.Version("v4.5"), policies.Fights(policies.Fight{Times: 3, Within: time.Hour})
	for _, tt := range []struct {
		name  string
		c     *policies.Case
		judge *policies.Policy
		want  string
	}{
		{"never seen in sync", one(owners("etcd/other")), adopts, "hold hold PS127 PS127"},
		{"seen in sync", one(owners("etcd/etcd")), adopts, "allow allow"},
		{"accepted by a pattern", one(owners("etcd/e*")), adopts, "allow allow"},
		{"not under adoption", one(owners()), policies.Adoption([]string{"pgsql/*"}), "allow allow"},
		{"a version that is known", one(written("v4.5.1")), version, "allow allow"},
		{"an older one", one(written("v3.7.0")), version, "allow allow"},
		{"none", one(written("")), version, "allow allow"},
		{"a newer one", one(written("v4.6.0")), version, "hold hold PS128 PS128"},
		{"a much newer one", one(written("5")), version, "hold hold PS128 PS128"},
		{"no version at all", one(written("latest")), version, "hold hold PS128 PS128"},
		{"a fight", one(drifts(true, minute(10), minute(20), minute(30))), fights, "hold hold PS129 PS129"},
		{"not often enough", one(drifts(true, minute(10), minute(20))), fights, "allow allow"},
		{"long ago", one(drifts(true, minute(-10), minute(20), minute(30))), fights, "allow allow"},
		{"commits are no fight", one(drifts(false, minute(10), minute(20), minute(30))), fights, "allow allow"},
		{"the clock is right", one(latest(30 * time.Second)), policies.Clock(), "allow allow"},
		{"the clock went back", one(latest(2 * time.Minute)), policies.Clock(), "hold allow PS117"},
	} {
		if got := judge(tt.c, tt.judge); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// No two nodes of one machine at a time; of whom nobody knows where they are, nobody can tell.
func TestBudgetOfAHost(t *testing.T) {
	labels := policies.Labels{"node/10.0.0.1": {"host": "hv1"}, "node/10.0.0.2": {"host": "hv1"}, "node/10.0.0.3": {"host": "hv2"}}
	b := policies.Budgets([]policies.Budget{{Name: "machine", Per: policies.PerHost, Max: 1}}, labels)
	plan := &diff.Plan{Steps: []diff.Step{
		of("x/1", restart("10.0.0.1")), of("x/2", restart("10.0.0.2")), of("x/3", restart("10.0.0.3")), of("x/4", restart("10.0.0.4")), of("x/5", restart("cluster")),
	}}
	if got := judge(&policies.Case{Plan: plan}, b); got != "allow hold allow hold allow PS114 PS114" {
		t.Errorf("got %q", got)
	}
}

// A commit that takes too much away is an error of the inventory: nothing of it is done, and once the removals are
// approved the rest goes on.
func TestABlastHoldsTheWholeCommit(t *testing.T) {
	p := &diff.Plan{Steps: []diff.Step{change(diff.Create, "file", "new", "a", 0)}}
	for _, owner := range []string{"node/1", "node/2", "node/3"} {
		p.Steps = append(p.Steps, of(owner, change(diff.Delete, "file", "x", owner, 0)))
	}
	c := &policies.Case{Plan: p, Want: &resource.Set{}}
	if got := judge(c, policies.BlastRadius(policies.DefaultBlast())); !strings.HasPrefix(got, "hold hold hold hold ") {
		t.Errorf("got %q", got)
	}
	gone := agreed(&diff.Plan{Steps: p.Steps[1:]}, "ann", noon)
	c = &policies.Case{Plan: p, Want: &resource.Set{}, Approvals: []policies.Approval{gone}}
	if got := judge(c, policies.BlastRadius(policies.DefaultBlast())); got != "allow allow allow allow" {
		t.Errorf("approved: got %q", got)
	}
}

func TestABlastThatTouchesTooMany(t *testing.T) {
	p, want := &diff.Plan{}, &resource.Set{}
	for _, owner := range []string{"node/1", "node/2", "node/3", "node/4"} {
		s := of(owner, restart(owner))
		if owner != "node/4" {
			p.Steps = append(p.Steps, s)
		}
		if err := want.Add(s.Resource); err != nil {
			t.Fatal(err)
		}
	}
	half := policies.Blast{Share: 1, Few: 2, Touch: 0.5, Scope: policies.Scope{Hazards: resource.Restart}}
	for _, tt := range []struct {
		name string
		c    *policies.Case
		want string
	}{
		{"three of four", &policies.Case{Plan: p, Want: want}, "hold hold hold PS110 PS110 PS110"},
		{"drift", &policies.Case{Plan: p, Want: want, Settled: true}, "allow allow allow"},
		{"approved", &policies.Case{Plan: p, Want: want, Approvals: []policies.Approval{agreed(p, "ann", noon)}}, "allow allow allow"},
	} {
		if got := judge(tt.c, policies.BlastRadius(half)); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Of an owner that leaves, and has something under a safeguard, nothing is taken apart; who stays loses nothing that is
// under one, and its files come and go.
func TestASafeguardKeepsAnOrphanWhole(t *testing.T) {
	seat, file := change(diff.Delete, "pgseated", "pg-1-1", "pg-1", resource.Topology), change(diff.Delete, "file", "x", "a", 0)
	seat.Guard = "pg_safeguard"
	orphan := func(s diff.Step) diff.Step {
		s.Orphan = true
		return s
	}
	for _, tt := range []struct {
		name  string
		steps []diff.Step
		want  string
	}{
		{"it leaves", []diff.Step{orphan(of("pgsql/pg-1", seat)), orphan(of("pgsql/pg-1", file))}, "deny deny PS102 PS102"},
		{"another one leaves", []diff.Step{orphan(of("pgsql/pg-1", seat)), orphan(of("pgsql/pg-2", file))}, "deny allow PS102"},
		{"a member leaves", []diff.Step{of("pgsql/pg-1", seat), of("pgsql/pg-1", file)}, "deny allow PS102"},
	} {
		c := &policies.Case{Plan: &diff.Plan{Steps: tt.steps}}
		c.Approvals = []policies.Approval{agreed(c.Plan, "ann", noon)}
		if got := judge(c, policies.Safeguards()); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
