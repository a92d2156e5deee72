package stories

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// calamity is what hinders a restart: a commit that asks for one, and for a role, does the role, restarts nobody,
// and says why; it is done when the calamity is over.
type calamity struct {
	name    string
	on      int    // the node where it is
	harm    string // a script
	visible func(*story) bool
	amended string
	says    string
}

var calamities = []calamity{
	{
		name: "a transaction that goes on for an hour", on: 2, says: "has gone on for",
		harm: "setsid runuser -u postgres -- psql -qd app -c 'BEGIN; SELECT pg_sleep(3600)' >/tmp/sleeper 2>&1 </dev/null &",
		visible: func(s *story) bool {
			return s.on(2, sqlScript("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3600)%' AND pid <> pg_backend_pid() AND xact_start < now() - interval '61 seconds'")) == "1"
		},
		amended: sqlScript("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3600)%' AND pid <> pg_backend_pid()"),
	},
	{
		name: "a replica that is far behind", on: 3, says: "bytes behind",
		harm: "pkill -STOP -f 'postgres[:] .*walreceive[r]'",
		visible: func(s *story) bool {
			s.sql("app", "INSERT INTO shop.load (at) SELECT now() FROM generate_series(1, 50000)")
			return s.on(1, `patronictl -c /etc/patroni/patroni.yml list -f json | grep -o '"Lag in MB": *[0-9]*' | awk '{ if ($NF > m) m = $NF } END { print (m > 1) }'`) == "1"
		},
		amended: "pkill -CONT -f 'postgres[:] .*walreceive[r]'",
	},
}

// TestPgsqlWorseLuck: what hinders a restart, and who else changes the cluster at the same moment.
func TestPgsqlWorseLuck(t *testing.T) {
	long(t)
	s := onCluster(t)
	for n, c := range calamities {
		t.Run(c.name, func(t *testing.T) {
			inner := *s
			inner.TB = t
			inner.suffers(c, n)
		})
	}
	t.Run("somebody edits the configuration", func(t *testing.T) {
		inner := *s
		inner.TB = t
		inner.shares()
	})
	t.Run("the leader moves", func(t *testing.T) {
		inner := *s
		inner.TB = t
		inner.chases()
	})
	s.quietLooks(2, "converged")
}

const startedAt = "SELECT pg_postmaster_start_time()"

// suffers makes a commit while a calamity lasts, and ends it.
func (s *story) suffers(c calamity, n int) {
	s.Helper()
	before := s.starts()
	s.on(c.on, c.harm)
	s.eventually(2*time.Minute, c.name, func() bool { return c.visible(s) })
	witness := fmt.Sprintf("sufferer_%d", n)
	head := s.commit(c.name, inside{users: []string{"{ name: " + witness + " }"}, vars: []string{fmt.Sprintf("pg_parameters: { max_connections: %d }", 300+n)}})
	st := s.stands(3*time.Minute, "a step that fails", func(st status) bool { return st.State == "failed" && st.Revision == head })
	if got := strings.Join(st.Results, "\n"); !strings.Contains(got, c.says) {
		s.Errorf("it is said:\n%s\nwant %s", got, c.says)
	}
	s.sameStarts(before)
	s.saysSQL("postgres", "SELECT count(*) FROM pg_roles WHERE rolname = '"+witness+"'", "1")
	s.on(c.on, c.amended)
	s.converges(5 * time.Minute)
	s.isHealthy(1, 3)
	s.commit("as it was", inside{users: []string{"{ name: " + witness + " }"}})
	s.converges(5 * time.Minute)
}

// shares changes parameters while somebody else changes another one all the time: both have what they want.
func (s *story) shares() {
	s.Helper()
	s.on(1, `setsid sh -c 'for n in $(seq 1 40); do until patronictl -c /etc/patroni/patroni.yml edit-config --force -p from_collapse_limit=$n pg-test; do :; done; done' >/tmp/editor 2>&1 </dev/null &`)
	for n := range 4 {
		s.commit("a parameter", parameters(fmt.Sprintf("maintenance_work_mem: %dMB", 30+n)))
		s.converges(3 * time.Minute)
		s.saysSQL("postgres", "SHOW maintenance_work_mem", fmt.Sprintf("%dMB", 30+n))
	}
	s.eventually(5*time.Minute, "the other one is done", func() bool {
		return strings.Contains(s.on(1, "patronictl -c /etc/patroni/patroni.yml show-config"), "from_collapse_limit: 40")
	})
	s.on(1, `patronictl -c /etc/patroni/patroni.yml edit-config --force -p from_collapse_limit=null pg-test`)
	s.converges(time.Minute)
}

// chases makes commits while somebody lets another member lead: they are done where the leader is then.
func (s *story) chases() {
	s.Helper()
	s.on(1, `setsid sh -c 'patronictl -c /etc/patroni/patroni.yml switchover --force pg-test' >/tmp/switch 2>&1 </dev/null &`)
	var users []string
	for n := range 4 {
		users = append(users, fmt.Sprintf("{ name: chased_%d }", n))
		s.commit("a role", inside{users: users})
		s.eventually(time.Minute, "it is seen", func() bool { return s.status().Revision == s.git("rev-parse", "HEAD") })
	}
	s.eventually(2*time.Minute, "another one leads", func() bool { l := s.leads(2); return l != "" && l != address(1) })
	s.converges(3 * time.Minute)
	if got := s.on(2, sqlScript("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'chased%'")); got != "4" {
		s.Errorf("%s of 4 roles are there", got)
	}
	s.isHealthy(2, 3)
}
