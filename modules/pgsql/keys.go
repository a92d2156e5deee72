package pgsql

import (
	"strings"

	"github.com/pigsync/pigsync/resource"
)

// keys declares what Patroni keeps for the cluster, key by key, so that nothing is sent but what differs,
// and what somebody else put beside it stays.
func (c *cluster) keys(whole resource.ID) {
	if c.size == (size{}) {
		return // nobody knows yet for which machines
	}
	c.keysOf("", c.dynamic(), whole)
}

func (c *cluster) keysOf(prefix string, t tree, whole resource.ID) {
	for _, b := range t {
		path := prefix + b.key
		if inner, ok := b.value.(tree); ok && b.key != "standby_cluster" {
			c.keysOf(path+"/", inner, whole)
			continue
		}
		spec, err := resource.NewPGConfig(path, plain(b.value))
		if err != nil {
			panic(err) // every value is a text, a number or a truth value
		}
		id := resource.ID{Kind: resource.KindPGConfig, Name: path, At: c.name}
		after := []resource.ID{whole}
		if path == archiveKey {
			after = append(after, c.stanzas...) // or it would fail until they are there
		}
		c.Keep(c.head().pos(parameterOf(path)), id, spec, after...)
	}
}

// plain is a value as JSON takes it.
func plain(v any) any {
	t, ok := v.(tree)
	if !ok {
		return v
	}
	out := map[string]any{}
	for _, b := range t {
		out[b.key] = plain(b.value)
	}
	return out
}

// parameterOf is the parameter of Pigsty by which a key is what it is.
func parameterOf(path string) string {
	switch name := path[strings.LastIndexByte(path, '/')+1:]; name {
	case "ttl", "loop_wait", "retry_timeout", "primary_start_timeout":
		return "pg_rto"
	case "maximum_lag_on_failover", "synchronous_mode":
		return "pg_rpo"
	case "standby_cluster":
		return "pg_upstream"
	case "max_connections":
		return "pg_max_conn"
	case "shared_buffers":
		return "pg_shared_buffer_ratio"
	case "archive_command":
		return "pgbackrest_enabled"
	case "shared_preload_libraries":
		return "pg_libs"
	}
	return "pg_conf"
}
