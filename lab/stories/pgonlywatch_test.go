package stories

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestPgsqlOnlyWatches: while Patroni is at work, or cannot work, nothing is done to the cluster, and it is said.
func TestPgsqlOnlyWatches(t *testing.T) {
	long(t)
	s := onClusters(t)
	s.serve()
	s.converges(2 * time.Minute)
	rounds := s.quietRounds(10)
	slices.Sort(rounds)
	t.Logf("a quiet round takes %s, %s at most (wanted: 500 ms)", rounds[len(rounds)/2].Round(time.Millisecond), rounds[len(rounds)-1].Round(time.Millisecond))
	s.again("interval: 2s", "interval: 1m") // what is seen at once is told by those who watch
	s.failsOverUnderLoad()
	s.again("interval: 1m", "interval: 2s")
	s.losesQuorum()
	s.agrees()
}

// clustersSeen is what the daemon says of pg-test.
func (s *story) clusterSeen() (leader string, silent map[string]string) {
	s.Helper()
	var st struct {
		Clusters []struct {
			Cluster, Leader string
			Silent          map[string]string
		}
	}
	body, err := s.ask("/api/v1/status/story")
	if err == nil {
		err = json.Unmarshal([]byte(body), &st)
	}
	for _, c := range st.Clusters {
		if c.Cluster == "pg-test" && err == nil {
			return c.Leader, c.Silent
		}
	}
	return "", nil
}

// failsOverUnderLoad takes the power from the leader while pgbench writes through the service of the third node.
func (s *story) failsOverUnderLoad() {
	s.Helper()
	s.on(3, `printf 'insert into shop.load values (1);' >/tmp/load
		export PGPASSWORD=App.Story PGCONNECT_TIMEOUT=5
		for i in $(seq 60); do psql -h `+address(3)+` -p 5433 -U app -d app -qc 'create table if not exists shop.load(x int)' && break; sleep 1; done
		systemd-run -q --unit=bench -E PGPASSWORD -E PGCONNECT_TIMEOUT sh -c 'while :; do /usr/lib/postgresql/17/bin/pgbench -n -h `+address(3)+` -p 5433 -U app -c 2 -T 3600 -R 20 -P 1 -f /tmp/load app; sleep 0.2; done'
		. /etc/profile.d/etcdctl.sh; ETCDCTL_ENDPOINTS=https://`+address(3)+`:2379
		systemd-run -q --unit=witness -E ETCDCTL_ENDPOINTS -E ETCDCTL_CACERT -E ETCDCTL_USER sh -c 'while :; do etcdctl watch /pg/pg-test/leader; sleep 0.1; done | while read line; do echo "$(date +%s.%N) $line"; done >/tmp/leaders'`)
	s.written(3)
	from := len(s.journal())
	s.must(s.node(1).PowerCut(s.Context()))
	cut := time.Now()
	var saw time.Time
	s.eventually(2*time.Minute, "the daemon sees another leader", func() bool {
		leader, _ := s.clusterSeen()
		saw = time.Now()
		return leader != "" && leader != "pg-test-1"
	})
	leader, silent := s.clusterSeen()
	if s.metric("pigsync_postgres_leader", `host="`+address(seatOf(leader))+`"`) != 1 {
		s.Errorf("pigsync_postgres_leader does not show %s", leader)
	}
	changed := s.tookTheLead(leader)
	s.Logf("%s took the lead %s after the power was cut, and the daemon knew %s later (wanted: 2 s)", leader, round(changed.Sub(cut)), round(saw.Sub(changed)))
	if silent["pg-test-1"] == "" {
		s.Error("nobody says that nothing is known of pg-test-1")
	}
	s.written(3)
	s.wakes(2)
	s.didNothing(from, "Patroni was at work")
	s.must(s.node(1).PowerOn(s.Context()))
	s.must(s.lab.WaitReady(s.Context()))
	s.converges(5 * time.Minute)
	s.isHealthy(2, 3)
	if now, _ := s.clusterSeen(); now != leader {
		s.Errorf("%s leads, want %s still: a failover is not undone", now, leader)
	}
	s.written(3)
	s.on(3, "systemctl stop bench witness")
}

