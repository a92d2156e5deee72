package reconcile

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
	"github.com/pigsync/pigsync/sources"
)

var noon = time.Unix(1_700_000_000, 0)

const (
	commit = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00"
	canary = "hunter2"
)

// counting is a Metrics with its registry and a clock that only the test moves.
type counting struct {
	*Metrics
	*prometheus.Registry
	clock time.Time
}

func newCounting(inventories ...string) *counting {
	reg := prometheus.NewPedanticRegistry()
	c := &counting{Metrics: NewMetrics(reg, inventories...), Registry: reg, clock: noon}
	c.now = func() time.Time { return c.clock }
	return c
}

// round publishes a round of the inventory prod.
func (c *counting) round(r *Round) { c.seen(StatusOf("prod", r)) }

// series are the samples of the metrics named whose lines contain every part.
func (c *counting) series(t *testing.T, name string, parts ...string) []string {
	t.Helper()
	text, err := testutil.GatherAndFormat(c.Registry, expfmt.TypeTextPlain, name)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		has := func(part string) bool { return strings.Contains(line, part) }
		if !strings.HasPrefix(line, "#") && !slices.ContainsFunc(parts, func(p string) bool { return !has(p) }) {
			out = append(out, line)
		}
	}
	return out
}

// want compares the samples that are not zero with lines.
func (c *counting) want(t *testing.T, name string, lines ...string) {
	t.Helper()
	got := slices.DeleteFunc(c.series(t, name), func(l string) bool { return strings.HasSuffix(l, " 0") })
	slices.Sort(got)
	slices.Sort(lines)
	if !slices.Equal(got, lines) {
		t.Errorf("%s:\n  got  %s\n  want %s", name, strings.Join(got, "\n       "), strings.Join(lines, "\n       "))
	}
}

func file(name, at string) resource.ID { return resource.ID{Kind: "file", Name: name, At: at} }

// step is one of an owner; the path of its field and the origin must not show up in any label.
func step(a diff.Action, owner string, id resource.ID, h resource.Hazard) diff.Step {
	c := diff.Change{Resource: resource.Resource{ID: id, Owner: owner, Spec: resource.File{}}, Action: a}
	if a == diff.Wait {
		c.Err = errors.New("dial " + id.At + ": " + canary)
	} else {
		c.Fields = []resource.Field{{Path: "content", Have: canary, Want: canary, Hazard: h}}
	}
	return diff.Step{Change: c}
}

// roundOf has converged owners "etcd/etcd" and "node/10.0.0.1" unless a step says otherwise.
func roundOf(settled bool, steps ...diff.Step) *Round {
	want := &resource.Set{}
	for _, r := range []resource.Resource{{ID: file("/etc/a", "10.0.0.1"), Owner: "etcd/etcd"}, {ID: file("/etc/b", "10.0.0.1"), Owner: "node/10.0.0.1"}} {
		if err := want.Add(r); err != nil {
			panic(err)
		}
	}
	return &Round{
		Began: noon, Took: 3 * time.Second, Observed: time.Second, Want: want, Settled: settled,
		Revision: sources.Revision{ID: commit, Author: canary, Subject: canary, When: noon.Add(-time.Hour)},
		Have:     map[resource.ID]resource.State{resource.FactsOf("10.0.0.1"): {Spec: resource.Facts{}}},
		Plan:     &diff.Plan{Steps: steps}, Verdicts: make([]policies.Verdict, len(steps)), Results: make([]error, len(steps)),
	}
}

func TestNothingKnownYetIsShownAsZeros(t *testing.T) {
	c := newCounting("prod", "dev")
	for name, want := range map[string]int{
		"pigsync_git_fetch_total": 8, "pigsync_rounds_total": 10, "pigsync_inventory_problems": 4, "pigsync_converged": 2,
		"pigsync_unit_state": 0, "pigsync_git_commit_timestamp_seconds": 0,
	} {
		got := c.series(t, name)
		zero := func(l string) bool { return strings.HasSuffix(l, " 0") }
		if len(got) != want || slices.ContainsFunc(got, func(l string) bool { return !zero(l) }) {
			t.Errorf("%s: got %q, want %d zeros", name, got, want)
		}
	}
	if n, err := testutil.GatherAndCount(c.Registry, "pigsync_converge_duration_seconds", "pigsync_build_info"); n != 3 || err != nil {
		t.Errorf("histograms and build info: %d, %v", n, err)
	}
}

