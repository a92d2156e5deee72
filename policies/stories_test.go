package policies_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/policies/rules"
	"github.com/pigsync/pigsync/resource"
)

// tale is how a plan is held by a judge, why and until when, and what lets it go.
type tale struct {
	judge   *policies.Policy
	held    policies.Case
	because string
	until   time.Time // when it goes by itself
	again   bool      // it is held again then: what lets it go is something else
	then    func(c *policies.Case)
}

// of steps is a case at noon.
func plans(steps ...diff.Step) policies.Case {
	return policies.Case{Now: noon, Plan: &diff.Plan{Steps: steps}, Want: &resource.Set{}}
}

// and adds to a case.
func and(c policies.Case, f func(*policies.Case)) policies.Case {
	f(&c)
	return c
}

// approved is what lets most of it go.
func approvedNow(c *policies.Case) { c.Approvals = []policies.Approval{agreed(c.Plan, "ann", noon)} }

func other(steps ...diff.Step) func(*policies.Case) {
	return func(c *policies.Case) { c.Plan = &diff.Plan{Steps: steps} }
}

func having(have map[resource.ID]resource.State) func(*policies.Case) {
	return func(c *policies.Case) { c.Have = have }
}

// knowing adds to what is known.
func knowing(id resource.ID, s resource.State) func(*policies.Case) {
	return func(c *policies.Case) {
		have := maps.Clone(c.Have)
		have[id] = s
		c.Have = have
	}
}

// room is how much is free on the disk for the data of a node.
func room(node string, free int) func(*policies.Case) {
	return knowing(resource.FactsOf(node), resource.State{Spec: resource.Facts{DiskMB: 1000, Free: []resource.FileSystem{{Path: "/data", SizeMB: 1000, FreeMB: free}}}})
}

// voters are an etcd with or without a quorum.
func voters(quorum bool) func(*policies.Case) {
	return knowing(resource.EtcdClusterOf("etcd"), resource.State{Spec: resource.EtcdCluster{Quorum: quorum}})
}

