package stories

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pigsync/pigsync/lab"
)

// TestPgsqlScarcity: space, votes in etcd, standbys. While one of them is short, what can be done of a commit is done,
// why the rest is not is told, and the cluster is as well as before; all is done once there is enough again.
func TestPgsqlScarcity(t *testing.T) {
	long(t)
	s := onCluster(t)
	writer := s.loads(5433, true, 20)
	for _, short := range []struct {
		of       string
		tale     func(*story)
		restarts bool // once there is enough again, or before by itself
	}{
		{"space", (*story).lacksSpace, false},
		{"room for a database", (*story).lacksRoom, false},
		{"room for what a replica is sent", (*story).lacksRoomForLog, true},
		{"votes", (*story).lacksVotes, false},
		{"standbys", func(s *story) { s.lacksStandbys("lonely", "pg_rpo: 0", 555) }, true},
		{"standbys without whom nothing is written", func(s *story) { s.lacksStandbys("stuck", "pg_conf: crit.yml", 556) }, true},
	} {
		t.Run(short.of, func(t *testing.T) {
			inner := *s
			inner.TB = t
			starts := inner.starts()
			short.tale(&inner)
			inner.commit("as it was", inside{})
			t.Logf("as it was %s after the commit", round(inner.converges(5*time.Minute)))
			inner.isHealthy(1, 3)
			if !short.restarts {
				inner.sameStarts(starts)
			}
		})
	}
	s.quietLooks(2, "converged")
	writer.lostNothing()
}

// starts are when the servers of all members were started.
func (s *story) starts() (all string) {
	s.Helper()
	for n := 1; n <= 3; n++ {
		all += s.on(n, sqlScript(startedAt)) + "\n"
	}
	return all
}

// sameStarts wants nobody to have been restarted since.
func (s *story) sameStarts(before string) {
	s.Helper()
	if now := s.starts(); now != before {
		s.Errorf("somebody was restarted:\n%swant\n%s", now, before)
	}
}

// hasRole wants a role to be there, or not.
func (s *story) hasRole(name string, there bool) {
	s.Helper()
	want := map[bool]string{true: "1", false: "0"}[there]
	s.saysSQL("postgres", "SELECT count(*) FROM pg_roles WHERE rolname = '"+name+"'", want)
}

// told is all that the daemon says of why something is not done.
func (st status) told() string {
	all := slices.Clone(st.Results)
	for _, o := range st.Objections {
		all = append(all, o.Code+" "+o.Reason)
	}
	for _, p := range st.Problems {
		all = append(all, p.Code+" "+p.Message)
	}
	if st.Plan != nil {
		for _, step := range st.Plan.Steps {
			all = append(all, step.Reason)
		}
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), "\n")
}

// isTold waits until a commit was looked at and each of the texts is said of what is not done.
func (s *story) isTold(head string, texts ...string) status {
	s.Helper()
	last := "nothing"
	if !poll(s.Context(), 3*time.Minute, 50*time.Millisecond, func() bool {
		st := s.status()
		if st.Revision == head && st.State != "converging" && st.State != "silent" {
			last = st.State + ":\n" + st.told()
		}
		return st.Revision == head && containsAll(st.told(), texts)
	}) {
		s.Fatalf("it is said: %s\nwant %q", last, texts)
	}
	return s.status()
}

// Files that a commit changes on the disk that is full. The data have a disk of their own, so that PostgreSQL goes on; the
// rules are on that, and what they were before is kept on the full one.
const (
	fewFiles = "find /etc/haproxy /etc/pgbouncer /pg/data/pg_hba.conf /pg/conf/ -type f | sort | xargs sha256sum"
	allThere = "test -s /etc/haproxy/conf.d/pg-test-extra.cfg; grep -q 'weight 50' /etc/haproxy/conf.d/pg-test-primary.cfg; grep -q 192.0.2.0 /etc/pgbouncer/pgb_hba.conf; grep -q 192.0.2.0 /pg/data/pg_hba.conf"
)

