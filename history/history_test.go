package history_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// clock moves on by a second whenever it is read.
func clock() func() time.Time {
	var mu sync.Mutex
	now := noon
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Second)
		return now
	}
}

func open(t testing.TB, dir string, o history.Options) *history.Journal {
	t.Helper()
	if o.Now == nil {
		o.Now = clock()
	}
	j, err := history.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func tell(t testing.TB, j *history.Journal, es ...history.Entry) {
	t.Helper()
	for _, e := range es {
		if err := j.Append(e); err != nil {
			t.Fatal(err)
		}
	}
}

func id(name string) resource.ID {
	return resource.ID{Kind: resource.KindUnit, Name: name, At: "10.0.0.1"}
}

func step(name string) history.Step {
	return history.Step{ID: id(name), Action: "~", Digest: "d-" + name, Hazard: resource.Restart, Owner: "etcd/etcd"}
}

func began(rev string) history.Entry { return history.RunBegan{Inventory: "prod", Revision: rev} }

func result(name, err string) history.Entry {
	return history.Result{Revision: "a", Plan: "p", Step: step(name), Err: err, Took: time.Second}
}

func planned(verdict, reason string) history.Planned {
	s := step("x")
	s.Verdict = verdict
	return history.Planned{
		Revision: "a", Digest: "p", Summary: "1 to change", Steps: []history.Step{s},
		Objections: []history.Objection{{Verdict: verdict, Policy: "hazards", Code: "PS101", Reason: reason}},
	}
}

func approval(digest string, until time.Time, steps ...string) history.Approved {
	return history.Approved{Approval: policies.Approval{
		Digest: digest, Steps: steps, By: "ann", When: noon, Until: until,
	}}
}

func hold(owner string, until time.Time) history.HoldOrdered {
	return history.HoldOrdered{HoldOrder: policies.HoldOrder{Owner: owner, By: "bob", Reason: "tests", Until: until}}
}

// kinds lists the journal, the oldest first.
func kinds(t testing.TB, j *history.Journal) string {
	t.Helper()
	var out []string
	for r, err := range j.Records(history.Query{Oldest: true}) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(r.Kind))
	}
	return strings.Join(out, " ")
}

func TestAttempted(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, history.Options{})
	if _, ok := j.LastConverged(); ok || len(j.Attempted()) > 0 {
		t.Error("a new journal knows revisions")
	}
	acts := func(revision string) history.Intent { return history.Intent{Revision: revision, Step: step("x")} }
	tell(t, j, began("a"), began("b"), history.Converged{Revision: "b", Round: 2}, began("c"), acts("c"), began("b"), began("c"), began("d"))
	want := []string{"b", "c", "d"}
	if got := j.Attempted(); !slices.Equal(got, want) {
		t.Errorf("attempted %v, want %v", got, want)
	}
	j.Close()
	j = open(t, dir, history.Options{})
	if got, ok := j.LastConverged(); !ok || got != "b" {
		t.Errorf("after a restart %q converged last, want b", got)
	}
	if got := j.Attempted(); !slices.Equal(got, want) {
		t.Errorf("after a restart attempted %v, want %v", got, want)
	}
}

// A revision that made nothing is forgotten when the next one begins; a gate that was asked is nothing.
// So a fleet that is held for long remembers few, also across files and restarts.
func TestWhatMadeNothingIsForgotten(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, history.Options{MaxBytes: 4 << 10})
	gate := step("etcd-1")
	gate.Action = "="
	tell(t, j, began("a"), history.Converged{Revision: "a", Round: 1})
	for i := range 300 {
		rev := fmt.Sprintf("r%d", i)
		tell(t, j, began(rev), history.Intent{Revision: rev, Step: gate}, history.Held{Revision: rev, Plan: "p", Steps: 1})
		if i%100 == 50 {
			tell(t, j, history.Intent{Revision: rev, Step: step("x")})
		}
		if i%7 == 0 {
			j.Close()
			j = open(t, dir, history.Options{MaxBytes: 4 << 10})
		}
	}
	want := []string{"a", "r50", "r150", "r250", "r299"}
	if got := j.Attempted(); !slices.Equal(got, want) {
		t.Errorf("attempted %v, want %v", got, want)
	}
	if tell(t, j, began("a")); !slices.Equal(j.Attempted(), want[:4]) {
		t.Errorf("after a revert attempted %v, want %v", j.Attempted(), want[:4])
	}
}

func TestQuietRoundsWriteNothing(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, history.Options{})
	held := history.Held{Revision: "a", Plan: "p", Steps: 1}
	tell(t, j, began("a"), planned("hold", "in 5 minutes"), held)
	tell(t, j, began("a"), planned("hold", "in 4 minutes"), held)
	j.Close()
	j = open(t, dir, history.Options{})
	tell(t, j, began("a"), planned("hold", "in 3 minutes"), held)
	tell(t, j, planned("allow", ""), history.Intent{Step: step("x")}, result("x", ""))
	for range 3 {
		tell(t, j, history.Planned{Revision: "a", Digest: "empty"}, history.Converged{Revision: "a", Round: 1})
	}
	tell(t, j, planned("hold", ""), held)
	want := "checkpoint run planned held planned intent result planned converged planned held"
	if got := kinds(t, j); got != want {
		t.Errorf("journal is\n%s, want\n%s", got, want)
	}
}

