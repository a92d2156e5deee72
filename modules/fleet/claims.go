package fleet

import (
	"fmt"
	"go/token"
	"maps"
	"slices"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
)

// claim is one program that wants a port of a node.
type claim struct {
	port    int
	ip      string // where it listens; * and nothing are everywhere
	name    string // the parameter
	pos     token.Position
	written bool   // the inventory says so; otherwise it is a default
	owner   string // whom an error stops
	file    string // of haproxy: two claims with the same file are one
}

// claimant gathers what one module claims on one host.
type claimant struct {
	host  *inventory.Host
	bound *inventory.Bound
	owner string
	list  []claim
}

func (c *claimant) add(enabled bool, name string, port int) {
	if enabled && port > 0 {
		c.list = append(c.list, claim{port: port, name: name, pos: c.bound.Pos(name), written: c.bound.Has(name), owner: c.owner})
	}
}

// services claims the ports of haproxy; prefix is what the names of their files begin with.
func (c *claimant) services(param, prefix string, list []service) {
	for i, s := range list {
		name := fmt.Sprintf("%s[%d].port", param, i)
		if s.Port <= 0 {
			continue
		}
		pos, label := c.bound.Pos(name), name
		if !c.bound.Has(param) {
			label = param + " (" + s.Name + ")"
		}
		c.list = append(c.list, claim{
			port: s.Port, ip: s.IP, name: label, pos: pos, written: c.bound.Has(param), owner: c.owner, file: prefix + s.Name,
		})
	}
}

func (c *claimant) bind(into any) { c.bound = inventory.Bind(c.host, into) }

// claimsOf are all claims of the modules on one host, but for services that others take over.
func claimsOf(h *inventory.Host) []claim {
	c := &claimant{host: h}
	c.node()
	if h.In("infra") {
		c.infra()
	}
	if h.In("etcd") {
		c.etcd()
	}
	if has(h, "redis_cluster") {
		c.redis()
	}
	if has(h, "minio_cluster") {
		c.minio()
	}
	if has(h, "pg_cluster") {
		c.pgsql()
	}
	if has(h, "pg_exporters") {
		c.remote()
	}
	return c.list
}

func has(h *inventory.Host, name string) bool {
	v, ok := h.Lookup(name)
	return ok && !v.IsNull()
}

func (c *claimant) node() {
	var v nodePorts
	c.bind(&v)
	c.owner = "node/" + c.host.Addr
	c.add(v.Exporter, "node_exporter_port", v.ExporterAt)
	c.add(v.Vector, "vector_port", v.VectorAt)
	c.add(v.VIP, "vip_exporter_port", v.VIPExporter)
	c.add(v.HAProxy, "haproxy_exporter_port", v.HAProxyAt)
	c.add(v.Docker, "docker_exporter_port", v.DockerAt)
	if v.HAProxy {
		c.services("haproxy_services", "", v.Services)
	}
}

func (c *claimant) infra() {
	var v infraPorts
	c.bind(&v)
	c.owner = "infra"
	c.add(v.Nginx, "nginx_port", v.NginxAt)
	c.add(v.Nginx && v.SSLMode != "disable", "nginx_ssl_port", v.NginxSSLAt)
	c.add(v.Exporter, "nginx_exporter_port", v.ExporterAt)
	c.add(v.DNS, "dns_port", v.DNSAt)
	c.add(v.Metrics, "vmetrics_port", v.MetricsAt)
	c.add(v.Logs, "vlogs_port", v.LogsAt)
	c.add(v.Traces, "vtraces_port", v.TracesAt)
	c.add(v.Alert, "vmalert_port", v.AlertAt)
	c.add(v.Blackbox, "blackbox_port", v.BlackboxAt)
	c.add(v.Alertmanager, "alertmanager_port", v.ManagerAt)
	c.add(v.Grafana, "grafana_port", v.GrafanaAt)
}

func (c *claimant) etcd() {
	var v etcdPorts
	c.bind(&v)
	c.owner = "etcd/" + v.Cluster
	c.add(true, "etcd_port", v.Port)
	c.add(true, "etcd_peer_port", v.PeerAt)
}

func (c *claimant) redis() {
	var v redisPorts
	c.bind(&v)
	c.owner = "redis/" + v.Cluster
	c.add(v.Exporter, "redis_exporter_port", v.ExporterAt)
	for _, port := range slices.Sorted(maps.Keys(v.Instances)) {
		name := fmt.Sprintf("redis_instances.%d", port)
		c.add(true, name, port)
		if v.Mode == "cluster" {
			c.list = append(c.list, claim{port: port + 10000, name: name + " (its bus)", pos: c.bound.Pos(name), written: true, owner: c.owner})
		}
	}
}

func (c *claimant) minio() {
	var v minioPorts
	c.bind(&v)
	c.owner = "minio/" + v.Cluster
	c.add(true, "minio_port", v.Port)
	c.add(true, "minio_admin_port", v.AdminAt)
}

func (c *claimant) pgsql() {
	var v pgPorts
	c.bind(&v)
	c.owner = "pgsql/" + v.Cluster
	c.add(true, "pg_port", v.Port)
	c.add(v.Patroni, "patroni_port", v.PatroniAt)
	c.add(v.Bouncer, "pgbouncer_port", v.BouncerAt)
	c.add(v.Exporter, "pg_exporter_port", v.ExporterAt)
	c.add(v.BouncerMetrics && v.Bouncer, "pgbouncer_exporter_port", v.BouncerExpAt)
	c.add(v.Backrest, "pgbackrest_exporter_port", v.BackrestAt)
	if v.Provider == "" {
		c.offered(&v)
	}
}

// offered claims the ports of a PostgreSQL cluster's services.
func (c *claimant) offered(v *pgPorts) {
	c.services("pg_default_services", v.Cluster+"-", v.Default)
	c.services("pg_services", v.Cluster+"-", v.Services)
}

// remote claims a port for each server elsewhere.
func (c *claimant) remote() {
	var v remote
	c.bind(&v)
	c.owner = "infra"
	for _, port := range slices.Sorted(maps.Keys(v.Exporters)) {
		c.add(true, fmt.Sprintf("pg_exporters.%d", port), port)
	}
}

// takenOver are the services of clusters that the hosts of a group offer in place of the members,
// by host. Each cluster is read once.
func takenOver(p *modules.Pass) map[string][]claim {
	by := map[string][]claim{}
	seen := map[string]bool{}
	for _, h := range p.Inventory.Hosts() {
		provider, _ := h.Lookup("pg_service_provider")
		cluster, _ := h.Lookup("pg_cluster")
		group := p.Inventory.Group(provider.String())
		if group == nil || cluster.IsNull() || seen[cluster.String()] {
			continue
		}
		seen[cluster.String()] = true
		var v pgPorts
		c := &claimant{host: h, owner: "pgsql/" + cluster.String()}
		c.bind(&v)
		c.offered(&v)
		for _, balancer := range group.Hosts() {
			by[balancer.Addr] = append(by[balancer.Addr], c.list...)
		}
	}
	return by
}