func rule(t *testing.T, when string) *policies.Policy {
	t.Helper()
	labels := policies.Labels{"etcd/*": {"tier": "gold"}}
	p, err := rules.Compile(rules.Rule{Name: "r", When: when, Message: "gold waits"}, &rules.World{Labels: labels})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func tales(t *testing.T) map[string]tale {
	guarded := remove("1", "10.0.0.1")
	guarded.Guard = "etcd_safeguard"
	orphan := change(diff.Delete, "file", "x", "a", 0)
	orphan.Orphan = true
	rents := orphan
	rents.Tenants = []resource.Tenant{{Owner: "redis/r", Unit: resource.ID{Kind: "unit", Name: "redis", At: "a"}}}
	lives := func(active bool) func(*policies.Case) {
		return having(map[resource.ID]resource.State{rents.Tenants[0].Unit: {Spec: resource.Unit{Active: active}}})
	}
	encoding := change(diff.Update, "pgdatabase", "app", "pg-test", 0)
	encoding.Spec = resource.PGDatabase{PGCreation: resource.PGCreation{Encoding: "LATIN1"}}
	encoding.Have = resource.PGDatabase{PGCreation: resource.PGCreation{Encoding: "UTF8"}}
	var gone []diff.Step
	for _, at := range []string{"1", "2", "3"} {
		gone = append(gone, of("node/"+at, change(diff.Delete, "file", "x", at, 0)))
	}
	night, lunch := window(t, "0 2 * * *", time.Hour, 0), window(t, "0 12 * * *", time.Hour, 0)
	lunch.Deny = true
	short := window(t, "0 12 * * *", 10*time.Minute, 0)
	loss := of("pgsql/pg-1", change(diff.Update, "pgabsent", "db", "pg-1", resource.DataLoss))
	backed := func(ended time.Time) func(*policies.Case) {
		return having(map[resource.ID]resource.State{resource.PGBackupOf("pg-1"): {Spec: backups{ended: ended, verified: ended}}})
	}
	disk := func(free int) func(*policies.Case) {
		return having(map[resource.ID]resource.State{resource.FactsOf("a"): {Spec: resource.Facts{DiskMB: 1000, Free: []resource.FileSystem{{Path: "/", SizeMB: 1000, FreeMB: free}}}}})
	}
	ansible := func(a resource.Ansible) func(*policies.Case) {
		return having(map[resource.ID]resource.State{resource.FactsOf("b"): {Spec: resource.Facts{Ansible: a}}})
	}
	few := 0.01
	ring := policies.Ring{Name: "dev", Owners: []string{"etcd/dev"}, Soak: time.Hour}
	gated := policies.Ring{Name: "dev", Owners: []string{"etcd/dev"}, Gates: []policies.Gate{{Name: "errors", Max: &few}}}
	measured := func(value float64) func(*policies.Case) {
		return func(c *policies.Case) {
			c.Samples = map[string]policies.Sample{"errors": {Value: value, When: c.Now}}
		}
	}
	rest := policies.Ring{Name: "rest", Owners: []string{"*/*"}}
	fought := did(0, noon.Add(-40*time.Minute), noon.Add(-30*time.Minute), noon.Add(-20*time.Minute), noon.Add(-10*time.Minute), noon.Add(-5*time.Minute))
	gonebad := pgStep(resource.Restart, "10.0.0.2")
	gonebad.ID.Kind = resource.KindPGMember
	setback := func(c *policies.Case) {
		c.Past = func(resource.ID, time.Time) []policies.Event {
			return []policies.Event{{When: noon.Add(-time.Hour), Action: diff.Update, Step: gonebad.Digest(), Err: resource.PGSetback}}
		}
	}
	one, two := plans(restart("a")), plans(restart("a"), restart("b"))
	member := plans(restart("10.0.0.1"))
	return map[string]tale{
		"PS101": {judge: policies.Hazards(policies.Careful), held: plans(remove("1", "10.0.0.1")), because: "may cost", then: approvedNow},
		"PS102": {judge: policies.Safeguards(), held: plans(guarded), because: "etcd_safeguard is on", then: other(remove("1", "10.0.0.1"))},
		"PS103": {judge: policies.Frozen(), held: and(one, func(c *policies.Case) { c.Frozen = map[string]bool{"etcd/etcd": true} }), because: "has a problem",
			then: func(c *policies.Case) { c.Frozen = nil }},
		"PS104": {judge: policies.Quorum(), held: and(member, having(cluster("hhd"))), because: "2 of 3 members are healthy: none can be spared", then: having(cluster("hhh"))},
		"PS105": {judge: policies.OneAtATime(), held: two, because: "restarts in this round, too", then: other(restart("a"), restart("b", 0))},
		"PS106": {judge: policies.Holds(), held: and(one, func(c *policies.Case) {
			c.Holds = []policies.HoldOrder{{Owner: "etcd/*", By: "ann", Reason: "migration", Until: noon.Add(time.Hour)}}
		}), because: "held by ann: migration", until: noon.Add(time.Hour)},
		"PS107": {judge: policies.Modes([]policies.Mode{{Owners: []string{"*/*"}, Heal: new(false)}}), held: and(one, func(c *policies.Case) { c.Settled = true }), because: "drift is only reported",
			then: func(c *policies.Case) { c.Settled = false }},
		"PS108": {judge: policies.Orphans(), held: plans(orphan), because: "has left the inventory", then: approvedNow},
		"PS109": {judge: policies.Orphans(), held: and(plans(rents), func(c *policies.Case) { approvedNow(c); lives(true)(c) }), because: "redis/r still lives there", then: lives(false)},
		"PS110": {judge: policies.BlastRadius(policies.DefaultBlast()), held: plans(gone...), because: "3 of 3 clusters and nodes vanish at once", then: approvedNow},
		"PS111": {judge: policies.Windows([]policies.Window{night}), held: one, because: "waits for the window", until: noon.Add(14 * time.Hour)},
		"PS112": {judge: policies.Windows([]policies.Window{lunch}), held: one, because: "not in the window", until: noon.Add(time.Hour)},
		"PS113": {judge: policies.Freezes([]policies.Freeze{{From: noon, Until: noon.Add(time.Hour), Reason: "the fair"}}), held: one, because: "frozen: the fair", until: noon.Add(time.Hour)},
		"PS114": {judge: policies.Budgets([]policies.Budget{{Name: "few", Per: policies.PerFleet, Max: 1}}, nil), held: two, because: "budget few: 1 at a time", then: other(restart("a"), restart("b", 0))},
		"PS115": {judge: policies.Consents([]policies.Consent{{Need: 2}}, nil), held: one, because: "wants the word of 2 people", then: func(c *policies.Case) {
			c.Approvals = []policies.Approval{agreed(c.Plan, "ann", noon), agreed(c.Plan, "bob", noon)}
		}},
		"PS116": {judge: policies.Windows([]policies.Window{short}), held: and(one, func(c *policies.Case) { c.Past = did(11*time.Minute, noon.Add(-24*time.Hour)) }),
			because: "it took 11m0s", until: noon.Add(24 * time.Hour), again: true, then: func(c *policies.Case) { c.Past = did(time.Minute, noon.Add(-24*time.Hour)) }},
		"PS117": {judge: policies.Clock(), held: and(one, func(c *policies.Case) { c.Memory.Latest = noon.Add(time.Hour) }), because: "the clock says", until: noon.Add(time.Hour)},
		"PS118": {judge: policies.Fixed(), held: plans(encoding), because: "encoding", then: other(restart("a"))},
		"PS119": {judge: policies.Lags(policies.DefaultLag()), held: and(plans(pgStep(resource.Failover, "10.0.0.1")), having(postgres("Lb"))), because: "pg-1-2 is 64 MiB behind, more than 16", then: having(postgres("Lr"))},
		"PS120": {judge: rule(t, `cluster.labels.tier == "gold" && plan.changes > 1`), held: two, because: "gold waits", then: other(restart("a"))},
		"PS121": {judge: rule(t, `cluster.labels.tier == "silver"`), held: plans(of("redis/r", restart("a"))), because: "no such key: tier", then: other(restart("a"))},
		"PS122": {judge: policies.Backups(policies.Backup{Within: time.Hour}), held: and(plans(loss), backed(noon.Add(-2*time.Hour))), because: "the last backup ended at", then: backed(noon.Add(-time.Minute))},
		"PS123": {judge: policies.DiskSpace(policies.DefaultDisk()), held: and(one, disk(10)), because: "/ has 10 MiB free", then: disk(500)},
		"PS124": {judge: policies.Rings([]policies.Ring{ring, rest}), held: and(one, func(c *policies.Case) { c.Memory.Since = noon.Add(-30 * time.Minute) }),
			because: "the ring dev soaks for 1h0m0s", until: noon.Add(30 * time.Minute)},
		"PS125": {judge: policies.Rings([]policies.Ring{gated, rest}), held: and(one, measured(0.5)), because: "errors is 0.5, more than 0.01", then: measured(0.001)},
		"PS126": {judge: policies.Quarantines(policies.Quarantine{Period: time.Hour}), held: and(plans(loss), func(c *policies.Case) {
			c.Approvals = []policies.Approval{agreed(c.Plan, "ann", noon)}
			c.Approvals[0].Until = noon.Add(48 * time.Hour)
		}), because: "in quarantine since", until: noon.Add(time.Hour)},
		"PS127": {judge: policies.Adoption([]string{"etcd/*"}), held: one, because: "was never seen in sync", then: func(c *policies.Case) { c.Memory.Adopted = map[string]bool{"etcd/etcd": true} }},
		"PS128": {judge: policies.Version(policies.NewestPigsty), held: and(one, func(c *policies.Case) { c.Version = "v99.0" }), because: "written for Pigsty v99.0", then: func(c *policies.Case) { c.Version = "v4.5" }},
		"PS129": {judge: policies.Fights(policies.DefaultFight()), held: and(one, func(c *policies.Case) { c.Settled, c.Past = true, fought }), because: "was put right 5 times", until: noon.Add(20 * time.Minute)},
		"PS130": {judge: policies.Patroni(), held: and(plans(pgStep(resource.Restart, "10.0.0.2")), having(postgres("Lrd"))), because: "pg-1-3 is not well", then: having(postgres("Lrr"))},
		"PS131": {judge: policies.Setbacks(), held: and(plans(gonebad), setback), because: "has not come back from it", then: approvedNow},
		"PS132": {judge: policies.Ansible(), held: and(one, ansible(resource.Ansible{Runs: 812})), because: "somebody runs Ansible on b (process 812)", then: ansible(resource.Ansible{})},
		"PS140": {judge: policies.Returns(), held: and(plans(pgStep(resource.Failover, "10.0.0.1")), func(c *policies.Case) { c.Returning = true }),
			because: "revert the commit", then: other(restart("a"))},
		"PS141": {judge: policies.Modes([]policies.Mode{{Owners: []string{"*/*"}, Apply: new(false)}}), held: one, because: "commits are only planned", then: approvedNow},
		"PS142": {judge: policies.Modes([]policies.Mode{{Owners: []string{"*/*"}, Prune: new(false)}}), held: plans(change(diff.Delete, "file", "x", "a", 0)),
			because: "nothing is taken away without a word", then: approvedNow},
		"PS199": {judge: &policies.Policy{Name: "asleep", Judge: func(c *policies.Case) []policies.Objection {
			if c.Samples == nil {
				panic("nothing was measured")
			}
			return nil
		}}, held: one, because: "the policy failed: nothing was measured", then: measured(0)},
	}
}

var update = flag.Bool("update", false, "write the examples of docs/problems anew")

// Each code of the documentation has its tale: the plan is held, with a reason and until when, and let go then. What
// is said of it is the example of its page.
func TestEveryCodeHasItsTale(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := os.ReadFile("../docs/policies.md")
	if err != nil {
		t.Fatal(err)
	}
	all := tales(t)
	for _, code := range regexp.MustCompile(`PS\d{3}`).FindAllString(string(doc), -1) {
		if !strings.Contains(string(pages), code) {
			t.Errorf("docs/policies.md does not tell of %s", code)
		}
		tale, told := all[code]
		if !told {
			t.Errorf("%s has no tale", code)
			continue
		}
		t.Run(code, func(t *testing.T) { tale.isOnItsPage(t); tale.tell(t, code) })
		delete(all, code)
	}
	for code := range all {
		t.Errorf("%s is not documented", code)
	}
	for name, tale := range moreTales(t) {
		t.Run(name, func(t *testing.T) { tale.tell(t, name[:len("PS101")]) })
	}
}

func (l tale) tell(t *testing.T, code string) {
	t.Helper()
	verdicts, os := policies.Judge(&l.held, []*policies.Policy{l.judge})
	if len(os) == 0 || verdicts[os[0].Step] == policies.Allow {
		t.Fatalf("it is let through: %v %+v", verdicts, os)
	}
	if o := os[0]; o.Code != code || o.Reason == "" || !strings.Contains(o.Reason, l.because) || !o.Until.Equal(l.until) {
		t.Errorf("%+v, want %q until %s", o, l.because, l.until)
	}
	if !l.until.IsZero() {
		later := l.held
		later.Now = l.until.Add(-2 * time.Minute) // the clock has a minute of grace
		l.holds(t, later, true)
		later.Now = l.until.Add(time.Second)
		l.holds(t, later, l.again)
	}
	if l.then != nil {
		l.then(&l.held)
		l.holds(t, l.held, false)
	}
}

var example = regexp.MustCompile("(?s)\n```text\n(.*?)```\n")

// isOnItsPage wants the page of the code to show what a plan says of the step.
func (l tale) isOnItsPage(t *testing.T) {
	t.Helper()
	_, said := policies.Judge(&l.held, []*policies.Policy{l.judge})
	if len(said) == 0 {
		return // which is told
	}
	o := said[0]
	name := "../docs/problems/" + o.Code + ".md"
	page, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	s := l.held.Plan.Steps[o.Step]
	want := fmt.Sprintf("\n```text\n%s: %c %s: %s: %s%s\n```\n", o.Code, s.Action, s.ID, o.Verdict, o.Reason, policies.Until(o.Until))
	is := example.ReplaceAllLiteralString(string(page), want)
	if is == string(page) {
		return
	}
	if !*update {
		t.Errorf("%s does not show what is said: go test ./policies -run Tale -update. Want:%s", name, want)
		return
	}
	if err := os.WriteFile(name, []byte(is), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (l tale) holds(t *testing.T, c policies.Case, want bool) {
	t.Helper()
	if _, os := policies.Judge(&c, []*policies.Policy{l.judge}); (len(os) > 0) != want {
		t.Errorf("at %s: held %v, want %v: %+v", c.Now, len(os) > 0, want, os)
	}
}

// The gravest verdict counts, whoever speaks last.
func TestTheGravestCountsInAnyOrder(t *testing.T) {
	says := func(v policies.Verdict) *policies.Policy {
		return &policies.Policy{Name: v.String(), Judge: func(*policies.Case) []policies.Objection {
			return []policies.Objection{{Verdict: v, Code: "X"}}
		}}
	}
	for _, ps := range [][]*policies.Policy{{says(policies.Deny), says(policies.Hold)}, {says(policies.Hold), says(policies.Deny)}} {
		c := plans(restart("a"))
		if verdicts, _ := policies.Judge(&c, ps); verdicts[0] != policies.Deny {
			t.Errorf("%s first: %s", ps[0].Name, verdicts[0])
		}
	}
}
