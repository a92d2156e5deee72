package stories

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// estate is a cluster on the first three nodes, and two more nodes. What stands last in its inventory is lost with
// its end: the nodes, and the whole cluster.
func estate(i inside) written {
	const nodes = "    machines:\n      hosts: { 10.10.10.13: { nodename: node-4 }, 10.10.10.14: { nodename: node-5 } }\n"
	return written(strings.Replace(i.String(), "    pg-test:\n", nodes+"    pg-test:\n", 1))
}

// withoutEnd is the inventory as a merge leaves it that went wrong.
func (w written) withoutEnd() written {
	text, _, _ := strings.Cut(string(w), "    machines:\n")
	return written(text)
}

// withoutCluster is the inventory in which the cluster is not.
func (w written) withoutCluster() written {
	text, _, _ := strings.Cut(string(w), "    pg-test:\n")
	return written(text)
}

// seat is a member's place in the cluster.
func seat(n int) string { return fmt.Sprintf("pgseated:pg-test-%d@%s", n, address(n)) }

const (
	safeguarded = "pg_safeguard: true"
	aReader     = "{ name: reader, password: Reader.One, connlimit: 7 }"
	aStore      = "{ name: store, owner: app, pgbouncer: false }"
)

// TestPoliciesOnPostgres: on a real cluster of PostgreSQL a hold, a member that is away, a commit that lost its end, a
// safeguard and a quarantine keep a plan waiting, each with its reason and until when; the servers are as they were
// meanwhile; and then each lets go.
func TestPoliciesOnPostgres(t *testing.T) {
	long(t)
	s := onCluster(t)
	s.commit("two more nodes, a role and a database", estate(inside{users: []string{aReader}, databases: []string{aStore}}))
	s.converges(3 * time.Minute)
	s.sql("store", "CREATE TABLE goods (x int); INSERT INTO goods VALUES (42)")
	s.recounts(t, []tale{
		{"a hold", s.holdsHands}, {"two stages", s.goesInTwoStages}, {"a member away", s.missesAMember}, {"a safeguard", s.isSafeguarded},
		{"a lost end", s.losesTheCluster},
	})
}

// servers says of the servers what changes when one is started anew, and what of them is in the table.
func (s *story) servers(nodes ...int) (all []string) {
	s.Helper()
	for _, n := range nodes {
		all = append(all, s.psql(n, "select pg_postmaster_start_time() || ' ' || pg_is_in_recovery() || ' ' || (select count(*) from pg_roles) || ' ' || (select count(*) from pg_database)"))
	}
	return all
}

// holdsHands: what somebody holds is left alone until the time that was named, and goes on then by itself.
func (s *story) holdsHands() {
	s.Helper()
	before := s.servers(1, 2, 3)
	s.succeeds("hold", "pgsql/pg-test", "--for", "25s", "--by", "ann", "--reason", "a migration")
	s.commit("a role more", estate(inside{users: []string{aReader, "{ name: writer, password: Writer.One }"}, databases: []string{aStore}}))
	o := s.rests(time.Minute, "PS106", "pgrole:writer@pg-test")
	if o.Reason != "held by ann: a migration" || time.Until(o.Until) > 25*time.Second {
		s.Errorf("%+v", o)
	}
	if now := s.servers(1, 2, 3); time.Now().Before(o.Until) {
		isAsBefore(s, "the servers while they are held", before, now)
	}
	s.converges(time.Minute)
	if time.Now().Before(o.Until) {
		s.Error("it was done before the hold ended")
	}
	s.saysSQL("postgres", "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'writer'", "t")
}

const (
	dropsRole     = "pgabsent:pgrole/reader@pg-test"
	dropsDatabase = "pgabsent:pgdatabase/store@pg-test"
)

// standing says of the role and the database whether they can be used, and what is in them.
const standing = "SELECT (SELECT rolcanlogin || ' ' || rolconnlimit FROM pg_authid WHERE rolname = 'reader'), " +
	"(SELECT datallowconn || ' ' || datname FROM pg_database WHERE datname = 'store')"

