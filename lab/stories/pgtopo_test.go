package stories

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pigsync/pigsync/lab"
)

// topology is an inventory of one etcd, pg-test with a replica, a cascade behind that and an offline
// instance, and pg-late, which follows pg-test a minute behind.
type topology struct {
	more string // further vars of pg-test
	late string // further vars of pg-late
}

func (c topology) String() string {
	text, _, _ := strings.Cut(clusters{}.String(), "    etcd:\n")
	return text + `    etcd: { hosts: { 10.10.10.10: { etcd_seq: 1 } } }
    pg-late:
      hosts: { 10.10.10.14: { pg_seq: 1, pg_role: primary, pg_upstream: 10.10.10.10, pg_delay: 1m } }
      vars:
        pg_cluster: pg-late
` + c.late + `    pg-test:
      hosts:
        10.10.10.10: { pg_seq: 1, pg_role: primary }
        10.10.10.11: { pg_seq: 2, pg_role: replica }
        10.10.10.12: { pg_seq: 3, pg_role: replica, pg_upstream: 10.10.10.11 }
        10.10.10.13: { pg_seq: 4, pg_role: offline }
      vars:
        pg_cluster: pg-test
        pg_users: [ { name: app, password: App.Story, pgbouncer: true, roles: [ dbrole_admin ] } ]
        pg_databases: [ { name: app, owner: app, schemas: [ shop ] } ]
` + c.more
}

// TestPgsqlTopologies: a cascading replica, an offline instance and a delayed standby cluster come from bare
// nodes with the cluster that they follow; a pause and synchronous replication come and go with their lines.
func TestPgsqlTopologies(t *testing.T) {
	long(t)
	s := onBareNodes(t)
	s.serve()
	s.commit("topologies", topology{})
	t.Logf("from a commit to five instances on bare nodes: %s", round(s.converges(20*time.Minute)))
	s.cascades()
	s.isOffline(4)
	s.isLate(5)
	s.isTagged()
	s.quietLooks(2, "converged")
	s.agrees()
	s.pauses()
	s.waitsForReplicas()
}

// psql asks a node's own server, as its superuser.
func (s *story) psql(n int, sql string) string {
	s.Helper()
	return s.on(n, `runuser -u postgres -- psql -XAtc "`+sql+`"`)
}

// cascades wants the third node to stream from the second one, and that one from the first.
func (s *story) cascades() {
	s.Helper()
	s.isHealthy(1, 4)
	if got := s.psql(2, "select application_name from pg_stat_replication"); got != "pg-test-3" {
		s.Errorf("from pg-test-2 stream %q, want pg-test-3", got)
	}
	if got := s.psql(1, "select string_agg(application_name, ' ' order by application_name) from pg_stat_replication where application_name like 'pg-test%'"); got != "pg-test-2 pg-test-4" {
		s.Errorf("from pg-test-1 stream %q, want pg-test-2 and pg-test-4", got)
	}
}

// isOffline wants a node to be the one that the offline service leads to, and nobody else to reach.
func (s *story) isOffline(n int) {
	s.Helper()
	s.answersWith(5438, "select inet_server_addr()", address(n))
	s.answersWith(5433, "select pg_is_in_recovery()", "f")
	for range 10 {
		if got, err := s.query(5434, "select inet_server_addr()"); err == nil && got == address(n) {
			s.Errorf("the replica service leads to the offline instance")
		}
	}
}

// isLate wants a node to be a standby cluster of its own that is behind on purpose.
func (s *story) isLate(n int) {
	s.Helper()
	s.psql(1, "create table late(x int)")
	all, err := s.patroni(n)
	if err != nil || len(all) != 1 || all[0].Role != "Standby Leader" {
		s.Errorf("patronictl on node-%d lists %+v, %v: want one standby leader", n, all, err)
	}
	if got := s.psql(n, "show recovery_min_apply_delay"); got != "1min" {
		s.Errorf("the delay is %q, want 1min", got)
	}
	if a, b := s.on(1, "od -An -tu8 -N8 /pg/data/global/pg_control"), s.on(n, "od -An -tu8 -N8 /pg/data/global/pg_control"); a != b {
		s.Errorf("the standby cluster has the system identifier %s, want that of the other, %s", b, a)
	}
	there := `runuser -u postgres -- psql -XAtc "select count(*) from pg_tables where tablename = 'late'"`
	if got := s.on(n, there); got != "0" {
		s.Errorf("what was written just now is there already: it is not delayed")
	}
	took := s.eventually(3*time.Minute, "what was written", func() bool {
		got, err := s.node(n).Run(s.Context(), "sh", "-ec", there)
		return err == nil && strings.TrimSpace(got) == "1"
	})
	s.Logf("a write came to the standby cluster after %s", round(took))
}

// isTagged wants Patroni to know what the members are good for.
func (s *story) isTagged() {
	s.Helper()
	got, err := s.page(3, 8008, "/patroni")
	s.must(err)
	for _, tag := range []string{`"replicatefrom": "pg-test-2"`, `"conf": "tiny.yml"`, `"version": "17"`} {
		if !strings.Contains(got, tag) {
			s.Errorf("Patroni on node-3 says %s: want the tag %s", got, tag)
		}
	}
}