// wakes lets the daemon look at the whole fleet.
func (s *story) wakes(times int) {
	s.Helper()
	for range times {
		last := s.status().Seen
		s.wake()
		s.stands(soon, "another look", func(st status) bool { return st.Seen.After(last) })
	}
}

// seatOf is the number in the name of an instance.
func seatOf(instance string) int {
	n, _ := strconv.Atoi(instance[strings.LastIndexByte(instance, '-')+1:]) // 0 is nobody
	return n
}

// written wants rows to come.
func (s *story) written(n int) {
	s.Helper()
	count := func() string {
		out, _ := s.node(n).Run(s.Context(), "sh", "-c", "runuser -u postgres -- psql -XAtd app -c 'select count(*) from shop.load'") // no answer is no row
		return strings.TrimSpace(out)
	}
	before := count()
	s.eventually(2*time.Minute, "something is written", func() bool { now := count(); return now != "" && now != before })
}

// tookTheLead is when etcd learned that a member leads.
func (s *story) tookTheLead(leader string) time.Time {
	s.Helper()
	said := s.on(3, "for i in $(seq 100); do grep -x '[0-9.]* "+leader+"' /tmp/leaders | head -1 | grep . && exit; sleep 0.1; done; systemctl status witness || true")
	seconds, _, _ := strings.Cut(said, " ")
	at, err := strconv.ParseFloat(seconds, 64)
	if err != nil {
		s.Fatalf("etcd never said that %s leads: %s", leader, s.on(3, "cat /tmp/leaders"))
	}
	return time.UnixMicro(int64(at * 1e6))
}

// didNothing wants no step since a place in the journal but looks.
func (s *story) didNothing(from int, while string) {
	s.Helper()
	for _, note := range notes(s.journal()[from:], "intent") {
		if !strings.HasPrefix(note, "= ") {
			s.Errorf("done while %s: %s", while, note)
		}
	}
}

// losesQuorum cuts two members of etcd off: the one that is left is not touched, whatever is done to its files.
func (s *story) losesQuorum() {
	s.Helper()
	for n := 2; n <= 3; n++ {
		s.must(s.node(n).Cut(s.Context()))
	}
	s.eventually(2*time.Minute, "no leader is seen", func() bool { leader, _ := s.clusterSeen(); return leader == "" })
	s.on(1, "echo '# by hand' >>/etc/pgbouncer/useropts.txt")
	from := len(s.journal())
	s.looks(2)
	st := s.status()
	s.Logf("without quorum: %s, %q, %+v", st.State, st.Results, st.Problems)
	if st.State == "converged" || len(st.Results) == 0 && len(st.Problems) == 0 {
		s.Errorf("without quorum the daemon says %s, and nothing more", st.State)
	}
	s.didNothing(from, "etcd had no quorum")
	for n := 2; n <= 3; n++ {
		s.must(s.node(n).Mend(s.Context()))
	}
	s.Logf("converged %s after etcd had its quorum again", round(s.converges(5*time.Minute)))
	s.isHealthy(1, 3)
	if got := s.on(1, "cat /etc/pgbouncer/useropts.txt"); strings.Contains(got, "by hand") {
		s.Error("what was changed meanwhile is not healed")
	}
}

// sites is an inventory of clusters of one member each, of which four cannot be made where they are wanted.
func sites(locale, more string) string {
	etcd, _, _ := strings.Cut(clusters{}.String(), "    pg-test:\n")
	for n, name := range []string{"taken", "locale", "foreign", "well", "major"} {
		vars := "pg_cluster: pg-" + name
		switch name {
		case "locale":
			vars += ", pg_locale: " + locale
		case "well":
			vars += more
		}
		etcd += fmt.Sprintf("    pg-%s: { hosts: { %s: { pg_seq: 1, pg_role: primary } }, vars: { %s } }\n", name, address(n+1), vars)
	}
	return etcd
}

