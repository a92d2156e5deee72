package pgsql_test

import (
	"testing"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/etcd"
	"github.com/pigsync/pigsync/modules/modtest"
	"github.com/pigsync/pigsync/modules/node"
	"github.com/pigsync/pigsync/modules/pgsql"
	"github.com/pigsync/pigsync/resource"
)

const threeOfOneVersion = `
all:
  vars: { version: v4.5.0, admin_ip: 10.10.10.10, pg_version: 17, pg_packages: [ postgresql-17=17.7-1, patroni ] }
  children:
    etcd: { hosts: { 10.10.10.10: { etcd_seq: 1 } }, vars: { etcd_cluster: etcd } }
    pg-test:
      hosts: { 10.10.10.11: { pg_seq: 1, pg_role: primary }, 10.10.10.12: { pg_seq: 2, pg_role: replica }, 10.10.10.13: { pg_seq: 3, pg_role: replica } }
      vars: { pg_cluster: pg-test }
`

const threeOfThem = `ca pigsty-ca
node 10.10.10.11 debian 13 trixie amd64
node 10.10.10.12 debian 13 trixie amd64
node 10.10.10.13 debian 13 trixie amd64
postgres pg-test pg-test-1
instance pg-test pg-test-1 10.10.10.11 7001 leads
instance pg-test pg-test-2 10.10.10.12 7001 follows
instance pg-test pg-test-3 10.10.10.13 7001 follows
file /etc/patroni/formed 10.10.10.11
`

// The package of the last replica is still to come: the leader, which has it, is not restarted before.
func TestNobodyTakesUpAProgramBeforeAllHaveIt(t *testing.T) {
	all := []*modules.Module{node.Module, etcd.Module, pgsql.Module}
	for version, waits := range map[string]bool{"17.6-1": true, "17.7-1": false} {
		inv, _, err := inventory.Load(modtest.Tree("pigsty.yml", threeOfOneVersion), "pigsty.yml")
		if err != nil {
			t.Fatal(err)
		}
		surveyed := modules.Survey(inv, all)
		seen, err := modtest.ReadKnown(threeOfThem, surveyed)
		if err != nil {
			t.Fatal(err)
		}
		members := seen[resource.PGClusterOf("pg-test")].Spec.(resource.PGCluster).Members
		for i, at := range []string{"10.10.10.11", "10.10.10.12", "10.10.10.13"} {
			has := "17.7-1"
			if i == 2 {
				has = version
			}
			members[i].Replaced = has == "17.7-1"
			id := modules.PackageOf("postgresql-17", at)
			seen[id] = resource.State{Spec: resource.Package{Name: "postgresql-17", Version: has}}
		}
		compiled := modules.Compile(inv, seen, all)
		leader, _ := compiled.Want.Get(resource.PGMemberOf("pg-test-1", "10.10.10.11"))
		want, ok := leader.Spec.(resource.PGMember)
		if !ok {
			t.Fatalf("nothing is wanted of the leader: %v", compiled.Problems)
		}
		if steps := len(want.Compare(resource.PGMember{Cluster: "pg-test", Replaced: true})) > 0; steps == waits {
			t.Errorf("the last replica has %s: the leader is restarted: %v, want %v", version, steps, !waits)
		}
		asked := false
		for _, id := range surveyed {
			asked = asked || id == modules.PackageOf("postgresql-17", "10.10.10.13")
		}
		if !asked {
			t.Error("nobody asks which version the last replica has")
		}
	}
}
