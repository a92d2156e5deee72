package stories

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// twoClusters is an inventory of pg-meta on the fourth node and pg-test on the first three, with etcd beside it and all that
// Pigsty gives unasked: the default packages, load balancers, poolers, backups, exporters, and INFRA that is told of them.
func twoClusters() string {
	text := head
	for _, off := range []string{
		"haproxy_enabled: false", "node_default_packages: []", "pgbackrest_enabled: false", "pg_exporter_enabled: false", "pgbouncer_exporter_enabled: false",
		"pg_dbsu_sudo: none", "pg_dbsu_ssh_exchange: false", "vmetrics_enabled: false", "dns_enabled: false", "grafana_enabled: false",
	} {
		text = strings.Replace(text, "    "+off+"\n", "", 1)
	}
	return text + `    pg_conf: tiny.yml
    pg_shared_buffer_ratio: 0.1
    pgbackrest_exporter_options: --collect.interval=10 --log.level=info
  children:
    infra: { hosts: { 10.10.10.13: { infra_seq: 1 } } }
    etcd: { hosts: { 10.10.10.10: { etcd_seq: 1 }, 10.10.10.11: { etcd_seq: 2 }, 10.10.10.12: { etcd_seq: 3 } } }
    pg-meta:
      hosts: { 10.10.10.13: { pg_seq: 1, pg_role: primary } }
      vars: { pg_cluster: pg-meta }
` + pgTest
}

// TestPgsqlWhole: two clusters with all that belongs to them come from bare nodes, and whoever is asked says that they are
// well: Patroni, the servers behind each service, pgBackRest and the three exporters. Then nothing is left to do.
func TestPgsqlWhole(t *testing.T) {
	long(t)
	s := onBareNodes(t)
	s.serve()
	s.commitText("two clusters", twoClusters())
	t.Logf("from a commit to two clusters with all that belongs to them on bare nodes: %s", round(s.converges(15*time.Minute)))
	s.isHealthy(1, 3)
	s.isHealthy(4, 1)
	s.leadSomewhere()
	if got := s.backups(1); !slices.Equal(got, []string{"full"}) {
		t.Errorf("the leader has backups %v, want a full one", got)
	}
	for _, n := range []int{1, 2, 3, 4} {
		s.shows(n, 9630, "pg_up", "1")
		s.shows(n, 9631, "pgbouncer_up", "1")
	}
	s.shows(1, 9854, "pgbackrest_stanza_status", "0")
	s.shows(4, 9854, "pgbackrest_stanza_status", "0")
	s.quietLooks(2, "converged")
	s.agrees()
}

// BenchmarkPgsql takes four bare machines to pg-meta and pg-test with all that belongs to them, tells how much of that the
// package manager took, and then how long it takes to see that nothing is left to do.
func BenchmarkPgsql(b *testing.B) {
	wanted(b)
	var packages, quiet time.Duration
	for b.Loop() {
		b.StopTimer()
		s := onBareNodes(b)
		s.serve()
		b.StartTimer()
		s.commitText("two clusters", twoClusters())
		s.converges(15 * time.Minute)
		b.StopTimer()
		packages += underWay(s.journal(), "package:", "repo:")
		b.Log(spent(s.journal()))
		s.isHealthy(1, 3)
		s.isHealthy(4, 1)
		rounds := s.quietRounds(20)
		slices.Sort(rounds)
		quiet = rounds[len(rounds)/2]
		b.Logf("quiet rounds: %v", rounds)
		s.stop()
		b.StartTimer()
	}
	b.ReportMetric(packages.Seconds()/float64(b.N), "s-packages")
	b.ReportMetric(quiet.Seconds(), "s-quiet-round")
	seconds(b)
}
