package stories

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// fileTraces prints every file of a node with its size, times, mode and owner; what the kernel, the clock, etcd, the
// servers' own files and everybody's logs write on their own is left out.
const fileTraces = `find / /data -xdev \( -path /proc -o -path /sys -o -path /run -o -path /dev -o -path /tmp -o -path /var/log -o -path /var/tmp \
	-o -path /var/lib/chrony -o -path /var/lib/systemd -o -path /data/etcd/member -o -path '/data/postgres/*/log' \
	-o -path '/data/postgres/*/data/*' -type d \) -prune -o ! -type d -printf '%p %s %T@ %C@ %m %u:%g\n'`

// rowTraces prints the rows of the catalogs that hold what an inventory declares, each with the transaction that wrote it.
const rowTraces = `SELECT string_agg(x, E'\n') FROM (
	SELECT 'role ' || rolname || ' ' || xmin x FROM pg_authid
	UNION ALL SELECT format('membership %s in %s %s', member::regrole, roleid::regrole, xmin) FROM pg_auth_members
	UNION ALL SELECT format('settings %s/%s %s', setdatabase, setrole::regrole, xmin) FROM pg_db_role_setting
	UNION ALL SELECT 'database ' || datname || ' ' || xmin FROM pg_database
	UNION ALL SELECT format('comment %s/%s %s', classoid::regclass, objoid, xmin) FROM pg_shdescription
	UNION ALL SELECT 'schema ' || nspname || ' ' || xmin FROM pg_namespace WHERE nspname !~ '^pg_(temp|toast_temp)'
	UNION ALL SELECT 'extension ' || extname || ' ' || xmin FROM pg_extension
	UNION ALL SELECT 'defaults ' || oid || ' ' || xmin FROM pg_default_acl) t`

// dcsTrace is the revision of etcd in which the configuration of the cluster was written.
const dcsTrace = `. /etc/profile.d/etcdctl.sh; etcdctl get /pg/pg-test/config -w fields | awk -F' : ' '/ModRevision/ {print $2}'`

// traces are what was written where and when, on all nodes.
func (s *story) traces() map[string]string {
	s.Helper()
	all := map[string]string{"dcs": s.on(3, dcsTrace)}
	note := func(about, line string) {
		if line = strings.TrimSuffix(line, "\n"); line != "" {
			last := strings.LastIndexByte(line, ' ')
			all[about+line[:last]] = line[last+1:]
		}
	}
	for n := 1; n <= 5; n++ {
		for line := range strings.Lines(s.on(n, fileTraces)) {
			path, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
			all[fmt.Sprint(n, ":", path)] = rest
		}
	}
	for line := range strings.Lines(s.sql("app", rowTraces)) {
		note("", line)
	}
	return all
}

// since is what was written, made or removed since other traces were taken, each once.
func since(before, now map[string]string) (all []string) {
	for what, trace := range now {
		if was, there := before[what]; !there || was != trace {
			all = append(all, what)
		}
	}
	for what := range before {
		if _, there := now[what]; !there {
			all = append(all, what)
		}
	}
	return slices.Sorted(slices.Values(all))
}

// ownNotes are what a helper remembers: what a unit has read, and what a file was before.
var ownNotes = regexp.MustCompile(`^[123]:/var/lib/pigsync/`)

// readAgain is what Patroni and its server write themselves when they read again: Patroni all of its files, in its next loop.
const readAgain = `[123]:/data/postgres/pg-test-17/(data/(postgresql\.conf|pg_hba\.conf|patroni\.dynamic\.json|current_logfiles)|conf/patroni\.pgpass)`

// afterLoops is when Patroni, which loops every five seconds here, has done what it was told.
const afterLoops = 8 * time.Second

// TestPgsqlWritesOnlyWhatIsConcerned asks the nodes and the server what an edit has written: that, and nothing beside it. When there
// is nothing to do nothing is written at all.
func TestPgsqlWritesOnlyWhatIsConcerned(t *testing.T) {
	long(t)
	s := onCluster(t)
	writer, asker := s.loads(5433, true, 50), s.loads(5434, false, 50)
	now, before := inside{}, s.traces()
	for _, e := range []struct {
		name  string
		git   func(*inside)
		wrote []string // patterns; one that begins with [123] is of a file on each member
		also  string   // and maybe
	}{
		{"a new role", reader(", password: Reader.One"), []string{`role reader`, `[123]:/etc/pgbouncer/userlist\.txt`}, ""},
		{"a role", reader(", password: Reader.One, connlimit: 3"), []string{`role reader`}, ""},
		{"a role's settings", reader(", password: Reader.One, connlimit: 3, parameters: { work_mem: 8MB }"), []string{`settings 0/reader`}, ""},
		{"a new database", store(""), []string{`database store`, `[123]:/etc/pgbouncer/database\.txt`}, ""},
		{"a database", store(", connlimit: 20"), []string{`database store`}, ""},
		{"a rule", func(i *inside) { i.rules = []string{"{ user: app, db: app, addr: 192.0.2.0/24, auth: pwd }"} },
			[]string{`[123]:/data/postgres/pg-test-17/data/pg_hba\.conf`, `[123]:/data/postgres/pg-test-17/conf/pg-test-\d\.yml`}, readAgain},
		{"a service", func(i *inside) {
			i.services = []string{"{ name: extra, port: 5440, selector: '[]', check: /read-only, dest: pgbouncer }"}
		},
			[]string{`[123]:/etc/haproxy/conf\.d/pg-test-extra\.cfg`}, ""},
		{"a parameter", func(i *inside) { i.vars = []string{"pg_parameters: { work_mem: 24MB }"} },
			[]string{`dcs`, `[123]:/data/postgres/pg-test-17/data/postgresql\.conf`}, readAgain},
	} {
		e.git(&now)
		s.commit(e.name, now)
		s.converges(time.Minute)
		time.Sleep(afterLoops)
		after := s.traces()
		s.wrote(e.name, since(before, after), e.wrote, e.also)
		before = after
	}
	s.quietRounds(5)
	s.wrote("nothing", since(before, s.traces()), nil, "")
	writer.lostNothing()
	asker.lostNothing()
}

// wrote wants what was written to be what was to be, and what helpers note of it.
func (s *story) wrote(name string, written, want []string, also string) {
	s.Helper()
	s.Logf("%s: %s", name, strings.Join(written, ", "))
	var allowed []*regexp.Regexp
	for _, pattern := range want {
		for _, one := range onMembers(pattern) {
			whole := regexp.MustCompile("^(?:" + one + ")$")
			if allowed = append(allowed, whole); !slices.ContainsFunc(written, whole.MatchString) {
				s.Errorf("%s: it did not write %s", name, one)
			}
		}
	}
	if len(want) > 0 {
		allowed = append(allowed, ownNotes, regexp.MustCompile("^("+also+")$"))
	}
	for _, what := range written {
		if !slices.ContainsFunc(allowed, func(p *regexp.Regexp) bool { return p.MatchString(what) }) {
			s.Errorf("%s: it wrote %s", name, what)
		}
	}
}

// onMembers is a pattern of each member's own file, or the pattern itself.
func onMembers(pattern string) []string {
	path, each := strings.CutPrefix(pattern, "[123]")
	if !each {
		return []string{pattern}
	}
	return []string{"1" + path, "2" + path, "3" + path}
}