func TestARoundIsShown(t *testing.T) {
	c := newCounting("prod")
	r := roundOf(false,
		step(diff.Update, "etcd/etcd", file("/etc/a", "10.0.0.1"), resource.Reload|resource.Failover),
		step(diff.Create, "node/10.0.0.1", file("/etc/b", "10.0.0.1"), 0),
		step(diff.Wait, "node/10.0.0.2", file("/etc/b", "10.0.0.2"), 0),
		step(diff.Check, "etcd/etcd", resource.ID{Kind: "etcdhealth", Name: "etcd", At: "etcd"}, 0),
	)
	r.Results = []error{ErrHeld, nil, ErrUnknown, ErrBlocked}
	r.Objections = []policies.Objection{
		{Step: 0, Verdict: policies.Hold, Code: "PS101"}, {Step: 0, Verdict: policies.Deny, Code: "PS101"},
		{Step: 1, Verdict: policies.Allow, Code: "PS104"},
	}
	r.Have[resource.FactsOf("10.0.0.2")] = resource.State{Err: errors.New("no route")}
	r.Have[file("/etc/b", "10.0.0.2")] = resource.State{Err: errors.New("no route")}
	c.round(r)
	const etcd, node, gone = `cluster="etcd",inventory="prod",module="etcd"`, `cluster="10.0.0.1",inventory="prod",module="node"`, `cluster="10.0.0.2",inventory="prod",module="node"`
	c.want(t, "pigsync_unit_state", `pigsync_unit_state{`+etcd+`,state="held"} 1`,
		`pigsync_unit_state{`+node+`,state="converging"} 1`, `pigsync_unit_state{`+gone+`,state="unknown"} 1`)
	c.want(t, "pigsync_plan_steps", `pigsync_plan_steps{class="failover",`+etcd+`} 1`,
		`pigsync_plan_steps{class="change",`+node+`} 1`, `pigsync_plan_steps{class="check",`+etcd+`} 1`)
	c.want(t, "pigsync_plan_blocked", `pigsync_plan_blocked{cluster="etcd",code="PS101",inventory="prod",module="etcd"} 1`)
	c.want(t, "pigsync_unknown_items", `pigsync_unknown_items{`+gone+`} 1`)
	c.want(t, "pigsync_drift_items")
	c.want(t, "pigsync_node_reachable", `pigsync_node_reachable{host="10.0.0.1",inventory="prod"} 1`)
	c.want(t, "pigsync_last_observed_timestamp_seconds", `pigsync_last_observed_timestamp_seconds{host="10.0.0.1",inventory="prod"} 1.7e+09`)
	c.want(t, "pigsync_observe_errors_total", `pigsync_observe_errors_total{host="10.0.0.2",inventory="prod",reason="other",source="ssh"} 1`)
	c.want(t, "pigsync_drift_total", `pigsync_drift_total{cause="commit",class="failover",`+etcd+`} 1`, `pigsync_drift_total{cause="commit",class="change",`+node+`} 1`)
	c.want(t, "pigsync_corrective_changes_total")
	c.want(t, "pigsync_rounds_total", `pigsync_rounds_total{inventory="prod",outcome="progressed"} 1`)
	c.want(t, "pigsync_git_commit_timestamp_seconds", `pigsync_git_commit_timestamp_seconds{inventory="prod",state="accepted"} 1.6999964e+09`)
	if n := len(c.series(t, "pigsync_unit_state", `cluster="etcd"`)); n != 6 {
		t.Errorf("a unit has %d states, want 6: one is 1, the others 0", n)
	}
}

func TestDriftIsCountedOnceAndAsOldAsItsFirstSight(t *testing.T) {
	c := newCounting("prod")
	const at = `cluster="etcd",inventory="prod",module="etcd"`
	drifted := func(a diff.Action, after time.Duration, result error) {
		r := roundOf(true, step(a, "etcd/etcd", file("/etc/a", "10.0.0.1"), resource.Restart))
		r.Began, r.Results = noon.Add(after), []error{result}
		c.round(r)
	}
	total := func(n int) {
		t.Helper()
		c.want(t, "pigsync_drift_total", fmt.Sprintf(`pigsync_drift_total{cause="external",class="restart",%s} %d`, at, n))
	}
	drifted(diff.Update, 0, ErrHeld)
	drifted(diff.Update, time.Minute, ErrHeld)
	total(1)
	c.want(t, "pigsync_drift_items", `pigsync_drift_items{class="restart",`+at+`} 1`)
	c.want(t, "pigsync_drift_first_seen_timestamp_seconds", `pigsync_drift_first_seen_timestamp_seconds{class="restart",`+at+`} 1.7e+09`)
	drifted(diff.Wait, 2*time.Minute, ErrUnknown) // the node is down: the drift has not gone
	c.want(t, "pigsync_drift_items")
	c.want(t, "pigsync_drift_first_seen_timestamp_seconds")
	drifted(diff.Update, 3*time.Minute, nil)
	total(1)
	c.want(t, "pigsync_corrective_changes_total", `pigsync_corrective_changes_total{class="restart",`+at+`} 1`)
	c.round(roundOf(true))
	c.want(t, "pigsync_drift_items")
	drifted(diff.Update, 5*time.Minute, nil)
	total(2)
	c.want(t, "pigsync_drift_first_seen_timestamp_seconds", `pigsync_drift_first_seen_timestamp_seconds{class="restart",`+at+`} 1.7000003e+09`)
}

