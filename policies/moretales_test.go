package policies_test

import (
	"testing"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
)

// moreTales are those of a code beside its first one: each thing that a judge is asked to judge by.
func moreTales(t *testing.T) map[string]tale {
	all := map[string]tale{}
	for _, some := range []map[string]tale{talesOfPeople(), talesOfTime(t), talesOfNumber(), talesOfHealth(), talesOfLoss()} {
		for name, one := range some {
			all[name] = one
		}
	}
	return all
}

func talesOfPeople() map[string]tale {
	people := policies.People{"ann": {Roles: []string{"dba"}}, "bob": {Roles: []string{"owner"}}, "eve": {}}
	wants := func(c policies.Consent) *policies.Policy { return policies.Consents([]policies.Consent{c}, people) }
	words := func(via string, names ...string) func(*policies.Case) {
		return func(c *policies.Case) {
			c.Approvals = nil
			for _, name := range names {
				word := agreed(c.Plan, name, noon)
				word.Via = via
				c.Approvals = append(c.Approvals, word)
			}
		}
	}
	gone := plans(remove("1", "10.0.0.1"))
	return map[string]tale{
		"PS101, a failover": {judge: policies.Hazards(policies.Careful), held: plans(pgStep(resource.Failover, "10.0.0.1")), because: "may cost failover: approve plan", then: approvedNow},
		"PS101, the way in": {judge: policies.Hazards(policies.Careful), held: plans(change(diff.Update, "guarded", "/etc/ssh/sshd_config", "a", resource.Lockout)), because: "may cost lockout", then: approvedNow},
		"PS101, another world": {judge: policies.Hazards(policies.Careful), held: and(gone, func(c *policies.Case) {
			c.Have = cluster("hhd")
			approvedNow(c)
			c.Approvals[0].World = policies.World(c.Plan, cluster("hhh"))
		}), because: "may cost topology", then: having(cluster("hhh"))},
		"PS101, an approval that has ended": {judge: policies.Hazards(policies.Careful), held: and(gone, func(c *policies.Case) {
			approvedNow(c)
			c.Approvals[0].Until = noon
		}), because: "may cost topology", then: approvedNow},
		"PS115, two people": {judge: wants(policies.Consent{Need: 2}), held: and(gone, words("", "ann")), because: "wants the word of 2 people", then: words("", "ann", "eve")},
		"PS115, two roles": {judge: wants(policies.Consent{Need: 2, Roles: []string{"dba", "owner"}}), held: and(gone, words("", "ann", "eve")),
			because: "owner", then: words("", "ann", "bob")},
		"PS115, a review": {judge: wants(policies.Consent{Need: 1, Via: []string{policies.ViaReview}}), held: and(gone, words(policies.ViaCommit, "ann")),
			because: "wants the word of one person", then: words(policies.ViaReview, "ann")},
		"PS115, a word of long ago": {judge: wants(policies.Consent{Need: 1, Within: time.Hour}), held: and(gone, func(c *policies.Case) {
			c.Approvals = []policies.Approval{agreed(c.Plan, "ann", noon.Add(-time.Hour))}
		}), because: "wants the word of one person", then: words("", "ann")},
		"PS127, accepted by a pattern": {judge: policies.Adoption([]string{"*/*"}), held: plans(restart("a")), because: "was never seen in sync",
			then: func(c *policies.Case) { c.Memory.Adopted = map[string]bool{"etcd/*": true} }},
	}
}