// lacksSpace fills the root disk of a replica's node.
func (s *story) lacksSpace() {
	s.Helper()
	files := s.on(2, fewFiles)
	s.must(s.node(2).FillDisk(s.Context(), lab.Root))
	head := s.commit("more than fits", inside{
		users:     []string{"{ name: spacious }"},
		services:  []string{"{ name: extra, port: 5440, selector: '[]', check: /read-only, dest: pgbouncer }"},
		rules:     []string{"{ title: from elsewhere, user: app, db: app, addr: 192.0.2.0/24, auth: pwd }"},
		poolRules: []string{"{ user: app, db: app, addr: 192.0.2.0/24, auth: pwd }"},
		vars:      []string{"pg_weight: 50", "pg_parameters: { log_temp_files: 3MB }"},
	})
	s.isTold(head,
		"write /etc/haproxy/conf.d/pg-test-primary.cfg: no space left on device",
		"write /etc/pgbouncer/pgb_hba.conf: no space left on device",
		"keep the previous content of /pg/data/pg_hba.conf in /var/lib/pigsync/undo: no space left on device",
		"PS123") // of the new service: the disk is nearly full
	s.looks(2)
	s.hasRole("spacious", true)
	s.saysSQL("postgres", "SHOW log_temp_files", "3MB")
	if now := s.on(2, fewFiles); now != files {
		s.Errorf("there was no space, and the files are\n%s\nwant\n%s", now, files)
	}
	for _, n := range []int{1, 3} {
		s.on(n, allThere)
	}
	s.isHealthy(1, 3)
	s.must(s.node(2).FreeDisk(s.Context(), lab.Root))
	s.Logf("converged %s after there was space", round(s.converges(2*time.Minute)))
	s.on(2, allThere+"; ! find /etc/haproxy /etc/pgbouncer /pg/data/ /pg/conf/ -maxdepth 2 -name '.pigsync-*' | grep .")
}

// lacksRoom leaves a little on the disk with the leader's data: a copy of a database would fit, and the log after it
// might not.
func (s *story) lacksRoom() {
	s.Helper()
	s.on(1, "fallocate -l $(( $(df -B1 --output=avail /data | tail -1) - 64 * 1024 * 1024 )) /data/filler")
	head := s.commit("a database too many", inside{users: []string{"{ name: roomless }"}, databases: []string{"{ name: bulky, owner: app }"}})
	s.isTold(head, "PS123 "+address(1)+": /data has ")
	s.looks(2)
	s.hasRole("roomless", true)
	s.saysSQL("postgres", "SELECT count(*) FROM pg_database WHERE datname = 'bulky'", "0")
	s.isHealthy(1, 3)
	s.on(1, "rm /data/filler")
	s.Logf("converged %s after there was room", round(s.converges(2*time.Minute)))
	s.saysSQL("postgres", "SELECT count(*) FROM pg_database WHERE datname = 'bulky'", "1")
}

// lacksRoomForLog fills the disk with a replica's data, upon which its server stops sooner or later.
func (s *story) lacksRoomForLog() {
	s.Helper()
	s.must(s.node(3).FillDisk(s.Context(), lab.Data))
	s.sql("postgres", "CREATE TABLE public.flood AS SELECT repeat('x', 1000) FROM generate_series(1, 60000)")
	took := s.eventually(2*time.Minute, "the replica's server stops", func() bool {
		return s.sql("postgres", "SELECT count(*) FROM pg_stat_replication WHERE application_name = 'pg-test-3'") == "0"
	})
	s.Logf("the replica was gone after %s", round(took))
	head := s.commit("a restart, and a role", inside{users: []string{"{ name: afloat }"}, vars: []string{"pg_parameters: { max_connections: 557 }"}})
	s.isTold(head, "PS130", "pg-test-3")
	s.looks(2)
	s.hasRole("afloat", true)
	if l := s.leads(1); l != address(1) {
		s.Errorf("%q leads", l)
	}
	s.sql("postgres", "DROP TABLE public.flood")
	s.must(s.node(3).FreeDisk(s.Context(), lab.Data))
	s.Logf("converged %s after there was room", round(s.converges(5*time.Minute)))
	s.isHealthy(1, 3)
	s.saysSQL("postgres", "SHOW max_connections", "557")
}

// goOn lets etcd go on where it was stopped.
func (s *story) goOn() {
	for n := 2; n <= 3; n++ {
		_, _ = s.node(n).Run(context.WithoutCancel(s.Context()), "pkill", "-CONT", "-x", "etcd") // it may go on already
	}
}

