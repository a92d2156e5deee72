package pgsql

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// size is the machine that PostgreSQL is tuned for: the smallest of a cluster's members, because all of
// them are told the same.
type size struct{ cpu, memMB, diskMB int }

// setting is a parameter of PostgreSQL and its value as Patroni keeps it.
type setting struct{ name, value string }

// preset is what the templates of pg_conf differ in. The reasons are in docs/modules/pgsql.md.
type preset struct {
	connections, pooled int     // max_connections, and where services lead to the pooler
	maintenance         float64 // part of the buffers for maintenance_work_mem
	workLow, workHigh   int     // bounds of work_mem, in MB
	workersMore         int     // max_worker_processes beyond the CPUs
	workersLeast        int
	parallel            float64 // part of the CPUs for parallel workers
	gather              func(cpu int) int
	locksFactor         int // of max_connections
	tempFactor          int // of the disk's twentieth
	logMillis           int
	idleSeconds         int
	ioParts, ioMost     int // io_workers: CPUs divided by, and at most
}

var presets = map[string]preset{
	"oltp": {1000, 500, 0.25, 64, 1024, 8, 16, 0.5, func(cpu int) int { return clamp(cpu/5, 2, 8) }, 1, 1, 100, 600, 4, 16},
	"olap": {500, 500, 0.5, 64, 8192, 12, 20, 0.8, func(cpu int) int { return max(cpu/2, 2) }, 2, 4, 1000, 0, 2, 32},
	"crit": {1000, 500, 0.25, 64, 1024, 8, 16, 0.5, func(int) int { return 0 }, 1, 1, 100, 60, 4, 8},
	"tiny": {250, 250, 0.25, 16, 256, 4, 12, 0.5, func(int) int { return 0 }, 1, 1, 100, 600, 4, 3},
}

// archiveNowhere lets go of segments where nothing is saved: a command that fails would keep them until the
// disk is full. To put another one in its place takes a reload only.
const archiveNowhere = "/bin/true"

// A twentieth of the disk, within these bounds in MB, is what the write-ahead log is measured by.
const (
	leastWAL = 80
	mostWAL  = 100 * 1024
)

// template is the name of the preset; what is none of ours is tuned as oltp, as checkTemplateName says.
func (v *Vars) template() string {
	name := strings.TrimSuffix(v.Conf, ".yml")
	if _, ok := presets[name]; !ok {
		return "oltp"
	}
	return name
}

// connections is how many PostgreSQL takes.
func (v *Vars) connections() int {
	if n, err := strconv.Atoi(v.MaxConn); err == nil {
		return n
	}
	p := presets[v.template()]
	if v.ServiceDest == "pgbouncer" {
		return p.pooled
	}
	return p.connections
}

// tune computes the parameters that depend on the machine.
func (v *Vars) tune(s size) []setting {
	p, conns := presets[v.template()], v.connections()
	buffers := int(math.Ceil(float64(s.memMB) * v.BufferRatio))
	disk := clamp(s.diskMB/20, leastWAL, mostWAL)
	locks := conns * p.locksFactor
	if loads(v.Libs, "timescaledb") || loads(v.Libs, "citus") || v.Mode == "citus" {
		locks *= 2 // each chunk or shard is a table of its own
	}
	return slices.Concat([]setting{
		{"max_connections", strconv.Itoa(conns)},
		{"superuser_reserved_connections", "10"},
		{"shared_buffers", megabytes(buffers)},
		{"effective_cache_size", megabytes(max(s.memMB-buffers, 1))},
		{"maintenance_work_mem", megabytes(max(int(float64(buffers)*p.maintenance), 16))},
		{"work_mem", megabytes(clamp(buffers/conns, p.workLow, p.workHigh))},
		{"max_locks_per_transaction", strconv.Itoa(max(locks, 64))},
		{"min_wal_size", megabytes(disk)},
		{"max_wal_size", megabytes(4 * disk)},
		{"max_slot_wal_keep_size", megabytes(6 * disk)},
		{"temp_file_limit", megabytes(p.tempFactor * disk)},
		{"log_min_duration_statement", strconv.Itoa(p.logMillis)},
		{"idle_in_transaction_session_timeout", strconv.Itoa(p.idleSeconds) + "s"},
	}, v.workers(s.cpu, p))
}

