package node

import (
	"fmt"
	"maps"
	"slices"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

// Leaving is what a node gives back beyond its units and files when it leaves the inventory. Pigsty has no
// such parameters for a node; they are named after those of its other modules.
type Leaving struct {
	RemovePackages bool `var:"node_rm_pkg" default:"false" doc:"When the node leaves the inventory, remove the packages that pigsync has installed there."`
	RemoveUsers    bool `var:"node_rm_user" default:"false" doc:"When the node leaves the inventory, remove the accounts that pigsync has made there, with their keys and rights."`
	RemoveData     bool `var:"node_rm_data" default:"false" doc:"When the node leaves the inventory, delete node_data with all that is in it, if pigsync has made it."`
}

// asked are the kinds that are kept for good unless the node leaves and its lines say otherwise.
func (l Leaving) asked() (kinds []resource.Kind) {
	if l.RemovePackages {
		kinds = append(kinds, resource.KindPackage)
	}
	if l.RemoveUsers {
		kinds = append(kinds, resource.KindUser, resource.KindGroup)
	}
	return kinds
}

// data wants the directory that all modules keep their data below.
func (c *compiler) data() {
	pos, p := c.bound.Pos("node_data"), *c.Pass
	if c.vars.RemoveData {
		p.Asked = append(slices.Clip(p.Asked), resource.KindDir)
	}
	spec := resource.Dir{Mode: 0o755, Owner: "root", Group: "root", Data: c.vars.RemoveData}
	p.Keep(pos, modules.DirOf(c.vars.Data, c.host.Addr), spec, c.Parents(pos, c.host.Addr, c.vars.Data)...)
}

// tenants are the services of other modules on the node, as far as the inventory tells. It cannot be taken
// back from under them.
func (c *compiler) tenants() (all []resource.Tenant) {
	for _, m := range lodgers {
		owner, units := m(c.host)
		for _, name := range units {
			all = append(all, resource.Tenant{Owner: owner, Unit: modules.UnitOf(name, c.host.Addr)})
		}
	}
	return all
}

// lodgers tell for each module who of it is on a host, and by which units that is seen.
var lodgers = []func(*inventory.Host) (owner string, units []string){etcdOn, pgsqlOn, redisOn, minioOn, infraOn}

func etcdOn(h *inventory.Host) (string, []string) {
	if !h.In("etcd") {
		return "", nil
	}
	var v struct {
		Cluster string `var:"etcd_cluster" default:"etcd"`
	}
	inventory.Bind(h, &v)
	return "etcd/" + v.Cluster, []string{"etcd"}
}

func pgsqlOn(h *inventory.Host) (string, []string) {
	return "pgsql/" + said(h, "pg_cluster"), when(said(h, "pg_cluster") != "", "patroni", "postgres", "pgbouncer")
}

func minioOn(h *inventory.Host) (string, []string) {
	return "minio/" + said(h, "minio_cluster"), when(said(h, "minio_cluster") != "", "silo", "minio")
}

func infraOn(h *inventory.Host) (string, []string) {
	return "infra", when(h.In("infra"), "nginx", "grafana-server", "vmetrics", "vlogs", "vmalert", "prometheus", "alertmanager", "dnsmasq")
}

// redisOn has one unit an instance, named after the cluster, the node and the port.
func redisOn(h *inventory.Host) (string, []string) {
	cluster := said(h, "redis_cluster")
	if cluster == "" {
		return "", nil
	}
	var v struct {
		Node      int                     `var:"redis_node"`
		Instances map[int]inventory.Value `var:"redis_instances"`
	}
	inventory.Bind(h, &v)
	var units []string
	for _, port := range slices.Sorted(maps.Keys(v.Instances)) {
		units = append(units, fmt.Sprintf("%s-%d-%d", cluster, v.Node, port))
	}
	return "redis/" + cluster, units
}

// said is what the inventory says a parameter of a host is, "" for nothing.
func said(h *inventory.Host, name string) string {
	if v, ok := h.Lookup(name); ok && !v.IsNull() {
		return v.String()
	}
	return ""
}

func when(holds bool, names ...string) []string {
	if !holds {
		return nil
	}
	return names
}