// goesInTwoStages: a role and a database that are to go are switched off once that is agreed to, come back whole with
// their lines, and are gone for good when they have been off for the period.
func (s *story) goesInTwoStages() {
	s.Helper()
	there := estate(inside{users: []string{aReader}, databases: []string{aStore}})
	gone := estate(inside{users: []string{"{ name: reader, state: absent }"}, databases: []string{"{ name: store, state: absent }"}})
	s.judgedBy("quarantine: { period: 1h }")
	s.commit("both are to go", gone)
	_, st := s.waits(time.Minute, "PS101", dropsRole)
	s.objects(st, "PS126", dropsDatabase)
	s.saysSQL("postgres", standing, "true 7|true store")
	password := s.sql("postgres", "SELECT rolpassword FROM pg_authid WHERE rolname = 'reader'")
	s.succeeds("approve", st.Plan.Digest)
	s.eventually(time.Minute, "both are switched off", func() bool { return s.sql("postgres", standing) == "false 7|false store" })
	o := s.rests(time.Minute, "PS126", dropsRole)
	if d := time.Until(o.Until); d < 55*time.Minute || d > time.Hour || !strings.HasPrefix(o.Reason, "in quarantine since ") {
		s.Errorf("%+v", o)
	}
	s.quietLooks(2, "held")
	s.saysSQL("postgres", standing, "false 7|false store")

	s.commit("both are wanted again", there)
	s.converges(time.Minute)
	s.saysSQL("postgres", standing, "true 7|true store")
	s.saysSQL("store", "SELECT x FROM goods", "42")
	s.saysSQL("postgres", "SELECT rolpassword = '"+password+"' FROM pg_authid WHERE rolname = 'reader'", "t")

	s.judgedBy("quarantine: { period: 20s }")
	s.commit("both are to go after all", gone)
	_, st = s.waits(time.Minute, "PS101", dropsRole)
	s.succeeds("approve", st.Plan.Digest)
	o = s.rests(time.Minute, "PS126", dropsRole)
	if got := s.sql("postgres", standing); got != "false 7|false store" && time.Now().Before(o.Until) {
		s.Errorf("in quarantine they are %s", got)
	}
	s.converges(2 * time.Minute)
	if time.Now().Before(o.Until) {
		s.Error("they are gone before the period has passed")
	}
	s.saysSQL("postgres", standing, "|")
}

// missesAMember: while a member is away no other one is restarted; once it is back they are, one after the other.
func (s *story) missesAMember() {
	s.Helper()
	s.must(s.node(3).PowerCut(s.Context()))
	s.eventually(time.Minute, "Patroni misses it", func() bool { return s.leads(1) == address(1) })
	before := s.servers(1, 2)
	s.commit("more connections", estate(inside{vars: []string{"pg_parameters: { max_connections: 200 }"}}))
	st := s.stands(time.Minute, "a plan", func(st status) bool {
		return st.Revision == s.git("rev-parse", "HEAD") && st.Plan != nil && st.State != "converging" && len(st.Objections) > 0
	})
	for _, o := range st.Objections {
		s.Logf("%s %s: %s", o.Code, st.Plan.Steps[o.Step].ID, o.Reason)
	}
	s.looks(3)
	isAsBefore(s, "the servers while a member is away", before, s.servers(1, 2))
	s.must(s.node(3).PowerOn(s.Context()))
	s.must(s.lab.WaitReady(s.Context()))
	s.converges(5 * time.Minute)
	s.isHealthy(1, 3)
	for _, n := range []int{1, 2, 3} {
		if got := s.psql(n, "show max_connections"); got != "200" {
			s.Errorf("on node-%d there are %s connections", n, got)
		}
	}
}