// lacksVotes stops two of three members of etcd in their tracks: their units are active, so that nobody starts them.
// Patroni's members hear each other, and the leader serves its clients without a lock.
func (s *story) lacksVotes() {
	s.Helper()
	timeline := s.psql(1, "SELECT timeline_id FROM pg_control_checkpoint()")
	s.Cleanup(s.goOn)
	for n := 2; n <= 3; n++ {
		s.on(n, "pkill -STOP -x etcd")
	}
	s.isTold(s.commit("in a hurry", inside{users: []string{"{ name: hasty }"}}), "PS130 etcd has no quorum")
	s.hasRole("hasty", false)
	took := s.eventually(2*time.Minute, "no leader is seen", func() bool { leader, _ := s.clusterSeen(); return leader == "" })
	s.Logf("nobody was seen to lead %s after etcd lost its quorum", round(took))
	from := len(s.journal())
	head := s.commit("nobody to agree", inside{users: []string{"{ name: voteless }"}, vars: []string{"pg_parameters: { log_temp_files: 4MB, max_connections: 300 }"}})
	s.isTold(head, "the cluster has no quorum", "PG091", "Patroni's etcd does not answer, and the server goes on in failsafe mode")
	s.looks(2)
	s.didNothing(from, "etcd had no quorum")
	s.hasRole("voteless", false)
	count := func() string { return s.sql("app", "SELECT max(id) FROM shop.load") }
	before := count()
	s.eventually(20*time.Second, "something is written", func() bool { return count() != before })
	s.commit("the same, without a restart", inside{users: []string{"{ name: voteless }"}, vars: []string{"pg_parameters: { log_temp_files: 4MB }"}})
	s.goOn()
	s.Logf("converged %s after etcd had its quorum again", round(s.converges(5*time.Minute)))
	s.hasRole("voteless", true)
	s.saysSQL("postgres", "SHOW log_temp_files", "4MB")
	if now := s.psql(1, "SELECT timeline_id FROM pg_control_checkpoint()"); now != timeline {
		s.Errorf("the timeline is %s, and was %s", now, timeline)
	}
}

// unfollowed keeps a replica from its leader's server, and from nothing else: Patroni runs, so that nobody mends it.
func unfollowed(do string) string {
	return "ip rule " + do + " to " + address(1) + " ipproto tcp dport 5432 prohibit"
}

// lacksStandbys cuts both standbys off, where a commit waits for one of them, and asks for a restart.
func (s *story) lacksStandbys(witness, mode string, connections int) {
	s.Helper()
	s.commit("nothing may be lost", inside{vars: []string{mode}})
	s.Logf("%s: converged after %s", mode, round(s.converges(5*time.Minute)))
	s.standbysFollow(true)
	starts := s.starts()
	s.Cleanup(s.rejoin)
	for n := 2; n <= 3; n++ {
		s.on(n, unfollowed("add"))
	}
	s.sql("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
	s.standbysFollow(false)
	head := s.commit("a restart, and a role", inside{users: []string{"{ name: " + witness + " }"}, vars: []string{mode, fmt.Sprintf("pg_parameters: { max_connections: %d }", connections)}})
	s.isTold(head, "PS130 pg-test-2 follows nobody", "PS130 pg-test-3 follows nobody")
	s.looks(3)
	s.hasRole(witness, true)
	s.sameStarts(starts)
	if l := s.leads(1); l != address(1) {
		s.Errorf("%q leads", l)
	}
	s.rejoin()
	s.Logf("%s: converged %s after they were back", mode, round(s.converges(5*time.Minute)))
	s.standbysFollow(true)
	s.saysSQL("postgres", "SHOW max_connections", fmt.Sprint(connections))
}

// standbysFollow wants both standbys to stream, and a commit to wait for one of them; or nobody.
func (s *story) standbysFollow(both bool) {
	s.Helper()
	want := map[bool]string{true: "2 t", false: "0 f"}[both]
	s.eventually(time.Minute, "standbys: "+want, func() bool {
		return s.sql("postgres", "SELECT concat_ws(' ', count(*), count(*) FILTER (WHERE sync_state = 'sync') > 0) FROM pg_stat_replication") == want
	})
}

// rejoin lets the standbys follow again.
func (s *story) rejoin() {
	for n := 2; n <= 3; n++ {
		_, _ = s.node(n).Run(context.WithoutCancel(s.Context()), "sh", "-c", unfollowed("del")) // it may be gone
	}
}