// workers are the processes beside those of the clients.
func (v *Vars) workers(cpu int, p preset) []setting {
	least := 2
	parallel, maintenance := int(math.Ceil(float64(cpu)*p.parallel)), int(math.Ceil(float64(cpu)/3))
	if v.template() == "tiny" {
		least, parallel, maintenance = 1, cpu/2, cpu/3
	}
	out := []setting{
		{"max_worker_processes", strconv.Itoa(max(cpu+p.workersMore, p.workersLeast) + 8)},
		{"max_parallel_workers", strconv.Itoa(max(parallel, least))},
		{"max_parallel_workers_per_gather", strconv.Itoa(p.gather(cpu))},
		{"max_parallel_maintenance_workers", strconv.Itoa(max(maintenance, least))},
	}
	if v.Version >= 18 {
		io := clamp((cpu+p.ioParts-1)/p.ioParts, min(4, p.ioMost), p.ioMost)
		out = append(out, setting{"io_workers", strconv.Itoa(io)})
		if v.IOMethod != "auto" {
			out = append(out, setting{"io_method", v.IOMethod})
		}
	}
	return out
}

// fixed are the parameters that are the same on every machine.
func (v *Vars) fixed() []setting {
	readCost := "1.1"
	if v.StorageType == "HDD" {
		readCost = "4"
	}
	out := []setting{
		{"archive_mode", "on"},
		{"archive_timeout", "300s"},
		{"autovacuum_max_workers", "3"},
		{"autovacuum_naptime", "60s"},
		{"autovacuum_vacuum_cost_delay", "2ms"},
		{"autovacuum_vacuum_cost_limit", "2000"},
		{"autovacuum_vacuum_scale_factor", "0.08"},
		{"autovacuum_analyze_scale_factor", "0.04"},
		{"bgwriter_delay", "10ms"},
		{"bgwriter_lru_maxpages", "800"},
		{"checkpoint_completion_target", "0.9"},
		{"checkpoint_timeout", "15min"},
		{"default_statistics_target", "400"},
		{"hot_standby_feedback", "on"},
		{"log_autovacuum_min_duration", "1s"},
		{"log_checkpoints", "on"},
		{"log_destination", "csvlog"},
		{"log_directory", v.LogDir},
		{"log_file_mode", "0640"},
		{"log_filename", "postgresql-%a.log"},
		{"log_lock_waits", "on"},
		{"log_replication_commands", "on"},
		{"log_rotation_age", "1d"},
		{"log_rotation_size", "0"},
		{"log_statement", "ddl"},
		{"log_truncate_on_rotation", "on"},
		{"logging_collector", "on"},
		{"max_prepared_transactions", "0"},
		{"max_replication_slots", "50"},
		{"max_wal_senders", "50"},
		{"password_encryption", v.PwdEnc},
		{"random_page_cost", readCost},
		{"shared_preload_libraries", strings.Join(words(v.Libs), ", ")},
		{"ssl", "on"},
		{"ssl_ca_file", caPath},
		{"ssl_cert_file", certPath},
		{"ssl_key_file", keyPath},
		{"track_activity_query_size", "8192"},
		{"track_commit_timestamp", "on"},
		{"track_functions", "all"},
		{"track_io_timing", "on"},
		{"wal_compression", "on"},
		{"wal_level", "logical"},
		{"wal_log_hints", "on"},
		{"wal_receiver_status_interval", "1s"},
	}
	return out
}

// loads tells whether a list of libraries names one.
func loads(libs, name string) bool { return slices.Contains(words(libs), name) }

func clamp(n, low, high int) int { return max(low, min(n, high)) }

func megabytes(n int) string {
	if n%1024 == 0 {
		return fmt.Sprintf("%dGB", n/1024)
	}
	return fmt.Sprintf("%dMB", n)
}
