package stories

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// longestStall is how long a client of the pooled services may wait while a leader restarts.
const longestStall = 5 * time.Second

// bench is pgbench under way, through one of the services.
type bench struct {
	s    *story
	port int
	done chan struct{}
	said string
	err  error
}

// under starts four clients that repeat a script through a service of the first node.
func (s *story) under(port int, script string) *bench {
	s.Helper()
	l := &bench{s: s, port: port, done: make(chan struct{})}
	s.on(1, "rm -f /tmp/bench-"+strconv.Itoa(port)+".*; cat > /tmp/"+strconv.Itoa(port)+".sql <<'EOF'\n"+script+"\n\\sleep 10 ms\nEOF\n")
	go func() {
		defer close(l.done)
		l.said, l.err = s.node(1).Run(s.Context(), "env", "PGPASSWORD=App.Story", "/usr/lib/postgresql/17/bin/pgbench", "-h", address(1), "-p", strconv.Itoa(port),
			"-U", "app", "-n", "-c", "4", "-T", "3600", "-l", "--log-prefix=/tmp/bench-"+strconv.Itoa(port), "-f", "/tmp/"+strconv.Itoa(port)+".sql", "app")
	}()
	s.Cleanup(func() { _, _ = s.node(1).Run(s.Context(), "pkill", "-ALRM", "-f", "bench-"+strconv.Itoa(port)) })
	return l
}

// ends lets the load end: no transaction may have failed, and none may have waited for too long.
func (l *bench) ends(what string) (longest time.Duration) {
	s := l.s
	s.Helper()
	_, _ = s.node(1).Run(s.Context(), "pkill", "-ALRM", "-f", "bench-"+strconv.Itoa(l.port)) // it may have ended by itself
	select {
	case <-l.done:
	case <-time.After(time.Minute):
		s.Fatalf("%s: pgbench on %d does not end", what, l.port)
	}
	if l.err != nil || !strings.Contains(l.said, "number of failed transactions: 0 ") || strings.Contains(l.said, "aborted") {
		s.Errorf("%s: pgbench on %d: %v: %s", what, l.port, l.err, l.said)
	}
	micros, err := strconv.ParseInt(s.on(1, "awk '$3 > m { m = $3 } END { print m+0 }' /tmp/bench-"+strconv.Itoa(l.port)+".*"), 10, 64)
	s.must(err)
	count := s.on(1, "cat /tmp/bench-"+strconv.Itoa(l.port)+".* | wc -l")
	longest = time.Duration(micros) * time.Microsecond
	s.Logf("%s: %s transactions through %d, the longest took %s", what, count, l.port, round(longest))
	if longest > longestStall {
		s.Errorf("%s: a client on %d waited for %s", what, l.port, longest)
	}
	return longest
}

// benches are loads through both pooled services.
func (s *story) benches() (ends func(what string)) {
	write := s.under(5433, "insert into shop.t values (1);")
	read := s.under(5434, "select count(*) from shop.t where x = 1;")
	return func(what string) {
		s.Helper()
		write.ends(what)
		read.ends(what)
	}
}

// changes makes a commit and gives what was done until it had converged, and how long that took.
func (s *story) changes(subject string, inventory fmt.Stringer) (did []string) {
	s.Helper()
	from := len(s.journal())
	s.commit(subject, inventory)
	took := s.converges(5 * time.Minute)
	did = acts(notes(s.journal()[from:], "result"))
	s.Logf("%s: converged after %s: %v", subject, round(took), did)
	return did
}

// drifts runs a script on a node, and gives what was done until all is as it was.
func (s *story) drifts(node int, what, script string) (did []string) {
	s.Helper()
	from := len(s.journal())
	s.on(node, script)
	s.eventually(time.Minute, what+" is healed", func() bool { return len(acts(notes(s.journal()[from:], "result"))) > 0 })
	s.converges(5 * time.Minute)
	did = acts(notes(s.journal()[from:], "result"))
	s.Logf("%s: %v", what, did)
	return did
}

// acts are the notes of what was done, without what was only looked at. That a file is read again which
// somebody has written by hand just now may be done before it is mended.
func acts(list []string) []string {
	return slices.DeleteFunc(list, func(n string) bool { return strings.HasPrefix(n, "= ") || strings.HasPrefix(n, "~ pgloaded:") })
}

// wasDone wants exactly these steps, in this order.
func (s *story) wasDone(what string, got []string, want ...string) {
	s.Helper()
	if !slices.Equal(got, want) {
		s.Errorf("%s: did\n  %s\nwant\n  %s", what, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func pgMember(n int) string { return fmt.Sprintf("~ pgmember:pg-test-%d@%s", n, address(n)) }

func pgKey(action, name string) string {
	return action + " pgconfig:postgresql/parameters/" + name + "@pg-test"
}

func pgParameters(more string) clusters {
	return clusters{more: "        pg_parameters: { " + more + " }\n"}
}

// sqlScript is a script that runs SQL on a node as the superuser.
func sqlScript(sql string) string {
	return "runuser -u postgres -- psql -XAtqc \"" + sql + "\""
}

// TestPgsqlRolling: what takes effect at a start makes members restart one after the other, and nobody who comes
// through the pooled services notices more than a pause.
func TestPgsqlRolling(t *testing.T) {
	long(t)
	s := onBareNodes(t)
	s.serve()
	s.commit("a cluster", clusters{})
	t.Logf("a cluster after %s", round(s.converges(10*time.Minute)))
	s.isHealthy(1, 3)
	s.answersWith(5433, "create table shop.t(x int); select pg_is_in_recovery()", "CREATE TABLE\nf")
	s.answersWith(5434, "select pg_is_in_recovery()", "t")

	ends := s.benches()
	s.wasDone("a reload", slices.Sorted(slices.Values(s.changes("work_mem", pgParameters("work_mem: 9MB, log_temp_files: 1MB")))), pgKey("+", "log_temp_files"), pgKey("~", "work_mem"))
	s.wasDone("altered by hand", s.drifts(2, "ALTER SYSTEM", sqlScript("alter system set work_mem = '99MB'")+"; "+sqlScript("select pg_reload_conf()")),
		"~ pgaltered:pg-test-2@"+address(2))
	s.wasDone("edited by hand", s.drifts(3, "edit-config", "patronictl -c /etc/patroni/patroni.yml edit-config --force -p work_mem=77MB pg-test"), pgKey("~", "work_mem"))
	s.wasDone("a line goes", s.changes("log_temp_files goes", pgParameters("work_mem: 9MB")), pgKey("-", "log_temp_files"))
	ends("reloads")

	ends = s.benches()
	s.wasDone("a raise", s.changes("more connections", pgParameters("work_mem: 9MB, max_connections: 300")), pgKey("~", "max_connections"), pgMember(2), pgMember(3), pgMember(1))
	ends("a rolling restart")
	ends = s.benches()
	s.wasDone("less", s.changes("less connections", pgParameters("work_mem: 9MB, max_connections: 200")), pgKey("~", "max_connections"), pgMember(1), pgMember(2), pgMember(3))
	ends("a rolling restart, the leader first")
	for n := 1; n <= 3; n++ {
		if got := s.on(n, sqlScript("show max_connections")); got != "200" {
			t.Errorf("node-%d has %s connections", n, got)
		}
	}
	s.isHealthy(1, 3)
	s.quietLooks(2, "converged")
}