// TestPgsqlRefused: where an instance cannot be made it is said why, with the line, before anything is touched; who
// has nothing to do with it does not wait.
func TestPgsqlRefused(t *testing.T) {
	long(t)
	s := onReady(t)
	s.on(1, "systemd-run -q --unit=squatter python3 -m http.server 5432; sed 's/^MemTotal:.*/MemTotal: 524288 kB/' /proc/meminfo >/tmp/meminfo; mount --bind /tmp/meminfo /proc/meminfo")
	s.on(3, `install -d -o postgres -g postgres /data/postgres /data/postgres/pg-foreign-17
		runuser -u postgres -- /usr/lib/postgresql/17/bin/initdb -D /data/postgres/pg-foreign-17/data >/dev/null`)
	control := s.on(3, "base64 -w0 /data/postgres/pg-foreign-17/data/global/pg_control")
	s.on(5, "mkdir -p /data/postgres/pg-major-17/data/global; cd /data/postgres/pg-major-17/data; echo 15 >PG_VERSION; echo "+control+" | base64 -d >global/pg_control")
	places := []int{3, 5}
	var before []string
	for _, n := range places {
		before = append(before, s.on(n, "cd /data/postgres; find . -type f | sort | xargs sha256sum"))
	}
	s.serve()
	s.commitText("sites", strings.Replace(sites("xx_XX.UTF-8", ""), "pg-taken }", "pg-taken, pg_conf: oltp.yml }", 1))
	wanted := []string{"PG090 .*oltp.yml is for machines of 1024 MB", "PG090 .*somebody listens on port 5432", "PG090 .*has no locale xx_XX", "PG024 .*holds data", "PG024 .*is of PostgreSQL 15"}
	st := s.stands(5*time.Minute, "all that is wrong", func(st status) bool { return !slices.ContainsFunc(wanted, func(w string) bool { return !st.says(w) }) })
	for _, p := range st.Problems {
		t.Logf("%s: %s %s: %s", p.Place, p.Severity, p.Code, p.Message)
	}
	s.eventually(10*time.Minute, "the one that is right is there", func() bool { return s.leads(4) == address(4) })
	s.looks(2)
	for _, n := range []int{1, 2} {
		s.on(n, "! ls /data/postgres/*/data 2>/dev/null")
	}
	for i, n := range places {
		if now := s.on(n, "cd /data/postgres; find . -type f | sort | xargs sha256sum"); now != before[i] {
			t.Errorf("the data on node-%d are others:\n%s\nwant\n%s", n, now, before[i])
		}
	}
	for _, n := range []int{1, 2, 3, 5} {
		if got := s.on(n, "systemctl is-active patroni || true"); got == "active" {
			t.Errorf("Patroni runs on node-%d", n)
		}
	}
	s.on(1, "systemctl stop squatter; umount /proc/meminfo")
	for _, n := range places {
		s.on(n, "cd /data/postgres/*-17; mv data data.old")
	}
	s.on(5, "mount -t tmpfs -o size=64m tmpfs /data")
	s.must(os.MkdirAll(s.path("repo/files"), 0o755))
	s.must(os.WriteFile(s.path("repo/files/words.txt"), []byte("words\n"), 0o644))
	s.commitText("all is right but a disk", sites("C.UTF-8", ", pg_files: [ words.txt ]"))
	s.stands(5*time.Minute, "a disk that is too small", func(st status) bool { return st.says("PG090 .*the disk of " + address(5) + " has 64 MB") })
	s.on(5, "umount /data")
	t.Logf("converged %s after all was right", round(s.converges(15*time.Minute)))
	for n := 1; n <= 5; n++ {
		s.isHealthy(n, 1)
	}
	s.on(4, "grep -q words /pg/data/words.txt")
	s.commitText("no words", sites("C.UTF-8", ""))
	s.converges(2 * time.Minute)
	s.on(4, "! test -e /pg/data/words.txt")
	s.agrees()
}

// says tells whether an error reads so, its code before its message.
func (st status) says(expression string) bool {
	told := regexp.MustCompile(expression)
	return slices.ContainsFunc(st.Problems, func(p problem) bool {
		return p.Severity == "error" && strings.Contains(p.Place, "pigsty.yml:") && told.MatchString(p.Code+" "+p.Message)
	})
}
