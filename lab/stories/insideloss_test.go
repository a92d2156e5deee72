package stories

import (
	"os"
	"strings"
	"testing"
	"time"
)

// TestPgsqlLossWaits: what would lose something waits for somebody's word, and stays as it is until then; what
// can never be is refused, with the way to have it. The rest of each commit is done.
func TestPgsqlLossWaits(t *testing.T) {
	long(t)
	s := onCluster(t)
	writer := s.loads(5433, true, 50)
	s.must(os.MkdirAll(s.path("repo/files"), 0o755))
	s.must(os.WriteFile(s.path("repo/files/store.sql"), []byte("CREATE TABLE began (at timestamptz DEFAULT now());\nINSERT INTO began DEFAULT VALUES;\n"), 0o644))
	s.commit("a database with a baseline, and a role that owns things in it", inside{
		users:     []string{"{ name: reader, password: Reader.One, pgbouncer: true }"},
		databases: []string{"{ name: store, owner: app, baseline: store.sql, schemas: [ { name: s, owner: reader } ] }"},
	})
	s.converges(time.Minute)
	s.saysSQL("store", "SELECT count(*) FROM began", "1")
	s.sql("store", "CREATE TABLE s.things (x int); ALTER TABLE s.things OWNER TO reader; INSERT INTO s.things VALUES (42)")
	s.quietLooks(2, "converged")
	s.saysSQL("store", "SELECT count(*) FROM began", "1")

	t.Log("an encoding that it cannot have, and a role")
	s.commit("an encoding", inside{users: []string{"{ name: reader, connlimit: 9 }"}, databases: []string{"{ name: store, owner: app, encoding: SQL_ASCII }"}})
	st := s.held(time.Minute)
	s.objects(st, "PS118", "pgdatabase:store@pg-test")
	s.saysSQL("postgres", "SELECT rolconnlimit FROM pg_roles WHERE rolname = 'reader'", "9")

	t.Log("the role goes, and what it owns does not")
	s.commit("a role goes", inside{users: []string{"{ name: reader, state: absent }"}, databases: []string{"{ name: store, owner: app }"}})
	st = s.held(time.Minute)
	s.objects(st, "PS101", "pgabsent:pgrole/reader@pg-test")
	s.saysSQL("postgres", "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'reader'", "t")
	s.succeeds("approve", st.Plan.Digest)
	s.converges(time.Minute)
	s.saysSQL("postgres", "SELECT count(*) FROM pg_roles WHERE rolname = 'reader'", "0")
	s.saysSQL("store", "SELECT x || ' ' || pg_get_userbyid(relowner) FROM s.things, pg_class WHERE relname = 'things'", "42 postgres")

	t.Log("the database is made again, once; the one who is in it stays until somebody agrees")
	s.on(1, "setsid runuser -u postgres -- psql -qd store -c 'SELECT pg_sleep(600)' >/tmp/sleeper 2>&1 </dev/null &")
	s.eventually(time.Minute, "somebody is in it", func() bool {
		return s.sql("postgres", "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND datname = 'store'") == "1"
	})
	again := inside{databases: []string{"{ name: store, owner: app, baseline: store.sql, state: recreate, encoding: SQL_ASCII, lc_collate: C, lc_ctype: C }"}}
	s.commit("a database is made again", again)
	st = s.held(time.Minute)
	s.objects(st, "PS101", "pgdatabase:store@pg-test")
	s.saysSQL("postgres", "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND datname = 'store'", "1")
	s.succeeds("approve", st.Plan.Digest)
	s.converges(2 * time.Minute)
	s.saysSQL("store", "SELECT count(*) || ' ' || current_setting('server_encoding') FROM began", "1 SQL_ASCII")
	s.quietLooks(3, "converged")

	t.Log("the database goes: out of the pooler once it is gone")
	s.commit("a database goes", inside{databases: []string{"{ name: store, state: absent }"}})
	st = s.held(time.Minute)
	if list := s.on(1, "cat /etc/pgbouncer/database.txt"); !strings.Contains(list, "store =") {
		t.Errorf("its clients have lost their way in before somebody agreed:\n%s", list)
	}
	s.succeeds("approve", st.Plan.Digest)
	s.converges(time.Minute)
	s.saysSQL("postgres", "SELECT count(*) FROM pg_database WHERE datname = 'store'", "0")
	if list := s.on(1, "cat /etc/pgbouncer/database.txt"); strings.Contains(list, "store =") {
		t.Errorf("the pooler still knows it:\n%s", list)
	}
	writer.lostNothing()
}

// misfortune is a commit of which one part cannot be done; a role comes with each.
type misfortune struct {
	name    string
	in      inside
	says    string // of the step that fails
	harm    string // SQL or a script that comes before it
	amended string // and after it
}

var misfortunes = []misfortune{
	{name: "an extension without its package", in: inside{databases: []string{"{ name: store, extensions: [ postgis ] }"}}, says: "postgis"},
	{name: "a setting that PostgreSQL rejects", in: inside{users: []string{"{ name: odd, parameters: { work_mem: a lot } }"}}, says: "22023"},
	{
		name: "somebody who holds a lock for an hour", in: inside{databases: []string{"{ name: store, schemas: [ { name: s, owner: app } ] }"}}, says: "55P03",
		harm:    "setsid runuser -u postgres -- psql -qd store -c 'BEGIN; ALTER SCHEMA s OWNER TO dbuser_dba; SELECT pg_sleep(3600)' >/tmp/locker 2>&1 </dev/null &",
		amended: "runuser -u postgres -- psql -qAtc \"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3600)%' AND pid <> pg_backend_pid()\"",
	},
}

// TestPgsqlBadLuck: what cannot be done is told, with the reason; the rest of the commit is done, and the cluster
// is as well as before.
func TestPgsqlBadLuck(t *testing.T) {
	long(t)
	s := onCluster(t)
	writer := s.loads(5433, true, 50)
	s.commit("a database", inside{databases: []string{"{ name: store, schemas: [ s ] }"}})
	s.converges(time.Minute)
	for n, m := range misfortunes {
		t.Run(m.name, func(t *testing.T) {
			inner := *s
			inner.TB = t
			if m.harm != "" {
				inner.on(1, m.harm+" sleep 1")
			}
			witness := "witness_" + string(rune('a'+n))
			m.in.users = append(m.in.users, "{ name: "+witness+" }")
			head := inner.commit(m.name, m.in)
			st := inner.stands(time.Minute, "a step that fails", func(st status) bool { return st.State == "failed" && st.Revision == head })
			if got := strings.Join(st.Results, "\n"); !strings.Contains(got, m.says) {
				t.Errorf("it is said:\n%s\nwant %s", got, m.says)
			}
			inner.saysSQL("postgres", "SELECT count(*) FROM pg_roles WHERE rolname = '"+witness+"'", "1")
			inner.isHealthy(1, 3)
			if m.amended != "" {
				inner.on(1, m.amended)
				inner.converges(2 * time.Minute)
			}
		})
	}
	writer.lostNothing()
}
