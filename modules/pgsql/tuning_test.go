package pgsql

import (
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func valueOf(t testing.TB, list []setting, name string) string {
	t.Helper()
	for _, s := range list {
		if s.name == name {
			return s.value
		}
	}
	t.Fatalf("no %s", name)
	return ""
}

func varsFor(conf string) *Vars {
	v := &Vars{}
	v.Conf, v.MaxConn, v.BufferRatio, v.ServiceDest, v.Version, v.Libs = conf, "auto", 0.25, "pgbouncer", 17, "pg_stat_statements, auto_explain"
	return v
}

// What the templates make of three machines, by the documented formulas.
func TestTune(t *testing.T) {
	small, middle, large := size{1, 1024, 10 * 1024}, size{8, 32 * 1024, 500 * 1024}, size{64, 512 * 1024, 8000 * 1024}
	for _, c := range []struct {
		conf string
		on   size
		want map[string]string
	}{
		{"oltp.yml", middle, map[string]string{
			"max_connections": "500", "shared_buffers": "8GB", "effective_cache_size": "24GB", "maintenance_work_mem": "2GB", "work_mem": "64MB",
			"max_worker_processes": "24", "max_parallel_workers": "4", "max_parallel_workers_per_gather": "2", "max_parallel_maintenance_workers": "3",
			"min_wal_size": "25GB", "max_wal_size": "100GB", "max_slot_wal_keep_size": "150GB", "temp_file_limit": "25GB", "max_locks_per_transaction": "500",
		}},
		{"olap.yml", large, map[string]string{
			"max_connections": "500", "shared_buffers": "128GB", "maintenance_work_mem": "64GB", "work_mem": "262MB", "max_worker_processes": "84",
			"max_parallel_workers": "52", "max_parallel_workers_per_gather": "32", "max_parallel_maintenance_workers": "22",
			"min_wal_size": "100GB", "temp_file_limit": "400GB", "max_locks_per_transaction": "1000", "idle_in_transaction_session_timeout": "0s",
		}},
		{"crit.yml", middle, map[string]string{"max_parallel_workers_per_gather": "0", "idle_in_transaction_session_timeout": "60s"}},
		{"tiny.yml", small, map[string]string{
			"max_connections": "250", "shared_buffers": "256MB", "work_mem": "16MB", "maintenance_work_mem": "64MB", "max_worker_processes": "20",
			"max_parallel_workers": "1", "max_parallel_workers_per_gather": "0", "max_wal_size": "2GB", "min_wal_size": "512MB",
		}},
	} {
		got := varsFor(c.conf).tune(c.on)
		for name, want := range c.want {
			if have := valueOf(t, got, name); have != want {
				t.Errorf("%s on %+v: %s is %s, want %s", c.conf, c.on, name, have, want)
			}
		}
	}
}

// On whatever machine: the buffers leave room, the log does not fill the disk, and nothing is negative.
func TestTuneFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := varsFor(rapid.SampledFrom([]string{"oltp.yml", "olap.yml", "crit.yml", "tiny.yml", "mine.yml"}).Draw(t, "conf"))
		v.Version = rapid.IntRange(13, 18).Draw(t, "version")
		v.BufferRatio = rapid.Float64Range(0.1, 0.5).Draw(t, "ratio")
		s := size{rapid.IntRange(1, 256).Draw(t, "cpu"), rapid.IntRange(512, 4<<20).Draw(t, "mem"), rapid.IntRange(4<<10, 64<<20).Draw(t, "disk")}
		mb := map[string]int{}
		for _, p := range v.tune(s) {
			number := strings.TrimRight(p.value, "GMBs")
			n, err := strconv.Atoi(number)
			if err != nil && p.name != "io_method" || n < 0 {
				t.Fatalf("%s is %q", p.name, p.value)
			}
			if strings.HasSuffix(p.value, "GB") {
				n *= 1024
			}
			mb[p.name] = n
		}
		if mb["shared_buffers"]+mb["effective_cache_size"] > s.memMB+1 {
			t.Errorf("%d MB of buffers and %d MB of cache in %d MB", mb["shared_buffers"], mb["effective_cache_size"], s.memMB)
		}
		if mb["max_slot_wal_keep_size"] > s.diskMB/2 || mb["max_wal_size"] > s.diskMB/3 || mb["min_wal_size"] > mb["max_wal_size"] {
			t.Errorf("the log takes %d to %d MB, and %d for slots, of %d MB", mb["min_wal_size"], mb["max_wal_size"], mb["max_slot_wal_keep_size"], s.diskMB)
		}
	})
}
