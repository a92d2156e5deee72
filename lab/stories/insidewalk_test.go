package stories

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
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

// plot is what the inventory says: entries by name, so that each can come, change and go. What an entry says
// nothing of is left as it is, so that each says all: or the cluster would remember what a fresh one never had.
type plot struct{ users, databases, rules, services, params map[string]string }

// inventory is the plot as an inventory.
func (p plot) inventory() inside {
	list := func(m map[string]string) (out []string) {
		for _, name := range slices.Sorted(maps.Keys(m)) {
			out = append(out, m[name])
		}
		return out
	}
	i := inside{users: list(p.users), databases: list(p.databases), rules: list(p.rules), services: list(p.services)}
	if len(p.params) > 0 {
		i.vars = []string{"pg_parameters: { " + strings.Join(list(p.params), ", ") + " }"}
	}
	return i
}

const names = 4 // of each kind

// pick is one of the texts.
func (w *stroll) pick(texts ...string) string { return texts[w.chance.IntN(len(texts))] }

func (w *stroll) flip() bool { return w.chance.IntN(2) == 0 }

// turns are the edits in git.
func (w *stroll) turns() []func() {
	n := w.chance.IntN(names)
	return []func(){
		func() {
			w.now.users[fmt.Sprint(n)] = fmt.Sprintf("{ name: walker_%d, password: Walk.%d, pgbouncer: %v, connlimit: %d, createdb: %v, comment: %s, %s, roles: [ { name: dbrole_readonly, inherit: %v } ], parameters: { work_mem: %dMB, search_path: [ shop, %s ] } }",
				n, w.chance.IntN(3), w.flip(), w.chance.IntN(50)-1, w.flip(), w.pick("one", "'it''s \"two\"'"), w.pick("expire_in: 90", "expire_at: '2031-01-01'"), w.flip(), 2+w.chance.IntN(3), w.pick("public", "app"))
		},
		func() {
			w.now.databases[fmt.Sprint(n)] = fmt.Sprintf("{ name: walk_%d, owner: %s, pgbouncer: %v, connlimit: %d, schemas: [ { name: a, owner: %s } ], extensions: [ { name: citext, schema: %s } ], comment: %s, parameters: { statement_timeout: %dmin }, revokeconn: %v, pool_size: %d }",
				n, []string{"app", "dbuser_dba"}[n%2], w.flip(), 10+w.chance.IntN(40), w.pick("app", "dbuser_dba"), w.pick("a", "public"), w.pick("one", "two"), 1+w.chance.IntN(3), n == 1, 5+w.chance.IntN(3))
		},
		func() {
			name := w.pick("work_mem", "maintenance_work_mem", "log_temp_files")
			w.now.params[name] = fmt.Sprintf("%s: %dMB", name, 20+w.chance.IntN(5))
		},
		func() { delete(w.now.params, w.pick("work_mem", "maintenance_work_mem", "log_temp_files")) },
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
		sql("postgres", "ALTER SYSTEM SET work_mem = '99MB'") + "; " + sql("postgres", "SELECT pg_reload_conf()"),
		"patronictl -c /etc/patroni/patroni.yml edit-config --force -p maintenance_work_mem=77MB pg-test",
	}
}

// steps is how far the walk goes; PIGSYNC_STEPS says it otherwise.
func (w *stroll) steps() int {
	if n, err := strconv.Atoi(os.Getenv("PIGSYNC_STEPS")); err == nil {
		return n
	}
	if soak() {
		return 500
	}
	return 12
}

// TestPgsqlRandomWalk: whatever is edited in git and done by hand, in whatever order, the cluster ends as the
// inventory says, as one that was made of it on bare nodes, and its clients lose nothing.
func TestPgsqlRandomWalk(t *testing.T) {
	long(t)
	w := &stroll{story: onCluster(t), chance: drawn(t), now: plot{map[string]string{}, map[string]string{}, map[string]string{}, map[string]string{}, map[string]string{}}}
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
	if t.Failed() {
		return
	}
	walked := w.portrait()
	w.stop()
	s := onBareNodes(t)
	s.serve()
	s.commit("where the walk ended", w.now.inventory())
	s.converges(15 * time.Minute)
	s.resembles(walked)
}
