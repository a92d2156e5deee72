package stories

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// stroll is a random walk over what a cluster holds: edits in git and changes by hand, in any order. Whoever
// adds a kind of object adds its edits to turns and its harm to pranks.
type stroll struct {
	*story
	chance *rand.Rand
	now    plot
}

// plot is what the inventory says: entries by name, so that each can come, change and go.
type plot struct{ users, databases, rules, services map[string]string }

// inventory is the plot as an inventory.
func (p plot) inventory() inside {
	list := func(m map[string]string) (out []string) {
		for _, name := range slices.Sorted(maps.Keys(m)) {
			out = append(out, m[name])
		}
		return out
	}
	return inside{users: list(p.users), databases: list(p.databases), rules: list(p.rules), services: list(p.services)}
}

const names = 4 // of each kind

// pick is one of the texts.
func (w *stroll) pick(texts ...string) string { return texts[w.chance.IntN(len(texts))] }

// turns are the edits in git.
func (w *stroll) turns() []func() {
	n := w.chance.IntN(names)
	return []func(){
		func() {
			w.now.users[fmt.Sprint(n)] = fmt.Sprintf("{ name: walker_%d, password: Walk.%d, pgbouncer: %v, connlimit: %d, %s, %s }", n, w.chance.IntN(3), w.chance.IntN(2) == 0,
				w.chance.IntN(50)-1, w.pick("comment: one", "comment: 'it''s \"two\"'", "createdb: true", "expire_in: 90", "expire_at: '2031-01-01'"),
				w.pick("roles: [ dbrole_readonly ]", "roles: [ { name: dbrole_readwrite, inherit: false } ]", "parameters: { work_mem: 3MB }", "parameters: { search_path: [ shop, public ] }"))
		},
		func() {
			w.now.databases[fmt.Sprint(n)] = fmt.Sprintf("{ name: walk_%d, owner: %s, pgbouncer: %v, connlimit: %d, schemas: [ { name: a, owner: %s } ], extensions: [ { name: citext, schema: %s } ], %s }",
				n, w.pick("app", "dbuser_dba"), w.chance.IntN(2) == 0, 10+w.chance.IntN(40), w.pick("app", "dbuser_dba"), w.pick("a", "public"),
				w.pick("comment: one", "parameters: { statement_timeout: 2min }", "revokeconn: true", "pool_size: 5"))
		},
		func() {
			w.now.rules[fmt.Sprint(n)] = fmt.Sprintf("{ user: app, db: %s, addr: 192.0.2.%d, auth: %s, role: %s }", w.pick("app", "all"), n, w.pick("pwd", "ssl", "deny"), w.pick("common", "replica", "primary"))
		},
		func() { delete(w.now.rules, fmt.Sprint(n)) },
		func() {
			w.now.services[fmt.Sprint(n)] = fmt.Sprintf("{ name: walk%d, port: %d, selector: '[]', check: %s, dest: %s }", n, 5450+n, w.pick("/primary", "/replica", "/read-only"), w.pick("pgbouncer", "postgres"))
		},
		func() { delete(w.now.services, fmt.Sprint(n)) },
	}
}

// pranks are what somebody does by hand, as SQL or as a script. They spare what the inventory does not speak of,
// and some find nothing to harm.
func (w *stroll) pranks() []string {
	n := w.chance.IntN(names)
	sql := func(database, text string) string {
		return fmt.Sprintf("runuser -u postgres -- psql -qXd %s -c \"%s\" || true", database, text)
	}
	files := []string{"/etc/pgbouncer/userlist.txt", "/etc/pgbouncer/database.txt", "/etc/pgbouncer/pgb_hba.conf", fmt.Sprintf("/etc/haproxy/conf.d/pg-test-walk%d.cfg", n)}
	return []string{
		sql("postgres", fmt.Sprintf("ALTER ROLE walker_%d NOLOGIN CONNECTION LIMIT 99 PASSWORD 'prank'", n)),
		sql("postgres", fmt.Sprintf("ALTER ROLE walker_%d RESET ALL", n)),
		sql("postgres", fmt.Sprintf("COMMENT ON ROLE walker_%d IS 'a prank'", n)),
		sql("postgres", fmt.Sprintf("DROP ROLE walker_%d", n)),
		sql("postgres", fmt.Sprintf("ALTER DATABASE walk_%d OWNER TO postgres", n)),
		sql("postgres", fmt.Sprintf("ALTER DATABASE walk_%d CONNECTION LIMIT 1", n)),
		sql(fmt.Sprintf("walk_%d", n), "DROP SCHEMA a CASCADE"),
		sql(fmt.Sprintf("walk_%d", n), "DROP EXTENSION citext"),
		sql("postgres", fmt.Sprintf("GRANT CONNECT ON DATABASE walk_%d TO public; REVOKE ALL ON DATABASE walk_%d FROM dbrole_admin", n, n)),
		"sed -i '1,/192.0.2/{/192.0.2/d}' /pg/data/pg_hba.conf",
		"rm -f " + w.pick(files...),
		"test ! -s " + w.pick(files...) + " || echo '# a prank' >>" + w.pick(files[:3]...),
		"systemctl stop pgbouncer",
	}
}

// steps is how far the walk goes.
func (w *stroll) steps() int {
	if soak() {
		return 500
	}
	return 12
}

// TestPgsqlRandomWalk: whatever is edited in git and done by hand, in whatever order, the cluster ends as the
// inventory says, and its clients lose nothing.
func TestPgsqlRandomWalk(t *testing.T) {
	long(t)
	w := &stroll{story: onCluster(t), chance: drawn(t), now: plot{map[string]string{}, map[string]string{}, map[string]string{}, map[string]string{}}}
	direct := w.loads(5436, true, 20)
	var slowest time.Duration
	for n := 1; n <= w.steps() && !t.Failed(); n++ {
		var what string
		if w.chance.IntN(3) > 0 {
			turns := w.turns()
			turns[w.chance.IntN(len(turns))]()
			what = "an edit"
			w.commit(fmt.Sprintf("step %d", n), w.now.inventory())
		} else {
			pranks := w.pranks()
			what = pranks[w.chance.IntN(len(pranks))]
			w.on(1+w.chance.IntN(3), what)
		}
		took := w.converges(2 * time.Minute)
		slowest = max(slowest, took)
		t.Logf("step %d, %s: %s", n, strings.TrimSpace(what), round(took))
	}
	w.quietLooks(2, "converged")
	w.agrees()
	w.isHealthy(1, 3)
	direct.lostNothing()
	t.Logf("the slowest step took %s", round(slowest))
}