func talesOfTime(t *testing.T) map[string]tale {
	berlin := zone(t, "Europe/Berlin")
	at := func(month time.Month, day, hour, minute int) time.Time {
		return time.Date(2027, month, day, hour, minute, 0, 0, berlin)
	}
	when := func(now time.Time) policies.Case {
		return and(plans(restart("a")), func(c *policies.Case) { c.Now = now })
	}
	opens := window(t, "30 2 * * *", time.Hour, 0)
	opens.Zone = berlin
	except := opens
	except.Except = []policies.Days{{First: "2027-05-01", Last: "2027-05-02"}}
	judge := func(w policies.Window) *policies.Policy { return policies.Windows([]policies.Window{w}) }
	took := did(20*time.Minute, noon.Add(-time.Hour))
	soon := []policies.Freeze{{From: noon.Add(10 * time.Minute), Until: noon.Add(time.Hour), Reason: "the fair"}}
	return map[string]tale{
		"PS111, days that are excepted":         {judge: judge(except), held: when(at(time.April, 30, 12, 0)), because: "waits for the window", until: at(time.May, 3, 2, 30)},
		"PS111, an hour that is skipped":        {judge: judge(opens), held: when(at(time.March, 28, 1, 45)), because: "waits for the window", until: at(time.March, 29, 2, 30)},
		"PS111, after winter time has begun":    {judge: judge(opens), held: when(at(time.October, 31, 5, 0)), because: "waits for the window", until: at(time.November, 1, 2, 30)},
		"PS116, a freeze that begins meanwhile": {judge: policies.Freezes(soon), held: and(plans(restart("a")), func(c *policies.Case) { c.Past = took }), because: "it took 20m0s", until: noon.Add(time.Hour)},
		"PS106, a whole inventory": {judge: policies.Holds(), held: and(plans(restart("a")), func(c *policies.Case) {
			c.Holds = []policies.HoldOrder{{Owner: "*/*", By: "ann", Reason: "network", Until: noon.Add(time.Hour)}}
		}), because: "held by ann: network", until: noon.Add(time.Hour)},
		"PS124, differences are left": {judge: policies.Rings([]policies.Ring{{Name: "dev", Owners: []string{"etcd/dev"}}, {Name: "rest", Owners: []string{"*/*"}}}),
			held: plans(of("etcd/dev", change(diff.Wait, "file", "x", "a", 0)), restart("b")), because: "1 differences are left, the first is file:x@a", then: other(restart("b"))},
	}
}

func talesOfNumber() map[string]tale {
	labels := policies.Labels{"x/1": {"app": "shop"}, "x/2": {"app": "shop"}, "node/a": {"host": "hv1"}, "node/10.0.0.1": {"host": "hv1"}, "node/10.0.0.2": {"host": "hv1"}}
	one := func(b policies.Budget) *policies.Policy {
		b.Name, b.Max = "one", 1
		return policies.Budgets([]policies.Budget{b}, labels)
	}
	two := func(a, b string, needs ...int) []diff.Step {
		second := of(b, restart("10.0.0.2", needs...))
		return []diff.Step{of(a, restart("10.0.0.1")), second}
	}
	inOrder := func(a, b string) func(*policies.Case) { return other(two(a, b, 0)...) }
	wants := func(owners ...string) func(*policies.Case) {
		return func(c *policies.Case) {
			c.Want = &resource.Set{}
			for _, o := range owners {
				_ = c.Want.Add(resource.Resource{ID: resource.ID{Kind: "file", Name: "x", At: o}, Owner: o}) // each is another
			}
		}
	}
	return map[string]tale{
		"PS114, of a cluster":        {judge: one(policies.Budget{Per: policies.PerOwner}), held: plans(two("x/1", "x/1")...), because: "1 at a time of x/1", then: inOrder("x/1", "x/1")},
		"PS114, of a module":         {judge: one(policies.Budget{Per: policies.PerModule}), held: plans(two("x/1", "x/2")...), because: "1 at a time of x", then: inOrder("x/1", "x/2")},
		"PS114, of an application":   {judge: one(policies.Budget{Per: policies.PerLabel, Label: "app"}), held: plans(two("x/1", "x/2")...), because: "1 at a time of app shop", then: inOrder("x/1", "x/2")},
		"PS114, of a machine":        {judge: one(policies.Budget{Per: policies.PerHost}), held: plans(two("x/1", "x/2")...), because: "1 at a time of hv1", then: inOrder("x/1", "x/2")},
		"PS114, a node out of reach": {judge: one(policies.Budget{Per: policies.PerFleet}), held: and(plans(restart("a")), having(fleetOf(3, "b"))), because: "1 at a time of the fleet", then: having(fleetOf(3))},
		"PS114, a share": {judge: policies.Budgets([]policies.Budget{{Name: "tenth", Per: policies.PerFleet, Share: 0.1}}, nil), held: and(plans(two("x/1", "x/2")...), having(fleetOf(10))),
			because: "budget tenth: 1 at a time", then: having(fleetOf(20))},
		"PS105, of one MinIO set": {judge: policies.OneAtATime(), held: plans(two("minio/minio", "minio/minio")...), because: "restarts in this round, too", then: inOrder("minio/minio", "minio/minio")},
		"PS110, too many are touched": {judge: policies.BlastRadius(policies.Blast{Share: 1, Touch: 0.5}), held: and(plans(two("x/1", "x/2")...), wants("x/1", "x/2", "x/3")),
			because: "2 of 3 clusters and nodes are touched at once", then: approvedNow},
		"PS110, the rest of the fleet is larger": {judge: policies.BlastRadius(policies.Blast{Share: 0.5}), held: and(plans(of("x/1", change(diff.Delete, "file", "x", "a", 0))), wants()),
			because: "1 of 1 clusters and nodes vanish at once", then: wants("x/2")},
	}
}

