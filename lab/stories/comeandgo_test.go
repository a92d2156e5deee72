package stories

import (
	"strings"
	"testing"
	"time"
)

// written is an inventory as text.
type written string

func (w written) String() string { return string(w) }

const thirdMember = "        10.10.10.12: { pg_seq: 3, pg_role: replica }\n"

// TestPgsqlMembersComeAndGo: the others know a new member before it comes, and have forgotten one before it goes.
func TestPgsqlMembersComeAndGo(t *testing.T) {
	long(t)
	s := onBareNodes(t)
	s.serve()
	three := clusters{}.String()
	two := strings.Replace(three, thirdMember, "", 1)
	s.commit("two members", written(two))
	s.converges(10 * time.Minute)
	s.isHealthy(1, 2)
	s.answersWith(5433, "create table shop.t(x int); select 1", "CREATE TABLE\n1")

	ends := s.benches()
	from := len(s.journal())
	s.commit("a third member", written(three))
	s.converges(15 * time.Minute) // its packages are installed
	s.isHealthy(1, 3)
	s.cameAfter(acts(notes(s.journal()[from:], "result")), "unit:patroni@"+address(3), "unit:patroni@"+address(1), "unit:patroni@"+address(2))
	ends("a member comes")

	s.commit("the third goes", written(two))
	st := s.held(3 * time.Minute)
	s.isHealthy(1, 3)
	from = len(s.journal())
	s.succeeds("approve", st.Plan.Digest)
	s.converges(5 * time.Minute)
	t.Logf("left: %v", acts(notes(s.journal()[from:], "result")))
	s.isHealthy(1, 2)
	if got := s.on(1, "grep -l "+address(3)+" /etc/haproxy/conf.d/pg-test-*.cfg || true"); got != "" {
		t.Errorf("services still lead to who has left: %s", got)
	}
	if got := s.on(3, "systemctl is-active patroni pgbouncer || true; test -f /pg/data/PG_VERSION && echo kept"); got != "inactive\ninactive\nkept" {
		t.Errorf("on who has left: %q", got)
	}
	s.quietLooks(2, "converged")
}

// cameAfter wants one step after others.
func (s *story) cameAfter(did []string, step string, before ...string) {
	s.Helper()
	at := func(part string) int {
		for i, d := range did {
			if strings.Contains(d, part) {
				return i
			}
		}
		return -1
	}
	for _, b := range before {
		if at(b) < 0 || at(b) > at(step) {
			s.Errorf("%s did not come after %s: %v", step, b, did)
		}
	}
}

// parameters is the inventory with parameters of the whole cluster.
func parameters(list string) inside { return inside{vars: []string{"pg_parameters: { " + list + " }"}} }

// TestPgsqlNotDoneBecause: what a server would refuse is not written, and the rest of the commit is done; a
// leader that is to yield waits for a person.
func TestPgsqlNotDoneBecause(t *testing.T) {
	long(t)
	s := onCluster(t)
	s.sql("app", "CREATE TABLE shop.t (x int); ALTER TABLE shop.t OWNER TO app")

	ends := s.benches()
	for _, bad := range []struct{ name, value, says string }{
		{"shared_preload_libraries", "no_such_library", "there is no library no_such_library"},
		{"work_mem", "12 apples", "work_mem"},
		{"max_connections", "10", "max_connections"},
	} {
		from := len(s.journal())
		good := "log_temp_files: " + string('1'+rune(len(bad.name)%8)) + "MB"
		head := s.commit("a bad value", parameters(bad.name+": '"+bad.value+"', "+good))
		st := s.stands(3*time.Minute, "failed", func(st status) bool { return st.State == "failed" && st.Revision == head })
		for _, did := range acts(notes(s.journal()[from:], "result")) {
			if !strings.Contains(did, "log_temp_files") && !strings.Contains(did, bad.name) {
				t.Errorf("%s: did %s", bad.name, did)
			}
		}
		if !strings.Contains(st.Error+strings.Join(st.Results, "; "), bad.says) {
			t.Errorf("%s: %q, %q: want %q", bad.name, st.Error, st.Results, bad.says)
		}
		if got := s.on(1, "patronictl -c /etc/patroni/patroni.yml show-config"); strings.Contains(got, bad.value) && bad.name != "max_connections" {
			t.Errorf("%s is in Patroni's configuration", bad.value)
		}
	}
	s.commit("all is well again", inside{})
	s.converges(3 * time.Minute)
	s.isHealthy(1, 3)
	ends("bad values")

	s.setback()

	from := len(s.journal())
	s.commit("a leader that yields", inside{vars: []string{"pg_leader_restart: switchover", "pg_parameters: { max_connections: 300 }"}})
	st := s.held(5 * time.Minute)
	s.wasDone("before the approval", acts(notes(s.journal()[from:], "result")), pgKey("~", "max_connections"), pgMember(2), pgMember(3))
	s.succeeds("approve", st.Plan.Digest)
	s.converges(5 * time.Minute)
	s.wasDone("all of it", acts(notes(s.journal()[from:], "result")), pgKey("~", "max_connections"), pgMember(2), pgMember(3), "~ pgleading:pg-test@pg-test", pgMember(1))
	if l := s.leads(2); l == address(1) || l == "" {
		t.Errorf("%q leads", l)
	}
	s.isHealthy(2, 3)

	s.commit("the first is to lead", inside{vars: []string{`pg_preferred_leader: "{{ pg_seq == 1 }}"`, "pg_parameters: { max_connections: 300 }"}})
	s.succeeds("approve", s.held(5*time.Minute).Plan.Digest)
	s.converges(5 * time.Minute)
	if l := s.leads(1); l != address(1) {
		t.Errorf("%q leads, want the one that is preferred", l)
	}
	s.isHealthy(1, 3)
	s.quietLooks(2, "converged")
}

// setback is a value that every check lets pass and with which no server starts: the first member that tries gets
// its old one back, and neither it nor another one is restarted for that again.
func (s *story) setback() {
	s.Helper()
	from := len(s.journal())
	s.commit("more memory than there is, and a setting", parameters("shared_buffers: 8000GB, log_temp_files: 7MB"))
	st := s.held(5 * time.Minute)
	s.objects(st, "PS131", pgMember(2)[len("~ "):])
	s.quietLooks(3, "held")
	var tried []string
	for _, did := range notes(s.journal()[from:], "intent") {
		if strings.Contains(did, "pgmember:") {
			tried = append(tried, did)
		}
	}
	s.wasDone("a restart that goes wrong", tried, pgMember(2))
	s.isHealthy(1, 3)
	if got := s.on(1, sqlScript("show log_temp_files")); got != "7MB" {
		s.Errorf("the rest of the commit was not done: log_temp_files is %s", got)
	}
	s.commit("as it was", inside{})
	s.converges(3 * time.Minute)
}
