package resource

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// PGConfig is one key of Patroni's dynamic configuration in the DCS. The id's name is its path:
// "pgconfig:postgresql/parameters/max_connections@pg-test", "pgconfig:standby_cluster@pg-test". Keys
// that nobody asks for are not ours.
type PGConfig struct {
	Path  string // as in the id
	Value string // as JSON; an object is wanted whole
	// PGType is what the leader's server knows of a parameter; only observed.
	PGType
}

// NewPGConfig wants a value at a path: a text, a number, a truth value, a map or a list of such.
func NewPGConfig(path string, value any) (PGConfig, error) {
	b, err := json.Marshal(value)
	return PGConfig{Path: path, Value: string(b)}, err
}

// pgParameters is the path below which the server's own parameters are.
const pgParameters = "postgresql/parameters/"

// Parameter is the server's parameter that the key is of, "" for none.
func (c PGConfig) Parameter() string {
	name, ok := strings.CutPrefix(c.Path, pgParameters)
	if !ok {
		return ""
	}
	return name
}

// Kind is KindPGConfig.
func (PGConfig) Kind() Kind { return KindPGConfig }

// Compare looks at the meaning: "100" is 100, and 8GB is 8192MB.
func (c PGConfig) Compare(have Spec) []Field {
	h, there := have.(PGConfig)
	var d fields
	switch {
	case !there:
		d.text("value", "", c.shown(), c.hazard(h))
	case !c.same(h):
		d.text("value", h.shown(), c.shown(), c.hazard(h))
	}
	return d
}

// same compares what the values mean.
func (c PGConfig) same(h PGConfig) bool {
	a, ok := decodeJSON(c.Value)
	b, also := decodeJSON(h.Value)
	if !ok || !also {
		return c.Value == h.Value
	}
	if name := c.Parameter(); name != "" {
		x, plain := scalar(a)
		y, both := scalar(b)
		return plain && both && h.Same(name, x, y)
	}
	return sameJSON(a, b)
}

func decodeJSON(s string) (v any, ok bool) {
	d := json.NewDecoder(bytes.NewReader([]byte(s)))
	d.UseNumber()
	return v, d.Decode(&v) == nil
}

// scalar is a value as Patroni writes it into a file of settings.
func scalar(v any) (text string, ok bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// sameJSON takes a number and its text, and the ways to spell a number, for the same. A null in an
// object is the same as no key.
func sameJSON(a, b any) bool {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		return ok && covers(x, y) && covers(y, x)
	case []any:
		y, ok := b.([]any)
		return ok && slices.EqualFunc(x, y, sameJSON)
	case nil:
		return b == nil
	}
	x, ok := scalar(a)
	y, also := scalar(b)
	return ok && also && (x == y || same(number, x, y))
}

func covers(x, y map[string]any) bool {
	for k, v := range x {
		if v != nil && !sameJSON(v, y[k]) {
			return false
		}
	}
	return true
}

func number(s string) (float64, bool) {
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

// shown is a value without the quotes of JSON.
func (c PGConfig) shown() string {
	if v, ok := decodeJSON(c.Value); ok {
		if text, plain := scalar(v); plain {
			return text
		}
	}
	return c.Value
}

// hazard is what another value costs. What Patroni does by itself on the way there counts.
func (c PGConfig) hazard(have PGConfig) Hazard {
	top, _, _ := strings.Cut(c.Path, "/")
	switch name := c.Parameter(); {
	case name != "" && have.Context == "postmaster", name != "" && have.Context == "" && slices.Contains(atStart, name):
		return Reload | Restart
	case top == "standby_cluster":
		return Restart | Topology | DataLoss // a leader of its own is demoted, and follows somebody else
	case top == "slots" && have.Value != "" && have.Value != "null":
		return Reload | DataLoss // what its reader has not read yet is gone
	}
	return Reload
}

// Loss is what to take the key out costs.
func (c PGConfig) Loss() Hazard {
	top, _, _ := strings.Cut(c.Path, "/")
	switch top {
	case "standby_cluster":
		return Restart | Failover // its leader is promoted
	case "slots", "permanent_slots":
		return DataLoss
	}
	if slices.Contains(atStart, c.Parameter()) || c.Context == "postmaster" {
		return Reload | Restart
	}
	return Reload
}

// atStart are parameters that take effect when the server starts. They are consulted where no server
// has said so itself: for a key that is not there yet.
var atStart = strings.Fields(`
	archive_mode autovacuum_freeze_max_age autovacuum_multixact_freeze_max_age autovacuum_worker_slots bonjour
	bonjour_name cluster_name commit_timestamp_buffers config_file data_directory data_sync_retry debug_io_direct
	dynamic_shared_memory_type event_source external_pid_file file_copy_method hba_file hot_standby huge_pages
	huge_page_size ident_file ignore_invalid_pages io_max_combine_limit io_max_concurrency io_method jit_provider
	listen_addresses logging_collector max_active_replication_origins max_connections max_files_per_process
	max_locks_per_transaction max_logical_replication_workers max_notify_queue_pages max_pred_locks_per_transaction
	max_prepared_transactions max_replication_slots max_wal_senders max_worker_processes min_dynamic_shared_memory
	multixact_member_buffers multixact_offset_buffers notify_buffers port recovery_target recovery_target_action
	recovery_target_inclusive recovery_target_lsn recovery_target_name recovery_target_time recovery_target_timeline
	recovery_target_xid reserved_connections serializable_buffers shared_buffers shared_memory_type
	shared_preload_libraries subtransaction_buffers summarize_wal superuser_reserved_connections
	track_activity_query_size track_commit_timestamp transaction_buffers unix_socket_directories
	unix_socket_group unix_socket_permissions wal_buffers wal_decode_buffer_size wal_level wal_log_hints
	cron.database_name pg_stat_statements.max timescaledb.max_background_workers`)
