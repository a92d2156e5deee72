package stories

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// onReady begins a story on nodes with etcd and the programs of PostgreSQL, and no cluster yet: what walks
// through the making of one need not install them each time.
func onReady(t testing.TB) *story {
	t.Helper()
	return onSnapshot(t, "ready", func(s *story) {
		etcd, _, _ := strings.Cut(clusters{}.String(), "    pg-test:\n")
		s.commitText("etcd", etcd)
		s.serve()
		s.converges(5 * time.Minute)
		for n := 1; n <= 3; n++ {
			s.on(n, `groupadd -g 543 postgres; useradd -u 543 -g postgres -d /var/lib/pgsql -s /bin/bash postgres
				mkdir -p /etc/postgresql-common; echo create_main_cluster = false >/etc/postgresql-common/createcluster.conf
				printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d
				DEBIAN_FRONTEND=noninteractive apt-get -qq install -y postgresql-17 patroni python3-etcd pgbouncer pgbackrest haproxy >/dev/null
				rm /usr/sbin/policy-rc.d; systemctl disable -q --now patroni haproxy pgbouncer`)
		}
	})
}

// pgWalk goes through the making of a cluster, as walk does through the changes of etcd.
type pgWalk struct {
	walk
	rows int            // acknowledged by whoever led, in this passage
	made map[int]string // the system identifiers of members that were seen well, by node
}

func TestPgsqlSurvivesKill(t *testing.T) { walksPgsql(t, []int{0}) }

func TestPgsqlSurvivesPowerCut(t *testing.T) { walksPgsql(t, []int{1, 2}) }

// walksPgsql walks with one victim after the other; without a soak it is one passage each.
func walksPgsql(t *testing.T, victims []int) {
	long(t)
	w := &pgWalk{walk: walk{change: change{name: "pg-test"}, about: ofPgsql, struck: map[moment]bool{}, seen: map[moment]bool{}, chance: drawn(t), began: time.Now()}}
	for _, v := range victims {
		for n := 1; n <= passages && w.passage(t, v, n) > few && soak() && !t.Failed(); n++ {
		}
	}
	w.tells(t)
}

// passage makes the cluster once, with blows on the way.
func (w *pgWalk) passage(t *testing.T, victim, n int) (blows int) {
	t.Helper()
	t.Run(fmt.Sprintf("%s, passage %d", suffers(victim), n), func(t *testing.T) {
		tr := &trial{story: onReady(t), change: w.change}
		w.rows, w.made = 0, map[int]string{}
		tr.serve()
		tr.converges(time.Minute)
		tr.tail = tr.follow()
		tr.commit("pg-test", clusters{})
		for w.comes(tr, victim) {
			w.keeps(tr)
			w.strike(tr, victim)
			blows++
		}
		tr.converges(10 * time.Minute)
		w.isWhole(tr)
		t.Logf("%d blows; so far %d of %d moments were struck, in %s", blows, len(w.struck), len(w.seen), round(time.Since(w.began)))
	})
	return blows
}

// ofPgsql tells whether a moment is one of Patroni's and PostgreSQL's: the files before them are the affair
// of other walks.
func ofPgsql(m moment) bool {
	return slices.ContainsFunc([]string{" of unit:", " of pg", " of etcd", " of cert:", "/etc/patroni", "/conf/pg-test"}, func(part string) bool { return strings.Contains(m.note, part) })
}

// confirmed fails unless a replica soon has what the leader has. Who is promoted has all that any replica has, and what only a
// leader had that loses power then is lost: its replicas are asynchronous.
const confirmed = `DO $$ BEGIN FOR i IN 1..15 LOOP
	IF EXISTS (SELECT FROM pg_stat_replication WHERE flush_lsn >= pg_current_wal_flush_lsn()) THEN RETURN; END IF;
	PERFORM pg_sleep(0.02), pg_stat_clear_snapshot();
END LOOP; RAISE 'no replica has it'; END $$`