// isPaused tells what etcd says of a pause of pg-test.
func (s *story) isPaused() bool {
	s.Helper()
	config, err := s.page(2, 8008, "/config")
	s.must(err)
	return strings.Contains(config, `"pause": true`)
}

// pauses wants a pause that the inventory asks for to come and go with its line, and one of somebody else
// to be left alone, with all that belongs to the cluster.
func (s *story) pauses() {
	s.Helper()
	s.commit("a pause", topology{more: "        patroni_mode: pause\n"})
	s.converges(2 * time.Minute)
	if !s.isPaused() {
		s.Error("the cluster is not paused")
	}
	s.commit("no pause", topology{})
	s.converges(2 * time.Minute)
	if s.isPaused() {
		s.Error("the cluster is still paused")
	}
	s.on(2, "patronictl -c /etc/patroni/patroni.yml pause --wait pg-test")
	s.on(2, "echo '# by hand' >>/etc/pgbouncer/useropts.txt")
	from := len(s.journal())
	st := s.stands(time.Minute, "a warning of the pause", func(st status) bool {
		for _, p := range st.Problems {
			if p.Code == "PG025" {
				return true
			}
		}
		return false
	})
	s.Logf("while it is paused: %s, %+v", st.State, st.Problems)
	s.looks(2)
	for _, note := range notes(s.journal()[from:], "intent") {
		if strings.Contains(note, "pg-test") || strings.HasSuffix(note, "@"+address(2)) {
			s.Errorf("done while the cluster was paused by somebody: %s", note)
		}
	}
	if !s.isPaused() {
		s.Error("somebody's pause was ended")
	}
	s.on(2, "patronictl -c /etc/patroni/patroni.yml resume --wait pg-test")
	s.converges(2 * time.Minute)
	if got := s.on(2, "cat /etc/pgbouncer/useropts.txt"); strings.Contains(got, "by hand") {
		s.Error("what was changed meanwhile is not healed")
	}
}

// waitsForReplicas wants synchronous replication, of one cluster and no other.
func (s *story) waitsForReplicas() {
	s.Helper()
	s.commit("nothing may be lost", topology{more: "        pg_rpo: 0\n"})
	s.converges(2 * time.Minute)
	s.eventually(time.Minute, "a synchronous standby", func() bool {
		return s.psql(1, "select count(*) from pg_stat_replication where sync_state = 'sync'") == "1"
	})
	s.commit("as it was", topology{})
	s.converges(2 * time.Minute)
	s.eventually(time.Minute, "no synchronous standby", func() bool {
		return s.psql(1, "select count(*) from pg_stat_replication where sync_state = 'sync'") == "0"
	})
}

// TestPgsqlOldDebian: a cluster of PostgreSQL 15 comes from bare nodes of Debian 12, whose Patroni does not say
// which replica streams; it is reloaded and restarted as any other.
func TestPgsqlOldDebian(t *testing.T) {
	long(t)
	nodes := []lab.NodeConfig{{Suite: lab.Bookworm}, {Suite: lab.Bookworm}, {Suite: lab.Bookworm}}
	s := &story{TB: t, stage: stageOf(t, "-d", nodes)}
	s.prepare(nil)
	s.serve()
	s.commit("a cluster", ofFifteen{clusters{}})
	t.Logf("from a commit to a cluster of PostgreSQL 15 on bare nodes: %s", round(s.converges(20*time.Minute)))
	s.streams(2)
	s.answersWith(5433, "create table shop.t(x int); insert into shop.t values (42); select current_setting('server_version_num')::int / 10000", "CREATE TABLE\nINSERT 0 1\n15")
	s.answersWith(5434, "select x, pg_is_in_recovery() from shop.t", "42|t")

	s.wasDone("a reload", s.changes("work_mem", ofFifteen{pgParameters("work_mem: 9MB")}), pgKey("~", "work_mem"))
	s.saysSQL("postgres", "SELECT current_setting('work_mem')", "9MB")
	s.wasDone("edited by hand", s.drifts(3, "edit-config", "patronictl -c /etc/patroni/patroni.yml edit-config --force -p work_mem=77MB pg-test"), pgKey("~", "work_mem"))
	s.wasDone("a raise", s.changes("more connections", ofFifteen{pgParameters("work_mem: 9MB, max_connections: 300")}),
		pgKey("~", "max_connections"), pgMember(2), pgMember(3), pgMember(1))
	s.saysSQL("postgres", "SELECT current_setting('max_connections')", "300")
	s.streams(2)
	s.quietLooks(2, "converged")
	s.agrees()
}

// ofFifteen is an inventory whose clusters are of the PostgreSQL that Debian 12 has.
type ofFifteen struct{ fmt.Stringer }

func (o ofFifteen) String() string {
	return strings.Replace(o.Stringer.String(), "pg_version: 17", "pg_version: 15", 1)
}

// streams wants so many replicas that stream from the leader on the first node.
func (s *story) streams(replicas int) {
	s.Helper()
	s.eventually(time.Minute, "replicas that stream", func() bool {
		return s.sql("postgres", "SELECT count(*) FROM pg_stat_replication WHERE application_name LIKE 'pg-test-%' AND state = 'streaming'") == strconv.Itoa(replicas)
	})
}
