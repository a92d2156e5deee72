package stories

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// clusters is an inventory of three etcd members, pg-test on the first three nodes, and pg-meta on the
// fourth where alone is set.
type clusters struct {
	alone bool
	more  string // further vars of pg-test
}

// pgTest is pg-test on the first three nodes, with an application's role and database.
const pgTest = `    pg-test:
      hosts:
        10.10.10.10: { pg_seq: 1, pg_role: primary }
        10.10.10.11: { pg_seq: 2, pg_role: replica }
        10.10.10.12: { pg_seq: 3, pg_role: replica }
      vars:
        pg_cluster: pg-test
        pg_users: [ { name: app, password: App.Story, pgbouncer: true, roles: [ dbrole_admin ] } ]
        pg_databases: [ { name: app, owner: app, schemas: [ shop ] } ]
`

func (c clusters) String() string {
	text := strings.ReplaceAll(head, "    haproxy_enabled: false\n", "") + `    pg_version: 17
    pg_conf: tiny.yml
    pg_shared_buffer_ratio: 0.1
    pg_packages: [ postgresql-$v, postgresql-client-$v, patroni, python3-etcd, pgbouncer, pgbackrest ]
    pg_default_extensions: [ { name: pg_stat_statements, schema: monitor }, { name: pg_trgm, schema: public } ]
  children:
    infra:
      hosts: { 10.10.10.10: { infra_seq: 1 } }
    etcd:
      hosts: { 10.10.10.10: { etcd_seq: 1 }, 10.10.10.11: { etcd_seq: 2 }, 10.10.10.12: { etcd_seq: 3 } }
` + pgTest + c.more
	if c.alone {
		text += "    pg-meta:\n      hosts: { 10.10.10.13: { pg_seq: 1, pg_role: primary } }\n      vars: { pg_cluster: pg-meta }\n"
	}
	return text
}

// listed is a member as patronictl lists it.
type listed struct{ Member, Host, Role, State string }

// patroni asks patronictl on a node for the members of its cluster.
func (s *story) patroni(n int) (all []listed, err error) {
	out, err := s.node(n).Run(s.Context(), "patronictl", "-c", "/etc/patroni/patroni.yml", "list", "-f", "json")
	if err != nil {
		return nil, err
	}
	return all, json.Unmarshal([]byte(out), &all)
}

// leads gives the address of the leader that a node knows; "" when there is none.
func (s *story) leads(n int) string {
	all, _ := s.patroni(n) // no answer is no leader
	if i := slices.IndexFunc(all, func(m listed) bool { return m.Role == "Leader" && m.State == "running" }); i >= 0 {
		return all[i].Host
	}
	return ""
}

// isHealthy wants patronictl to list so many members: one leads, and the others stream from it.
func (s *story) isHealthy(n, members int) {
	s.Helper()
	var all []listed
	var err error
	if !poll(s.Context(), time.Minute, time.Second, func() bool {
		all, err = s.patroni(n)
		well := 0
		for _, m := range all {
			if m.Role == "Leader" && m.State == "running" || m.Role == "Replica" && m.State == "streaming" {
				well++
			}
		}
		return err == nil && well == members && len(all) == members && s.leads(n) != ""
	}) {
		s.Errorf("patronictl on node-%d lists %+v, %v: want %d members that are well", n, all, err, members)
	}
}

// query asks over a service of the first node, as the application.
func (s *story) query(port int, sql string) (string, error) {
	out, err := s.node(1).Run(s.Context(), "env", "PGPASSWORD=App.Story", "PGCONNECT_TIMEOUT=10",
		"psql", "-h", address(1), "-p", fmt.Sprint(port), "-U", "app", "-d", "app", "-XAtc", sql)
	return strings.TrimSpace(out), err
}

// answersWith wants an answer within a minute: HAProxy looks at its servers every few seconds.
func (s *story) answersWith(port int, sql, want string) {
	s.Helper()
	var got string
	var err error
	if !poll(s.Context(), time.Minute, time.Second, func() bool {
		got, err = s.query(port, sql)
		return err == nil && got == want
	}) {
		s.Errorf("port %d: %s: %q, %v: want %q", port, sql, got, err, want)
	}
}

// leadSomewhere wants each service of the first node to lead to whom it should.
func (s *story) leadSomewhere() {
	s.Helper()
	s.answersWith(5433, "create table shop.t(x int); insert into shop.t values (42); select pg_is_in_recovery()", "CREATE TABLE\nINSERT 0 1\nf")
	s.answersWith(5436, "select x, pg_is_in_recovery() from shop.t", "42|f")
	s.answersWith(5434, "select x, pg_is_in_recovery() from shop.t", "42|t")
	s.answersWith(5438, "select pg_is_in_recovery()", "t")
}

// TestPgsqlBootstrap: bare nodes become a cluster that Patroni calls healthy and that all services lead to,
// and then nothing is left to do.
func TestPgsqlBootstrap(t *testing.T) {
	wanted(t)
	s := onBareNodes(t)
	s.serve()
	c := clusters{alone: !testing.Short()}
	s.commit("clusters", c)
	t.Logf("from a commit to clusters on bare nodes: %s", round(s.converges(10*time.Minute)))
	s.isHealthy(1, 3)
	if c.alone {
		s.isHealthy(4, 1)
	}
	s.leadSomewhere()
	s.quietLooks(2, "converged")
	s.agrees()
	if !testing.Short() {
		s.losesLeader()
	}
}

// losesLeader takes the power from whoever leads. Patroni makes another member lead, and nothing that it
// does is undone; the node comes back as a replica.
func (s *story) losesLeader() {
	s.Helper()
	const old, other = 1, 2 // the first node leads since it was made
	if got := s.leads(other); got != address(old) {
		s.Fatalf("%q leads, want %s", got, address(old))
	}
	from := len(s.journal())
	s.must(s.node(old).PowerCut(s.Context()))
	took := s.eventually(3*time.Minute, "another leader", func() bool { l := s.leads(other); return l != "" && l != address(old) })
	s.Logf("Patroni made another member lead %s after the power was cut", round(took))
	leader := s.leads(other)
	s.looks(2)
	for _, note := range notes(s.journal()[from:], "intent") {
		if strings.HasPrefix(note, "= ") {
			continue // looked at, not done
		}
		s.Errorf("done while Patroni was at work: %s", note)
	}
	s.must(s.node(old).PowerOn(s.Context()))
	s.must(s.lab.WaitReady(s.Context()))
	s.converges(5 * time.Minute)
	s.isHealthy(other, 3)
	if got := s.leads(other); got != leader {
		s.Errorf("%s leads, want %s still: a failover is not undone", got, leader)
	}
	s.quietLooks(2, "converged")
}
