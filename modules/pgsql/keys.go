package pgsql

import (
	"go/token"
	"strings"

	"github.com/pigsync/pigsync/resource"
)

// keys declares what Patroni keeps for the cluster, key by key, so that nothing is sent but what differs,
// and what somebody else put beside it stays.
//
// Those that take effect at a start come one after the other, and are what the restarts wait for.
func (c *cluster) keys(whole resource.ID) (atStart []resource.ID) {
	if c.size == (size{}) {
		return nil // nobody knows yet for which machines
	}
	k := keyring{cluster: c, whole: whole}
	k.add("", c.dynamic())
	return k.atStart
}

// keyring are the keys declared so far.
type keyring struct {
	*cluster
	whole   resource.ID
	atStart []resource.ID
}

func (k *keyring) add(prefix string, t tree) {
	for _, b := range t {
		path := prefix + b.key
		if inner, ok := b.value.(tree); ok && b.key != "standby_cluster" {
			k.add(path+"/", inner)
			continue
		}
		if !k.postponed(b.key) {
			k.key(path, b)
		}
	}
}

func (k *keyring) key(path string, b branch) {
	spec, err := resource.NewPGConfig(path, plain(b.value))
	if err != nil {
		panic(err) // every value is a text, a number or a truth value
	}
	id := resource.ID{Kind: resource.KindPGConfig, Name: path, At: k.name}
	keep, after := k.Keep, []resource.ID{k.whole}
	if spec.Parameter() != "" && k.asked(b.key) {
		keep = k.Tend
	}
	slow := spec.Parameter() != "" && k.startsWith(b.key)
	if n := len(k.atStart); slow && n > 0 {
		after = append(after, k.atStart[n-1])
	}
	if path == archiveKey {
		after = append(after, k.stanzas...) // or it would fail until they are there
	}
	keep(k.parameterAt(path), id, spec, after...)
	if slow {
		k.atStart = append(k.atStart, id)
	}
}

// startsWith tells whether some server takes a parameter at its start only.
func (c *cluster) startsWith(name string) bool {
	for _, m := range c.seen.Members {
		if _, ok := m.Settings[name]; ok {
			return true
		}
	}
	return false
}

// parameterAt is the line by which a key is what it is.
func (c *cluster) parameterAt(path string) token.Position {
	name := path[strings.LastIndexByte(path, '/')+1:]
	for written, v := range c.head().vars.Parameters {
		if strings.EqualFold(written, name) && strings.Contains(path, "parameters/") {
			return c.head().at(v.KeyPos())
		}
	}
	return c.head().pos(parameterOf(path))
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