// keeps notes what must not be lost from now on: the data of members that were seen well, and a row that
// whoever leads has taken, and a replica unless there is none.
func (w *pgWalk) keeps(tr *trial) {
	tr.Helper()
	for n := 1; n <= 3; n++ {
		if id := systemOf(tr, n); w.made[n] == "" {
			w.made[n] = id
		} else if id != w.made[n] {
			tr.Errorf("node-%d had the data %s, and has %q now", n, w.made[n], id)
		}
	}
	if w.made[1] == "" {
		return // what is being made is no cluster yet, and is begun anew where it was torn
	}
	if superuser(tr, fmt.Sprintf("create table if not exists kept(n int); insert into kept values (%d)", w.rows)) && (alone(tr) || superuser(tr, confirmed)) {
		w.rows++
	}
}

// superuser runs SQL on the first node, and tells whether it succeeded.
func superuser(tr *trial, sql string) bool {
	_, err := tr.node(1).Run(tr.Context(), "runuser", "-u", "postgres", "--", "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql)
	return err == nil
}

// alone tells whether nobody but the first node has begun to have data: who begins later copies all that is there.
func alone(tr *trial) bool {
	for n := 2; n <= 3; n++ {
		if out, err := tr.node(n).Run(tr.Context(), "sh", "-c", "test -e /pg/data/PG_VERSION || echo nothing"); err != nil || strings.TrimSpace(out) != "nothing" {
			return false
		}
	}
	return true
}

// systemOf is the system identifier of the data on a node where the member was seen well; "" where it was not.
func systemOf(tr *trial, n int) string {
	out, _ := tr.node(n).Run(tr.Context(), "sh", "-ec", "test -e /etc/patroni/formed; od -An -tu8 -N8 /pg/data/global/pg_control") // nothing is as well
	return strings.TrimSpace(out)
}

// isWhole wants one cluster of three, with all that was kept.
func (w *pgWalk) isWhole(tr *trial) {
	tr.Helper()
	tr.isHealthy(1, 3)
	for n := 1; n <= 3; n++ {
		if id := systemOf(tr, n); id == "" || id != systemOf(tr, 1) || w.made[n] != "" && w.made[n] != id {
			tr.Errorf("the data of node-%d are of %q, those of node-1 of %q; once they were of %q", n, id, systemOf(tr, 1), w.made[n])
		}
	}
	if w.rows > 0 {
		if lost := tr.sql("postgres", fmt.Sprintf("SELECT string_agg(n::text, ' ') FROM generate_series(0, %d) n WHERE n NOT IN (SELECT n FROM kept)", w.rows-1)); lost != "" {
			tr.Errorf("of %d rows that were acknowledged these are lost: %s; torn: %s", w.rows, lost, tr.on(1, "ls -d /data/postgres/*/*.torn-* || true"))
		}
	}
	tr.agrees()
	tr.quietLooks(2, "converged")
}

// torn is a moment in the life of a data directory that is being made, which a script on its node waits for.
type torn struct {
	name   string
	node   int
	script string
}

var tears = []torn{
	{"initdb has begun", 1, "test -e /pg/data/PG_VERSION"},
	{"initdb is done", 1, "test -s /pg/data/global/pg_control"},
	{"the first server runs", 1, "test -e /pg/data/postmaster.pid"},
	{"a copy has begun", 2, "test -e /pg/data/PG_VERSION || test -e /pg/data/backup_label"},
	{"a copy is there", 2, "test -s /pg/data/global/pg_control"},
}

// TestPgsqlTornDirectory: a node loses power while its data directory is being made, and the cluster comes
// about in spite of it.
func TestPgsqlTornDirectory(t *testing.T) {
	long(t)
	for _, c := range tears {
		t.Run(c.name, func(t *testing.T) {
			w := &pgWalk{made: map[int]string{}}
			tr := &trial{story: onReady(t)}
			tr.serve()
			tr.tail = tr.follow()
			tr.commit("pg-test", clusters{})
			tr.on(c.node, "for i in $(seq 60000); do if "+c.script+"; then exit 0; fi; sleep 0.01; done; exit 1")
			tr.cut(c.node, dark)
			t.Logf("node-%d has: %s", c.node, tr.on(c.node, "ls /pg/data /pg/data/global 2>&1 | wc -l; ls -l /pg/data/global/pg_control 2>&1 || true; systemctl is-enabled patroni || true"))
			t.Logf("converged %s later", round(tr.converges(10*time.Minute)))
			w.isWhole(tr)
		})
	}
}