func talesOfHealth() map[string]tale {
	member := plans(restart("10.0.0.1"))
	gone := plans(remove("1", "10.0.0.1"))
	failover := plans(pgStep(resource.Failover, "10.0.0.1"))
	move := plans(pgStep(resource.Restart, "10.0.0.2"))
	unknown := map[resource.ID]resource.State{resource.EtcdClusterOf("etcd"): {Err: errDark}}
	quorate := func(c *policies.Case) { having(cluster("hhh"))(c) }
	return map[string]tale{
		"PS104, a member that would go": {judge: policies.Quorum(), held: and(gone, func(c *policies.Case) { having(cluster("hhd"))(c); approvedNow(c) }),
			because: "2 of 3 members are healthy: without this one the rest is no quorum", then: quorate},
		"PS104, nobody knows":          {judge: policies.Quorum(), held: and(member, having(unknown)), because: "the state of the cluster is unknown", then: quorate},
		"PS104, approved":              {judge: policies.Quorum(), held: and(member, having(cluster("hh"))), because: "none can be spared", then: approvedNow},
		"PS119, nobody may lead":       {judge: policies.Lags(policies.DefaultLag()), held: and(failover, having(postgres("Ln"))), because: "no replica may lead", then: having(postgres("Lnr"))},
		"PS119, not a synchronous one": {judge: policies.Lags(policies.DefaultLag()), held: and(failover, having(withoutSynchronous())), because: "pg-1-3 is not well", then: having(postgres("Ls"))},
		"PS119, nobody knows how far":  {judge: policies.Lags(policies.DefaultLag()), held: and(failover, having(postgres("L0"))), because: "nobody knows how far pg-1-2 is behind", then: having(postgres("Lr"))},
		"PS130, no quorum": {judge: policies.Patroni(), held: and(and(plans(of("pgsql/pg-1", change(diff.Create, "pgrole", "seller", "pg-1", 0))), having(postgres("Lr"))), voters(false)),
			because: "etcd has no quorum", then: voters(true)},
		"PS130, nobody knows of a quorum": {judge: policies.Patroni(), held: and(and(plans(of("pgsql/pg-1", change(diff.Create, "pgrole", "seller", "pg-1", 0))), having(postgres("Lr"))), knowing(resource.EtcdClusterOf("etcd"), resource.State{Err: errDark})),
			because: "etcd has no quorum, or nobody knows", then: voters(true)},
		"PS130, paused":                  {judge: policies.Patroni(), held: and(move, having(postgres("Lp"))), because: "Patroni is paused", then: having(postgres("Lr"))},
		"PS130, nobody leads":            {judge: policies.Patroni(), held: and(move, having(postgres("rr"))), because: "no leader", then: having(postgres("Lr"))},
		"PS130, nobody knows of another": {judge: policies.Patroni(), held: and(move, having(postgres("Lr?"))), because: "nobody knows how pg-1-3 is", then: approvedNow},
		"PS130, another follows nobody":  {judge: policies.Patroni(), held: and(move, having(postgres("Lru"))), because: "pg-1-3 follows nobody", then: having(postgres("Lrr"))},
		"PS132, tasks from elsewhere on another node of the owner": {judge: policies.Ansible(),
			held:    and(plans(restart("b"), restart("a")), having(map[resource.ID]resource.State{resource.FactsOf("b"): {Spec: resource.Facts{Ansible: resource.Ansible{Tasks: true}}}})),
			because: "somebody's Ansible works on b", then: other(of("redis/r", restart("a")))},
		"PS123, a database on a replica's disk": {judge: policies.DiskSpace(policies.DefaultDisk()),
			held:    and(and(plans(change(diff.Create, "pgdatabase", "sales", "pg-1", 0)), having(postgres("Lr"))), room("10.0.0.2", 9)),
			because: "10.0.0.2: /data has 9 MiB free: want 256", then: room("10.0.0.2", 900)},
		"PS123, nobody knows": {judge: policies.DiskSpace(policies.DefaultDisk()), held: and(plans(restart("a")), having(map[resource.ID]resource.State{resource.FactsOf("a"): {Spec: resource.Facts{DiskMB: 1000}}})),
			because: "nobody knows how much of the disk is free", then: having(map[resource.ID]resource.State{resource.FactsOf("a"): {Spec: resource.Facts{DiskMB: 1000, Free: []resource.FileSystem{{Path: "/", SizeMB: 1000, FreeMB: 900}}}}})},
	}
}

