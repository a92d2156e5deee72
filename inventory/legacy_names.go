package inventory

import (
	"strings"
	"sync"
)

// oldName is a parameter that v4.5 does not know any more.
type oldName struct {
	to         string     // what it is called now; empty when it was dropped
	convert    conversion // when the value is written in another way; nil when not
	note       string     // why its value cannot be carried over, and what to do
	since      string     // the release that dropped it
	group      bool       // it is expressed by being in a group now
	safeguard  bool       // of several that set it, one that protects is enough
	ignored    bool       // no release ever read it: a slip in a sample
	stillKnown bool       // some v4 knew it
}

// conversion returns a value as it is written now, and the edits that write it so; ok is false when
// there is no way to say the same. It returns its argument when nothing has to change.
type conversion func(*node) (value *node, edits []Edit, ok bool)

// oldNames returns every name that an earlier release had, from the table of parameters.
var oldNames = sync.OnceValue(func() map[string]oldName {
	names := map[string]oldName{}
	for _, p := range Parameters() {
		if !p.Legacy() {
			continue
		}
		to := strings.TrimPrefix(strings.TrimPrefix(p.Status, "legacy"), ":")
		old := oldName{to: to, since: "v2", group: strings.HasPrefix(to, "group:")}
		if since := droppedLater[p.Name]; since != "" {
			old.since = since
		}
		if strings.HasPrefix(p.Name, "mongo_") {
			old.since, old.stillKnown = "v4.5", true
		}
		names[p.Name] = old
	}
	for name, way := range conversions {
		old := names[name]
		old.convert, old.safeguard = way, strings.HasSuffix(old.to, "_safeguard")
		names[name] = old
	}
	for name, note := range notCarried {
		old := names[name]
		old.note = note
		old.ignored = strings.HasPrefix(note, "no release")
		names[name] = old
	}
	return names
})

// droppedLater names what later releases than v2 dropped. The switches of the playbooks were no
// parameters, and are not told apart.
var droppedLater = map[string]string{
	"prometheus_sd_dir": "v4", "pushgateway_enabled": "v4", "pushgateway_options": "v4", "exporter_install": "v4",
	"exporter_repo_url": "v4", "grafana_plugin_cache": "v3.2", "grafana_plugin_list": "v3.2", "cache_gf_plugin": "v3.2",
	"pg_exists": "v4.5", "pg_cert_exists": "v4.5", "etcd_exists": "v4", "redis_exists": "v4",
}

const (
	otherStore   = "it set up a program that v4 has replaced, and its value means nothing to "
	neverRead    = "no release has read it; write "
	otherDefault = "its list had other fields than "
)

// notCarried says why a value is not taken over although the parameter has a successor.
var notCarried = map[string]string{
	"loki_data":              otherStore + "infra_data",
	"loki_data_dir":          otherStore + "infra_data",
	"loki_options":           otherStore + "vlogs_options",
	"loki_retention":         otherStore + "vlogs_options, where -retentionPeriod says how long logs are kept",
	"loki_endpoint":          otherStore + "vector_log_endpoint",
	"prometheus_data":        otherStore + "infra_data",
	"prometheus_data_dir":    otherStore + "infra_data",
	"prometheus_options":     otherStore + "vmetrics_options, where -retentionPeriod says how long metrics are kept",
	"prometheus_sd_interval": otherStore + "vmetrics_options",
	"promtail_send_url":      otherStore + "vector_log_endpoint",
	"promtail_positions":     otherStore + "vector_data",
	"promtail_status_file":   otherStore + "vector_data",
	"grafana_database":       "where Grafana keeps its state is the address in grafana_pgurl now",
	"nginx_upstream":         otherDefault + "infra_portal",
	"nginx_navbar":           "its links lead to programs that v4 has replaced; write yours in infra_extra_services",
	"nginx_indexes":          otherDefault + "infra_extra_services",
	"app_list":               otherDefault + "infra_extra_services",
	"repo_upstreams":         otherDefault + "repo_upstream, which wants a module and releases for each",
	"node_local_repo_url":    "which repositories a node uses is said by node_repo_modules now",
	"node_repo_local_urls":   "which repositories a node uses is said by node_repo_modules now",
	"dcs_name":               "clusters keep their state in the group etcd now, and etcd_cluster is the name of that group",
	"dns_selector":           "what the name of a cluster leads to is said by pg_dns_target now",
	"supa_config":            otherDefault + "apps",
	"kafka_peer_port":        neverRead + "kafka_controller_port if that is meant",
	"node_conf":              neverRead + "node_tune if that is meant",
	"pg_default_version":     neverRead + "pg_version if that is meant",
	"vtrace_enabled":         neverRead + "vtraces_enabled if that is meant",
	"node_name_exchange":     neverRead + "nodename_exchange if that is meant",
}

// conversions are the values that are written in another way now.
var conversions = map[string]conversion{
	"node_disable_firewall": fromBool("off", "none"),
	"node_disable_selinux":  fromBool("permissive", ""),
	"pg_exists_action":      fromAction,
	"pg_disable_purge":      toBool,
	"dcs_exists_action":     fromAction,
	"dcs_disable_purge":     toBool,
	"dcs_safeguard":         toBool,
	"redis_exists_action":   fromAction,
	"redis_disable_purge":   toBool,
	"ca_method":             fromWords(map[string]any{"create": true, "copy": false}),
	"ca_subject":            fromSubject,
	"dns_mode":              fromWords(map[string]any{"vip": "vip"}),
	"node_repo_method":      fromWords(map[string]any{"local": "local"}),
	"vip_mode":              fromWords(map[string]any{"l2": true, "none": false}),
	"pg_services_extra":     fromServices,
}