func TestAFailingStepDoesNotRepeatItsPlan(t *testing.T) {
	j := open(t, t.TempDir(), history.Options{})
	for range 2 {
		tell(t, j, planned("allow", ""), history.Intent{Step: step("x")}, result("x", "timeout"), history.Failed{Revision: "a", Err: "timeout"})
	}
	want := "checkpoint planned intent result failed intent result failed"
	if got := kinds(t, j); got != want {
		t.Errorf("journal is %s, want %s", got, want)
	}
}

func TestApprovalIsSpentStepByStep(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, history.Options{Events: 1})
	later := noon.Add(time.Hour)
	tell(t, j, approval("p", later, "d-x", "d-y"), result("x", "timeout"), result("x", ""), result("z", ""))
	check := func(j *history.Journal) {
		t.Helper()
		as := j.Approvals(noon)
		if len(as) != 1 || !slices.Equal(as[0].Steps, []string{"d-y"}) {
			t.Errorf("approvals are %+v, want d-y alone", as)
		}
	}
	check(j)
	j.Close()
	j = open(t, dir, history.Options{})
	check(j)
	if as := j.Approvals(later); len(as) > 0 {
		t.Errorf("%+v counts after its end", as)
	}
	tell(t, j, result("y", ""))
	if as := j.Approvals(noon); len(as) > 0 {
		t.Errorf("%+v counts after all its steps", as)
	}
}

// What was done without anybody's word, such as a file or the restart of one member after the other, or in another world
// by another word, says nothing of the world that a word was given for: seen on a cluster of three, where the word that was
// given while a member was away counted when that was back. What was done by it has moved the world itself.
func TestAWordStaysBoundToItsWorld(t *testing.T) {
	for _, tt := range []struct {
		cost  resource.Hazard
		world string
		bound bool
	}{
		{0, "seen", true}, {resource.Restart, "seen", true}, {resource.Reload, "seen", true},
		{resource.Topology, "seen", false}, {resource.Restart | resource.Failover, "seen", false}, {resource.Topology, "another", true}, {resource.Topology, "", true},
	} {
		j := open(t, t.TempDir(), history.Options{})
		word := approval("p", noon.Add(time.Hour), "d-x", "d-y")
		word.World = map[string]string{"etcd/etcd": "seen", "node/a": "other"}
		done := step("x")
		done.Owner, done.Hazard = "etcd/etcd", tt.cost
		tell(t, j, word, history.Result{Revision: "a", Plan: "p", Step: done, World: tt.world})
		as := j.Approvals(noon)
		if len(as) != 1 || as[0].World["etcd/etcd"] == "seen" != tt.bound || as[0].World["node/a"] != "other" {
			t.Errorf("after a step that may cost %s, in the world %q: %+v, want it bound to its own: %v", tt.cost, tt.world, as, tt.bound)
		}
	}
}

func TestHolds(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, history.Options{})
	tell(t, j, hold("etcd/*", noon.Add(time.Hour)), hold("node/*", noon.Add(time.Minute)), hold("etcd/*", noon.Add(2*time.Hour)),
		history.Released{Owner: "infra/*", By: "ann"})
	j.Close()
	j = open(t, dir, history.Options{})
	hs := j.Holds(noon.Add(time.Minute))
	if len(hs) != 1 || hs[0].Owner != "etcd/*" || !hs[0].Until.Equal(noon.Add(2*time.Hour)) {
		t.Errorf("holds are %+v", hs)
	}
	tell(t, j, history.Released{Owner: "etcd/*", By: "ann"})
	if hs := j.Holds(noon); len(hs) != 1 || hs[0].Owner != "node/*" {
		t.Errorf("holds after the release are %+v", hs)
	}
}

func TestPast(t *testing.T) {
	j := open(t, t.TempDir(), history.Options{Events: 3})
	tell(t, j, result("x", "old"), result("x", "no\nquorum"), result("y", ""), result("x", ""))
	got := j.Past(id("x"), time.Time{})
	if len(got) != 2 || got[0].Err != "no quorum" || got[1].Err != "" || got[1].Action != diff.Update {
		t.Errorf("past of x is %+v", got)
	}
	if since := j.Past(id("x"), got[1].When); len(since) != 1 {
		t.Errorf("since its last event there is %+v", since)
	}
	if j.Past(id("z"), time.Time{}) != nil {
		t.Error("z has a past")
	}
}

func TestUnfinished(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, history.Options{})
	tell(t, j, history.Intent{Plan: "p", Step: step("x")}, history.Intent{Plan: "p", Step: step("y")}, result("x", ""))
	j.Close()
	j = open(t, dir, history.Options{})
	if u := j.Unfinished(); len(u) != 1 || u[0].Step.ID != id("y") {
		t.Errorf("unfinished is %+v, want y", u)
	}
	tell(t, j, history.Converged{Revision: "a"})
	if u := j.Unfinished(); len(u) > 0 {
		t.Errorf("unfinished after all converged is %+v", u)
	}
}