func TestOrphansAreCounted(t *testing.T) {
	c := newCounting("prod")
	const at = `cluster="10.0.0.1",inventory="prod",module="node"`
	left := step(diff.Delete, "node/10.0.0.1", file("/etc/a", "10.0.0.1"), 0)
	left.Orphan = true
	lost := step(diff.Wait, "node/10.0.0.1", file("/etc/b", "10.0.0.1"), 0)
	lost.Orphan = true
	r := roundOf(false, left, lost, step(diff.Delete, "node/10.0.0.2", file("/etc/c", "10.0.0.2"), 0))
	r.Results = []error{ErrHeld, ErrUnknown, nil}
	c.round(r)
	c.want(t, "pigsync_orphan_items", `pigsync_orphan_items{`+at+`} 2`)
	c.round(roundOf(false))
	c.want(t, "pigsync_orphan_items")
}

func TestTheGravestHazardNamesTheClass(t *testing.T) {
	for h, want := range map[resource.Hazard]string{
		0: "change", resource.Reload: "reload", resource.Reload | resource.DataLoss: "data-loss", resource.Lockout | resource.Restart: "lockout",
	} {
		if got := classOf(step(diff.Update, "a/b", file("/x", "n"), h)); got != want || !slices.Contains(hazardClasses(), got) {
			t.Errorf("class of %v = %q, want %q, one of %q", h, got, want, hazardClasses())
		}
	}
}

func TestWhatVanishedIsNotShown(t *testing.T) {
	c := newCounting("prod")
	r := roundOf(true, step(diff.Update, "node/10.0.0.9", file("/etc/b", "10.0.0.9"), 0))
	r.Have[resource.FactsOf("10.0.0.9")] = resource.State{Err: errors.New("no route")}
	c.round(r)
	if got := c.everything(t); !strings.Contains(got, "10.0.0.9") {
		t.Fatal("the host is not shown while it is there")
	}
	c.round(roundOf(true))
	for line := range strings.Lines(c.everything(t)) {
		if strings.Contains(line, "10.0.0.9") {
			t.Errorf("still there: %s", line)
		}
	}
	if got := c.series(t, "pigsync_drift_total", `cluster="etcd"`); len(got) == 0 {
		t.Error("what did not vanish is gone too")
	}
}

func TestAFrozenOwnerIsStillThere(t *testing.T) {
	c := newCounting("prod")
	r := roundOf(true)
	r.Frozen = map[string]bool{"pgsql/pg-test": true}
	c.round(r)
	if got := c.series(t, "pigsync_unit_state", `cluster="pg-test"`, `state="refused"`); len(got) != 1 || !strings.HasSuffix(got[0], " 1") {
		t.Errorf("unit state of a frozen owner: %q", got)
	}
}

func TestARefusedCommitLeavesTheLastLook(t *testing.T) {
	c := newCounting("prod")
	r := roundOf(true, step(diff.Update, "etcd/etcd", file("/etc/a", "10.0.0.1"), 0))
	r.Results = []error{ErrHeld}
	c.round(r)
	c.seen(&Status{Inventory: "prod", State: Rejected, Problems: []Problem{{Severity: "error"}, {Severity: "error"}, {Severity: "warning"}}})
	c.want(t, "pigsync_inventory_problems", `pigsync_inventory_problems{inventory="prod",severity="error"} 2`, `pigsync_inventory_problems{inventory="prod",severity="warning"} 1`)
	c.want(t, "pigsync_converged")
	c.want(t, "pigsync_drift_items", `pigsync_drift_items{class="change",cluster="etcd",inventory="prod",module="etcd"} 1`)
	c.want(t, "pigsync_unit_state", `pigsync_unit_state{cluster="10.0.0.1",inventory="prod",module="node",state="refused"} 1`,
		`pigsync_unit_state{cluster="etcd",inventory="prod",module="etcd",state="refused"} 1`)
	c.want(t, "pigsync_rounds_total", `pigsync_rounds_total{inventory="prod",outcome="held"} 1`, `pigsync_rounds_total{inventory="prod",outcome="refused"} 1`)
	c.seen(&Status{Inventory: "prod", State: Starting})
	c.want(t, "pigsync_rounds_total", `pigsync_rounds_total{inventory="prod",outcome="held"} 1`, `pigsync_rounds_total{inventory="prod",outcome="refused"} 1`)
}

