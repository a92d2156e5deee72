package fleet

import (
	"net/netip"

	"github.com/pigsync/pigsync/inventory"
)

// nodePorts are the ports of NODE.
type nodePorts struct {
	Exporter    bool      `var:"node_exporter_enabled" default:"true"`
	ExporterAt  int       `var:"node_exporter_port" default:"9100"`
	Vector      bool      `var:"vector_enabled" default:"true"`
	VectorAt    int       `var:"vector_port" default:"9598"`
	VIP         bool      `var:"vip_enabled"`
	VIPExporter int       `var:"vip_exporter_port" default:"9650"`
	HAProxy     bool      `var:"haproxy_enabled" default:"true"`
	HAProxyAt   int       `var:"haproxy_exporter_port" default:"9101"`
	Services    []service `var:"haproxy_services"`
	Docker      bool      `var:"docker_enabled"`
	DockerAt    int       `var:"docker_exporter_port" default:"9323"`
}

// service is what haproxy listens for, of nodes and of PostgreSQL.
type service struct {
	Name string                     `var:"name"`
	Port int                        `var:"port"`
	IP   string                     `var:"ip" default:"*"`
	Rest map[string]inventory.Value `var:"*"`
}

// infraPorts are the ports of INFRA.
type infraPorts struct {
	Nginx        bool   `var:"nginx_enabled" default:"true"`
	NginxAt      int    `var:"nginx_port" default:"80"`
	NginxSSLAt   int    `var:"nginx_ssl_port" default:"443"`
	SSLMode      string `var:"nginx_sslmode" default:"enable" enum:"disable,enable,enforce"`
	Exporter     bool   `var:"nginx_exporter_enabled" default:"true"`
	ExporterAt   int    `var:"nginx_exporter_port" default:"9113"`
	DNS          bool   `var:"dns_enabled" default:"true"`
	DNSAt        int    `var:"dns_port" default:"53"`
	Metrics      bool   `var:"vmetrics_enabled" default:"true"`
	MetricsAt    int    `var:"vmetrics_port" default:"8428"`
	Logs         bool   `var:"vlogs_enabled" default:"true"`
	LogsAt       int    `var:"vlogs_port" default:"9428"`
	Traces       bool   `var:"vtraces_enabled" default:"true"`
	TracesAt     int    `var:"vtraces_port" default:"10428"`
	Alert        bool   `var:"vmalert_enabled" default:"true"`
	AlertAt      int    `var:"vmalert_port" default:"8880"`
	Blackbox     bool   `var:"blackbox_enabled" default:"true"`
	BlackboxAt   int    `var:"blackbox_port" default:"9115"`
	Alertmanager bool   `var:"alertmanager_enabled" default:"true"`
	ManagerAt    int    `var:"alertmanager_port" default:"9059"`
	Grafana      bool   `var:"grafana_enabled" default:"true"`
	GrafanaAt    int    `var:"grafana_port" default:"3000"`
}

// etcdPorts are the ports of ETCD.
type etcdPorts struct {
	Cluster string `var:"etcd_cluster" default:"etcd"`
	Port    int    `var:"etcd_port" default:"2379"`
	PeerAt  int    `var:"etcd_peer_port" default:"2380"`
}

// pgPorts are the ports of PGSQL on a member.
type pgPorts struct {
	Cluster        string    `var:"pg_cluster"`
	Port           int       `var:"pg_port" default:"5432"`
	Patroni        bool      `var:"patroni_enabled" default:"true"`
	PatroniAt      int       `var:"patroni_port" default:"8008"`
	Bouncer        bool      `var:"pgbouncer_enabled" default:"true"`
	BouncerAt      int       `var:"pgbouncer_port" default:"6432"`
	Exporter       bool      `var:"pg_exporter_enabled" default:"true"`
	ExporterAt     int       `var:"pg_exporter_port" default:"9630"`
	BouncerMetrics bool      `var:"pgbouncer_exporter_enabled" default:"true"`
	BouncerExpAt   int       `var:"pgbouncer_exporter_port" default:"9631"`
	Backrest       bool      `var:"pgbackrest_exporter_enabled" default:"true"`
	BackrestAt     int       `var:"pgbackrest_exporter_port" default:"9854"`
	Provider       string    `var:"pg_service_provider"`
	Default        []service `var:"pg_default_services" default:"[{name: primary, port: 5433}, {name: replica, port: 5434}, {name: default, port: 5436}, {name: offline, port: 5438}]"`
	Services       []service `var:"pg_services"`
}

// redisPorts are the ports of REDIS.
type redisPorts struct {
	Cluster    string                  `var:"redis_cluster"`
	Mode       string                  `var:"redis_mode" default:"standalone"`
	Instances  map[int]inventory.Value `var:"redis_instances"`
	Exporter   bool                    `var:"redis_exporter_enabled" default:"true"`
	ExporterAt int                     `var:"redis_exporter_port" default:"9121"`
}

// minioPorts are the ports of MINIO.
type minioPorts struct {
	Cluster string `var:"minio_cluster"`
	Port    int    `var:"minio_port" default:"9000"`
	AdminAt int    `var:"minio_admin_port" default:"9001"`
}

// remote are the ports at which a host shows the metrics of servers elsewhere.
type remote struct {
	Exporters map[int]inventory.Value `var:"pg_exporters"`
}

// vips are the addresses that a host may hold beside its own.
type vips struct {
	Enabled   bool       `var:"vip_enabled"`
	Address   netip.Addr `var:"vip_address"`
	Cluster   string     `var:"pg_cluster"`
	PGEnabled bool       `var:"pg_vip_enabled"`
	PGAddress string     `var:"pg_vip_address"`
}