func TestPlanKeepsNoValues(t *testing.T) {
	change := diff.Change{
		Resource: resource.Resource{ID: id("x"), Owner: "etcd/etcd", Origin: token.Position{Filename: "pigsty.yml", Line: 3, Column: 7}},
		Action:   diff.Update,
		Fields:   []resource.Field{{Path: "content", Have: "canary-have", Want: "canary-want", Hazard: resource.Restart}},
	}
	plan := &diff.Plan{Steps: []diff.Step{{Change: change}}}
	p := history.NewPlanned("a", plan, []policies.Verdict{policies.Hold},
		[]policies.Objection{{Verdict: policies.Hold, Policy: "hazards", Code: "PS101", Reason: "may cost restart"}})
	dir := t.TempDir()
	j := open(t, dir, history.Options{})
	tell(t, j, p, history.Intent{Plan: p.Digest, Step: history.NewStep(change)})
	got, err := j.Plan(plan.Digest())
	if err != nil || !reflect.DeepEqual(got, p) {
		t.Errorf("plan is %+v, %v; want %+v", got, err, p)
	}
	if a := got.Approval("ann", noon, noon.Add(time.Hour)); !slices.Equal(a.Steps, []string{change.Digest()}) || a.Digest != plan.Digest() {
		t.Errorf("approval is %+v", a)
	}
	if _, err := j.Plan("other"); !errors.Is(err, history.ErrNoPlan) {
		t.Errorf("another plan: %v", err)
	}
	for _, name := range files(t, dir) {
		b, _ := os.ReadFile(name)
		if strings.Contains(string(b), "canary") || !strings.Contains(string(b), "pigsty.yml:3:7") {
			t.Errorf("%s is %s", name, b)
		}
	}
}

func TestTextsAreBounded(t *testing.T) {
	j := open(t, t.TempDir(), history.Options{})
	tell(t, j, result("x", strings.Repeat("é\n", 5000)), history.RunBegan{Revision: "a", Subject: "fix\x1b[31m\r\nall"})
	for r, err := range j.Records(history.Query{Kinds: []history.Kind{history.KindResult, history.KindRun}}) {
		if err != nil {
			t.Fatal(err)
		}
		b, _ := json.Marshal(r)
		if len(b) > 2000 || strings.Contains(string(b), `\n`) || strings.Contains(string(b), `\u001b`) {
			t.Errorf("a record of %d bytes: %s", len(b), b)
		}
	}
}

func TestRecords(t *testing.T) {
	j := open(t, t.TempDir(), history.Options{MaxBytes: 600, Keep: 100})
	for i := range 9 {
		tell(t, j, result(fmt.Sprint("n", i%3), ""))
	}
	tests := []struct {
		name string
		q    history.Query
		want string
	}{
		{"newest first", history.Query{Kinds: []history.Kind{history.KindResult}, Limit: 4}, "n2 n1 n0 n2"},
		{"oldest first", history.Query{Kinds: []history.Kind{history.KindResult}, Limit: 4, Oldest: true}, "n0 n1 n2 n0"},
		{"one resource", history.Query{ID: id("n1")}, "n1 n1 n1"},
		{"since", history.Query{ID: id("n1"), Since: j.Past(id("n1"), time.Time{})[1].When}, "n1 n1"},
		{"until", history.Query{ID: id("n1"), Until: j.Past(id("n1"), time.Time{})[1].When}, "n1"},
		{"none", history.Query{Kinds: []history.Kind{history.KindHeld}}, ""},
	}
	for _, tt := range tests {
		var got []string
		for r, err := range j.Records(tt.q) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, r.Entry.(history.Result).Step.ID.Name)
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, s, tt.want)
		}
	}
	if n := strings.Count(kinds(t, j), "checkpoint"); n < 3 {
		t.Errorf("the journal has %d files, want several", n)
	}
}

// What a resource did without us is about it, too.
func TestRecordsAboutAResource(t *testing.T) {
	j := open(t, t.TempDir(), history.Options{})
	for _, name := range []string{"mine", "other"} {
		drift := history.Drift{ID: id(name), Owner: "etcd/etcd", Since: noon}
		wait := history.PendingRestart{ID: id(name), Cluster: "pg", Since: noon}
		tell(t, j, history.Drifted{Began: []history.Drift{drift}})
		tell(t, j, history.Drifted{Ended: []resource.ID{id(name)}})
		tell(t, j, history.Restarts{Pending: []history.PendingRestart{wait}})
		tell(t, j, history.Restarts{Over: []resource.ID{id(name)}})
	}
	var got []string
	for r, err := range j.Records(history.Query{ID: id("mine"), Oldest: true}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(r.Kind))
	}
	if s := strings.Join(got, " "); s != "drifted drifted restarts restarts" {
		t.Errorf("found: %s", s)
	}
}

func files(t testing.TB, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "journal-*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}