func talesOfLoss() map[string]tale {
	loss := plans(of("pgsql/pg-1", change(diff.Update, "pgabsent", "db", "pg-1", resource.DataLoss)))
	backed := func(b backups) func(*policies.Case) { return having(backup(resource.State{Spec: b})) }
	leaving := func(kind resource.Kind, h resource.Hazard) diff.Step {
		s := change(diff.Delete, kind, "x", "a", h)
		s.Orphan = true
		return s
	}
	stopped := func(c *policies.Case) { c.Memory.Stopped = map[string]time.Time{"etcd/etcd": noon} }
	seat := leaving("pgseated", resource.Restart|resource.Topology)
	seat.Guard = "pg_safeguard"
	week := policies.Quarantines(policies.Quarantine{Period: 7 * 24 * time.Hour})
	return map[string]tale{
		"PS122, never verified": {judge: policies.Backups(policies.Backup{Within: time.Hour, Verified: time.Hour}), held: and(loss, backed(backups{ended: noon})), because: "no backup was verified",
			then: backed(backups{ended: noon, verified: noon})},
		"PS122, nobody knows": {judge: policies.Backups(policies.Backup{Within: time.Hour}), held: and(loss, having(backup(resource.State{Err: errDark}))), because: "nobody knows of a backup of pg-1",
			then: backed(backups{ended: noon})},
		"PS126, it still runs": {judge: week, held: plans(leaving("unit", resource.Restart), leaving("file", 0)), because: "unit:x@a is switched off first", then: other(leaving("unit", resource.Restart))},
		"PS126, it rests":      {judge: week, held: and(plans(leaving("file", 0)), stopped), because: "in quarantine since 2026-11-20 12:00 UTC", until: noon.Add(7 * 24 * time.Hour)},
		"PS102, who leaves":    {judge: policies.Safeguards(), held: and(plans(leaving("file", 0), seat), approvedNow), because: "pg_safeguard is on", then: other(leaving("file", 0))},
		"PS102, data":          {judge: policies.Safeguards(), held: and(plans(safeguarded(loss.Plan.Steps[0])), approvedNow), because: "pg_safeguard is on", then: other(loss.Plan.Steps[0])},
		"PS108, out of reach":  {judge: policies.Orphans(), held: plans(waiting(leaving("file", 0))), because: "cannot be looked at", then: other(restart("a"))},
		"PS109, nobody can say": {judge: policies.Orphans(), held: and(plans(rents(leaving("file", 0))), func(c *policies.Case) { approvedNow(c); c.Have = map[resource.ID]resource.State{redis: {Err: errDark}} }), because: "nobody knows whether redis/r still lives there",
			then: having(map[resource.ID]resource.State{redis: {Spec: resource.Unit{}}})},
	}
}

// withoutSynchronous is a cluster whose synchronous replica is ill, so that the other one may lack what was written.
func withoutSynchronous() map[resource.ID]resource.State {
	have := postgres("Lrs")
	have[resource.PGClusterOf("pg-1")].Spec.(resource.PGCluster).Members[2].Up = false
	return have
}

var redis = resource.ID{Kind: "unit", Name: "redis", At: "a"}

func rents(s diff.Step) diff.Step {
	s.Tenants = []resource.Tenant{{Owner: "redis/r", Unit: redis}}
	return s
}

func safeguarded(s diff.Step) diff.Step {
	s.Guard = "pg_safeguard"
	return s
}

func waiting(s diff.Step) diff.Step {
	s.Action = diff.Wait
	return s
}
