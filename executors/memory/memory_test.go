package memory_test

import (
	"errors"
	"testing"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/executors/exectest"
	"github.com/pigsync/pigsync/executors/memory"
	"github.com/pigsync/pigsync/resource"
)

func id(k resource.Kind, name, at string) resource.ID {
	return resource.ID{Kind: k, Name: name, At: at}
}

func create(id resource.ID, s resource.Spec) diff.Change {
	return diff.Change{Action: diff.Create, Resource: resource.Resource{ID: id, Spec: s}}
}

// Every kind that can be made goes through the suite.
func TestSuite(t *testing.T) {
	file := resource.NewRepo([]byte("deb x"))
	exectest.RunFiles(t, func(testing.TB) executors.Executor { return memory.New(1) }, exectest.Options{
		Owner: "etcd", Blind: blind,
		Samples: []exectest.Sample{
			{ID: id("hostname", "node", "node-1"), Specs: []resource.Spec{resource.NewHostname("a"), resource.NewHostname("b")}},
			{ID: id("repo", "/etc/x", "node-1"), Specs: []resource.Spec{file}},
			{ID: id("package", "etcd|etcd-server", "node-1"), Specs: []resource.Spec{resource.Package{}, resource.Package{Version: "3.5"}}},
			{ID: id("newest", "etcd", "node-1"), Specs: []resource.Spec{resource.Newest{}}},
			{ID: id("pyenv", "/data/venv", "node-1"), Specs: []resource.Spec{resource.PyEnv{Packages: []string{"a"}}, resource.PyEnv{Packages: []string{"a", "b"}}}},
			{ID: id("trust", "ca", "node-1"), Specs: []resource.Spec{resource.Trust{PEM: "x", Bundled: true}}},
			{ID: id("group", "g", "node-1"), Specs: []resource.Spec{resource.Group{System: true}}},
			{ID: id("user", "u", "node-1"), Specs: []resource.Spec{resource.User{Group: "g"}, resource.User{Groups: []string{"a"}}, resource.User{Groups: []string{"b"}}}},
			{ID: id("cert", "/a/{b,c}", "node-1"), Specs: []resource.Spec{resource.Cert{CN: "a", Names: []string{"z", "a"}, Issuer: "x"}, resource.Cert{CN: "a", Issuer: "x"}}},
			{ID: id("unit", "etcd", "node-1"), Specs: []resource.Spec{
				resource.Unit{Active: true, Inputs: "1", Settle: 3}, resource.Unit{Active: true, Enabled: true, Inputs: "2"}, resource.Unit{Enabled: true},
			}},
			{ID: id("sysctl", "vm.swappiness", "node-1"), Specs: []resource.Spec{resource.Sysctl{Value: "1"}, resource.Sysctl{Value: "2"}}},
			{ID: id("kernelmodule", "softdog", "node-1"), Specs: []resource.Spec{resource.KernelModule{}}},
			{ID: id("timezone", "node", "node-1"), Specs: []resource.Spec{resource.Timezone{Name: "UTC"}, resource.Timezone{Name: "Asia/Tokyo"}}},
			{ID: id("selinux", "node", "node-1"), Specs: []resource.Spec{resource.NewSELinux("permissive"), resource.NewSELinux("enforcing")}},
			{ID: id("kernelarg", "numa=off", "node-1"), Specs: []resource.Spec{resource.KernelArg{Kept: true, Running: true}}},
			{ID: id("noswap", "node", "node-1"), Specs: []resource.Spec{resource.NoSwap{}}},
			{ID: id("readahead", "node", "node-1"), Specs: []resource.Spec{resource.ReadAhead{KB: 4}, resource.ReadAhead{KB: 8}}},
			{ID: id("tuned", "node", "node-1"), Specs: []resource.Spec{resource.Tuned{Profile: "a", Sum: "1"}, resource.Tuned{Profile: "b", Sum: "2"}}},
			{ID: id("firewall", "node", "node-1"), Specs: []resource.Spec{resource.NewFirewall([]string{"10.0.0.0/8"}, []int{22}), resource.NoFirewall()}},
			{ID: id("ca", "ca", "admin"), Specs: []resource.Spec{resource.CA{Name: "ca"}}},
			{ID: id("etcdmember", "etcd-1", "etcd"), Specs: []resource.Spec{resource.EtcdMember{PeerURL: "a"}}},
			{ID: id("etcdvoter", "etcd-1", "etcd"), Specs: []resource.Spec{resource.EtcdVoter{}}},
			{ID: id("etcdauth", "auth", "etcd"), Specs: []resource.Spec{resource.EtcdAuth{Enabled: true}}},
			{ID: id("etcduser", "root", "etcd"), Specs: []resource.Spec{
				resource.EtcdUser{Password: resource.NewSecret("a")}, resource.EtcdUser{Password: resource.NewSecret("b")},
			}},
			{ID: id("etcdrole", "r", "etcd"), Specs: []resource.Spec{resource.EtcdRole{Prefixes: []string{"/"}}}},
			{ID: id("pgmember", "pg-1", "node-1"), Specs: []resource.Spec{resource.PGMember{Pending: true}, resource.PGMember{}}},
			{ID: id("pgrules", "pg-1", "node-1"), Specs: []resource.Spec{resource.PGRules{Lines: []string{"local all all peer"}}, resource.PGRules{Lines: []string{"local all all md5"}}}},
			{ID: id("pgloaded", "pg-1", "node-1"), Specs: []resource.Spec{resource.PGLoaded{Stale: []string{"pg_hba.conf"}}, resource.PGLoaded{}}},
			{ID: id("pgstanza", "pg", "pg"), Specs: []resource.Spec{resource.PGStanza{System: "1"}, resource.PGStanza{System: "2"}}},
			{ID: id("pgconfig", "ttl", "pg"), Specs: []resource.Spec{resource.PGConfig{Path: "ttl", Value: "30"}, resource.PGConfig{Path: "ttl", Value: "20"}}},
			{ID: id("pgrole", "r", "pg"), Specs: []resource.Spec{
				resource.PGRole{Name: "r", Is: map[string]bool{resource.PGLogin: true}, Password: resource.NewSecret("a"), Settings: map[string]string{"work_mem": "1MB"}},
				resource.PGRole{Name: "r", Is: map[string]bool{resource.PGLogin: false}, Days: new(30), MemberOf: []resource.PGMembership{{Role: "g"}}},
				resource.PGRole{Name: "r", Settings: map[string]string{"work_mem": "DEFAULT"}, MemberOf: []resource.PGMembership{{Role: "g", Not: true}}},
			}},
			{ID: id("pgdatabase", "d", "pg"), Specs: []resource.Spec{
				resource.PGDatabase{Owner: "r", PGCreation: resource.PGCreation{Template: "template0", Encoding: "UTF8"}}, resource.PGDatabase{Owner: "q", Limit: new(3)},
			}},
			{ID: id("pgschema", "d/s", "pg"), Specs: []resource.Spec{resource.PGSchema{Owner: "r"}, resource.PGSchema{Owner: "q"}}},
			{ID: id("pgextension", "d/x", "pg"), Specs: []resource.Spec{resource.PGExtension{}, resource.PGExtension{Version: "1.1"}}},
			{ID: id("pgprivileges", "d", "pg"), Specs: []resource.Spec{
				resource.PGPrivileges{Granted: []resource.PGGrant{{On: "database", Grantee: "r", Right: "ALL"}}},
				resource.PGPrivileges{Revoked: []resource.PGGrant{{On: "database", Grantee: "r", Right: "CREATE"}}},
			}},
		},
	})
}