// isSafeguarded: of a cluster under a safeguard nothing is taken away, whoever agrees.
func (s *story) isSafeguarded() {
	s.Helper()
	guarded := estate(inside{vars: []string{safeguarded}})
	s.commit("a safeguard", guarded)
	s.converges(2 * time.Minute)
	before, units := s.servers(1, 2, 3), s.lives("patroni", 1, 2, 3)
	for what, c := range map[string]struct {
		commit written
		id     string
	}{
		"the cluster goes, in spite of it": {guarded.withoutCluster(), seat(2)},
		"a member goes":                    {written(strings.Replace(string(guarded), thirdMember, "", 1)), seat(3)},
		"a database goes":                  {estate(inside{vars: []string{safeguarded}, databases: []string{"{ name: spare, state: absent }"}}), "pgabsent:pgdatabase/spare@pg-test"},
	} {
		if strings.Contains(c.id, "spare") {
			s.sql("postgres", "CREATE DATABASE spare")
			before = s.servers(1, 2, 3)
		}
		s.commit(what, c.commit)
		o, st := s.waits(time.Minute, "PS102", c.id)
		if !strings.HasPrefix(o.Reason, "pg_safeguard is on: ") {
			s.Errorf("%s: %s", what, o.Reason)
		}
		s.succeeds("approve", st.Plan.Digest)
		s.looks(3)
		s.waits(time.Minute, "PS102", c.id)
		isAsBefore(s, what, before, s.servers(1, 2, 3))
		isAsBefore(s, what, units, s.lives("patroni", 1, 2, 3))
		s.isHealthy(1, 3)
	}
	s.commit("no safeguard", estate(inside{}))
	s.converges(2 * time.Minute)
}

// losesTheCluster: of a commit that takes the cluster and more away nothing is done until somebody agrees; then the
// cluster is stopped, comes back whole with its lines, and is taken apart for good when it has been off for the period.
func (s *story) losesTheCluster() {
	s.Helper()
	whole := estate(inside{})
	s.sql("app", "CREATE TABLE shop.kept AS SELECT 42 AS x; ALTER TABLE shop.kept OWNER TO app")
	before, units, from := s.servers(1, 2, 3), s.lives("patroni", 1, 2, 3), len(s.journal())
	was := s.on(5, listing)
	s.judgedBy("quarantine: { period: 1h }")
	s.commit("a list that lost its end", whole.withoutEnd())
	o, _ := s.waits(2*time.Minute, "PS110", seat(2))
	if !strings.Contains(o.Reason, "clusters and nodes vanish at once: approve plan ") {
		s.Errorf("it waits, since %s", o.Reason)
	}
	s.quietLooks(2, "held")
	isAsBefore(s, "the servers while too much would go", before, s.servers(1, 2, 3))
	isAsBefore(s, "Patroni while too much would go", units, s.lives("patroni", 1, 2, 3))
	if diff := firstDifference(was, s.on(5, listing)); diff != "" {
		s.Errorf("node-5 was changed: %s", diff)
	}
	s.commit("its end is back", whole)
	s.converges(2 * time.Minute)
	if did := acts(notes(s.journal()[from:], "intent")); len(did) > 0 {
		s.Errorf("it did %v", did)
	}

	s.commit("it was meant", whole.withoutEnd())
	_, st := s.waits(2*time.Minute, "PS110", seat(2))
	s.succeeds("approve", st.Plan.Digest)
	o = s.rests(3*time.Minute, "PS126", "file:/var/lib/pgsql/.pgpass@"+address(1))
	if d := time.Until(o.Until); d < 50*time.Minute || d > time.Hour {
		s.Errorf("in quarantine until %s", o.Until)
	}
	for _, n := range []int{1, 2, 3} {
		s.on(n, "! systemctl is-active -q patroni && ! systemctl is-enabled -q patroni && test -s /var/lib/pgsql/.pgpass && test -s /etc/haproxy/conf.d/pg-test-primary.cfg && test -s /pg/data/PG_VERSION")
	}
	s.commit("it was not meant", whole)
	s.converges(5 * time.Minute)
	s.isHealthy(1, 3)
	s.answersWith(5433, "select x from shop.kept", "42")

	s.judgedBy("quarantine: { period: 20s }")
	s.commit("it was", whole.withoutEnd())
	_, st = s.waits(2*time.Minute, "PS110", seat(2))
	s.succeeds("approve", st.Plan.Digest)
	s.converges(5 * time.Minute)
	for _, n := range []int{1, 2, 3} {
		s.on(n, "! systemctl is-active -q patroni && ! test -e /var/lib/pgsql/.pgpass && ! test -e /etc/haproxy/conf.d/pg-test-primary.cfg && test -s /pg/data/PG_VERSION")
	}
	s.agrees()
}