func TestACommitIsTimedFromSightToConverged(t *testing.T) {
	c := newCounting("prod")
	rev := sources.Revision{ID: commit, When: noon.Add(-time.Hour)}
	c.fetched("prod", rev, nil)
	c.clock = noon.Add(90 * time.Second)
	c.round(roundOf(false, step(diff.Create, "etcd/etcd", file("/etc/a", "10.0.0.1"), 0)))
	sum := func() []string { return c.series(t, "pigsync_converge_duration_seconds", "_sum{") }
	if got := sum(); !strings.HasSuffix(got[0], " 0") {
		t.Errorf("timed before it converged: %q", got)
	}
	c.round(roundOf(false))
	c.clock = noon.Add(time.Hour)
	c.round(roundOf(true))
	if got := sum(); !strings.HasSuffix(got[0], " 90") {
		t.Errorf("sum = %q, want 90 seconds, once", got)
	}
	c.want(t, "pigsync_converged", `pigsync_converged{inventory="prod"} 1`)
	if got := c.series(t, "pigsync_git_commit_timestamp_seconds"); len(got) != 3 {
		t.Errorf("commit timestamps: %q, want seen, accepted and converged", got)
	}
}

func TestACommitThatHadConvergedBeforeIsNotTimed(t *testing.T) {
	c := newCounting("prod")
	c.fetched("prod", sources.Revision{ID: commit}, nil)
	c.round(roundOf(true))
	c.round(roundOf(false)) // as when the journal was lost: it is no news
	if got := c.series(t, "pigsync_converge_duration_seconds", "_count{"); !strings.HasSuffix(got[0], " 0") {
		t.Errorf("got %q", got)
	}
}

func TestFetches(t *testing.T) {
	c := newCounting("prod")
	for _, err := range []error{io.ErrUnexpectedEOF, sources.Errorf(sources.ErrRewound, "x"), sources.Errorf(sources.ErrHostKey, "x"), nil, io.EOF} {
		c.fetched("prod", sources.Revision{ID: commit, When: noon}, err)
	}
	c.want(t, "pigsync_git_fetch_total", `pigsync_git_fetch_total{inventory="prod",result="failed"} 2`, `pigsync_git_fetch_total{inventory="prod",result="refused"} 1`,
		`pigsync_git_fetch_total{inventory="prod",result="hostkey"} 1`, `pigsync_git_fetch_total{inventory="prod",result="ok"} 1`)
	for range 3 {
		c.looked("prod", 2*time.Second)
	}
	for part, want := range map[string]string{"_count{": " 3", "_sum{": " 6"} {
		if got := c.series(t, "pigsync_git_fetch_duration_seconds", part); !strings.HasSuffix(got[0], want) {
			t.Errorf("%q: want%s, one for each look", got, want)
		}
	}
}

func TestStepsAreCountedWhenTheyEnd(t *testing.T) {
	c := newCounting("prod")
	watch := c.Watch("prod")
	s := step(diff.Update, "etcd/etcd", file("/etc/a", "10.0.0.1"), resource.Restart)
	watch(Event{Step: s})
	for _, err := range []error{nil, io.EOF, fmt.Errorf("apply: %w", executors.ErrMoved)} {
		watch(Event{Step: s, Ended: true, Err: err, Took: 2 * time.Second})
	}
	watch(Event{Step: step(diff.Check, "etcd/etcd", file("/etc/a", "10.0.0.1"), 0), Ended: true})
	const at = `inventory="prod",module="etcd",result=`
	c.want(t, "pigsync_step_total", `pigsync_step_total{class="restart",`+at+`"ok"} 1`, `pigsync_step_total{class="restart",`+at+`"failed"} 1`,
		`pigsync_step_total{class="restart",`+at+`"moved"} 1`, `pigsync_step_total{class="check",`+at+`"ok"} 1`)
	if got := c.series(t, "pigsync_step_duration_seconds", "_sum{", `class="restart"`); len(got) != 1 || !strings.HasSuffix(got[0], " 6") {
		t.Errorf("durations: %q", got)
	}
}