// What is wished gone goes, and that it is gone can be seen.
func TestWhatIsWishedGone(t *testing.T) {
	w, role, gone := memory.New(1), resource.PGRoleOf("r", "pg"), resource.PGAbsentOf(resource.KindPGRole, "r", "pg")
	w.Set(role, resource.PGRole{Name: "r"})
	have := w.Observe(t.Context(), []resource.ID{gone})[gone].Spec
	if have != (resource.PGAbsent{There: true}) {
		t.Fatalf("got %+v", have)
	}
	c := diff.Change{Action: diff.Update, Resource: resource.Resource{ID: gone, Spec: resource.PGAbsent{}}, Have: have}
	if err := w.Apply(t.Context(), c); err != nil || w.Get(role) != nil {
		t.Errorf("got %v, %v", err, w.Get(role))
	}
	if have := w.Observe(t.Context(), []resource.ID{gone})[gone].Spec; have != (resource.PGAbsent{}) {
		t.Errorf("got %+v", have)
	}
}

func blind(testing.TB) executors.Executor {
	w := memory.New(1)
	for _, at := range []string{"node-1", "admin", "etcd", "pg"} {
		w.Down(at, true)
	}
	return w
}

func TestALostMemberIsReplaced(t *testing.T) {
	w, m := memory.New(1), id(resource.KindEtcdMember, "etcd-1", "etcd")
	if err := w.Apply(t.Context(), create(m, resource.EtcdMember{PeerURL: "a"})); err != nil {
		t.Fatal(err)
	}
	have := w.Get(m).(resource.EtcdMember)
	c := create(m, resource.EtcdMember{PeerURL: "a", Lost: have.MemberID})
	c.Action, c.Have = diff.Update, have
	if err := w.Apply(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if now := w.Get(m).(resource.EtcdMember); now.MemberID == have.MemberID || len(c.Spec.Compare(now)) != 0 {
		t.Errorf("got %+v", now)
	}
}

func TestFaults(t *testing.T) {
	w, boom := memory.New(1), errors.New("boom")
	a, b := id("link", "/a", "1"), id("link", "/b", "2")
	w.Down("1", true)
	if err := w.Apply(t.Context(), create(a, resource.Link{Target: "x"})); err == nil {
		t.Error("a node that is down was changed")
	}
	if s := w.Observe(t.Context(), []resource.ID{a})[a]; s.Err == nil {
		t.Error("a node that is down is known")
	}
	w.Down("1", false)
	w.Fail = func(diff.Change) error { return boom }
	if err := w.Apply(t.Context(), create(a, resource.Link{Target: "x"})); !errors.Is(err, boom) || w.Get(a) != nil {
		t.Errorf("got %v, %v", err, w.Get(a))
	}
	w.Fail, w.Lose = nil, func(diff.Change) error { return boom }
	if err := w.Apply(t.Context(), create(a, resource.Link{Target: "x"})); !errors.Is(err, boom) || w.Get(a) == nil {
		t.Errorf("got %v, %v", err, w.Get(a))
	}
	w.Lose = nil
	if err := w.Apply(t.Context(), create(a, resource.Link{Target: "y"})); !errors.Is(err, executors.ErrMoved) {
		t.Errorf("got %v", err)
	}
	w.CrashAfter(1)
	if err := w.Apply(t.Context(), create(b, resource.Link{Target: "x"})); err != nil {
		t.Error(err)
	}
	if s := w.Observe(t.Context(), []resource.ID{a})[a]; s.Err == nil {
		t.Error("a crashed process answers")
	}
	w.CrashAfter(-1)
	if got := len(w.Applied()); got != 2 || len(w.IDs()) != 2 {
		t.Errorf("%d changes, ids %v", got, w.IDs())
	}
}

func TestGates(t *testing.T) {
	w, g := memory.New(1), id(resource.KindEtcdHealth, "etcd-1", "etcd")
	c := create(g, resource.EtcdHealth{Healthy: true})
	c.Action = diff.Check
	if err := w.Apply(t.Context(), c); err != nil {
		t.Error(err)
	}
	w.Holds = func(resource.ID) bool { return false }
	if w.Apply(t.Context(), c) == nil || w.Observe(t.Context(), []resource.ID{g})[g].Spec != (resource.EtcdHealth{}) {
		t.Error("a gate holds that does not")
	}
}

// The same seed gives the same luck.
func TestChanceIsSeeded(t *testing.T) {
	luck := func(seed uint64) (out []bool) {
		w := memory.New(seed)
		w.Flaky = 0.5
		for range 64 {
			before := len(w.Applied())
			err := w.Apply(t.Context(), create(id("link", "/a", "1"), resource.Link{Target: "x"}))
			out = append(out, err == nil, len(w.Applied()) > before)
			w.Set(id("link", "/a", "1"), nil)
		}
		return out
	}
	one, two, other := luck(1), luck(1), luck(2)
	if !equal(one, two) || equal(one, other) {
		t.Error("luck does not follow from the seed")
	}
}

func equal(a, b []bool) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