func TestTheJournal(t *testing.T) {
	c := newCounting("prod")
	up := func(want string) {
		t.Helper()
		if got := c.series(t, "pigsync_journal_up"); len(got) != 1 || !strings.HasSuffix(got[0], want) {
			t.Errorf("journal: %q, want%s", got, want)
		}
	}
	up(" 1")
	s := step(diff.Update, "etcd/etcd", file("/etc/a", "10.0.0.1"), 0)
	r := roundOf(false, s)
	r.Results = []error{fmt.Errorf("%w: disk full", ErrJournal)}
	c.round(r)
	up(" 0")
	c.round(roundOf(false)) // nothing to write: it does not tell
	up(" 0")
	c.round(roundOf(false, s))
	up(" 1")
}

func TestNilMetricsAreSilent(t *testing.T) {
	var m *Metrics
	m.fetched("prod", sources.Revision{}, nil)
	m.seen(&Status{})
	m.Watch("prod")(Event{Ended: true})
	NewMetrics(nil, "prod").seen(StatusOf("prod", roundOf(false)))
}

// everything is the whole exposition.
func (c *counting) everything(t *testing.T) string {
	t.Helper()
	families, err := c.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range families {
		names = append(names, f.GetName())
	}
	text, err := testutil.GatherAndFormat(c.Registry, expfmt.TypeTextPlain, names...)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestLabelsHoldNoPathValueOrCommit(t *testing.T) {
	c := newCounting("prod")
	r := roundOf(true, step(diff.Update, "etcd/etcd", file("/etc/a", "10.0.0.1"), 0), step(diff.Wait, "node/\xff", file("/etc/b", "\xff"), 0))
	r.Results = []error{errors.New(canary), ErrUnknown}
	r.Objections = []policies.Objection{{Step: 0, Verdict: policies.Hold, Code: "PS101", Reason: canary}}
	r.Have[resource.FactsOf("\xff")] = resource.State{Err: errors.New(canary)}
	c.fetched("prod", r.Revision, errors.New(canary))
	c.round(r)
	c.Watch("prod")(Event{Step: r.Plan.Steps[0], Ended: true, Err: errors.New(canary)})
	text := c.everything(t)
	if !strings.Contains(text, `code="PS101"`) || !strings.Contains(text, `host="10.0.0.1"`) {
		t.Fatalf("the round is not shown: %s", text)
	}
	for _, never := range []string{canary, commit, "/etc/", "content"} {
		for line := range strings.Lines(text) {
			if strings.Contains(line, never) && !strings.HasPrefix(line, "#") {
				t.Errorf("%q in %s", never, line)
			}
		}
	}
}

func TestNamesAreAsPrometheusLikesThem(t *testing.T) {
	c := newCounting("prod")
	r := roundOf(true, step(diff.Update, "etcd/etcd", file("/etc/a", "10.0.0.1"), 0))
	r.Results = []error{ErrHeld}
	r.Objections = []policies.Objection{{Verdict: policies.Hold, Code: "PS101"}}
	c.round(r)
	c.Watch("prod")(Event{Step: r.Plan.Steps[0], Ended: true})
	problems, err := testutil.GatherAndLint(c.Registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}

func TestScrapesAndRoundsGoSideBySide(t *testing.T) {
	c := newCounting("prod")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				c.round(roundOf(true, step(diff.Update, "etcd/etcd", file("/etc/a", "10.0.0.1"), 0)))
				c.round(roundOf(true))
			}
		})
		wg.Go(func() {
			for range 20 {
				if _, err := c.Gather(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := c.series(t, "pigsync_rounds_total", "converged"); !strings.HasSuffix(got[0], " 80") {
		t.Errorf("rounds: %q, want 80", got)
	}
}

// A fleet of a thousand nodes.
func bigRound() *Round {
	r := roundOf(true)
	for i := range 1000 {
		at := fmt.Sprintf("10.0.%d.%d", i/256, i%256)
		id := file("/etc/hosts", at)
		_ = r.Want.Add(resource.Resource{ID: id, Owner: "node/" + at})
		r.Have[resource.FactsOf(at)], r.Have[id] = resource.State{Spec: resource.Facts{}}, resource.State{Spec: resource.File{}}
	}
	return r
}

func BenchmarkSeen1000Nodes(b *testing.B) {
	c, s := newCounting("prod"), StatusOf("prod", bigRound())
	b.ReportAllocs()
	for b.Loop() {
		c.seen(s)
	}
}

func BenchmarkGather1000Nodes(b *testing.B) {
	c := newCounting("prod")
	c.round(bigRound())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Gather(); err != nil {
			b.Fatal(err)
		}
	}
}
