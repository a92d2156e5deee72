package pgsql

import (
	"fmt"
	"go/token"

	"github.com/pigsync/pigsync/inventory"
)

// claim is a port that something on a host listens on.
type claim struct {
	port   int
	ip     string // * for all
	what   string
	pos    token.Position
	own    bool // written in the inventory, rather than a default
	speaks *cluster
}

// clashes tells whether both cannot listen at once.
func (a claim) clashes(b claim) bool {
	return a.port == b.port && (a.ip == b.ip || a.ip == "*" || b.ip == "*")
}

// checkPorts finds two things on one port of a host, also of different clusters.
func (f *fleet) checkPorts() {
	byHost := map[*inventory.Host][]claim{}
	for _, c := range f.clusters {
		for _, m := range c.members {
			byHost[m.host] = append(byHost[m.host], c.listens(m)...)
		}
		for _, h := range c.balancers() {
			byHost[h] = append(byHost[h], c.served()...)
		}
	}
	said := map[string]bool{}
	for _, h := range f.Inventory.Hosts() {
		claims := byHost[h]
		if len(claims) == 0 {
			continue
		}
		claims = append(haproxyClaims(h), claims...)
		for i, b := range claims {
			for _, a := range claims[:i] {
				if a.clashes(b) {
					clash(h, a, b, said)
				}
			}
		}
	}
}

// clash reports two claims, at the one that somebody wrote, once for all hosts.
func clash(h *inventory.Host, a, b claim, said map[string]bool) {
	if b.speaks == nil || a.own && !b.own && a.speaks != nil {
		a, b = b, a
	}
	if b.speaks == nil {
		return // both are of the node
	}
	key := a.pos.String() + b.pos.String()
	if said[key] {
		return
	}
	said[key] = true
	b.speaks.Errorf(b.pos, CodePort, "%s: port %d of %s is already that of %s (%s)", b.what, b.port, h.Addr, a.what, place(a.pos))
}

// listens are the ports of a member itself.
func (c *cluster) listens(m *member) (all []claim) {
	v := &m.vars
	for _, p := range []struct {
		name string
		port int
		runs bool
	}{
		{"pg_port", v.Port, true}, {"patroni_port", v.PatroniPort, v.PatroniEnabled}, {"pgbouncer_port", v.PoolPort, v.PoolEnabled},
		{"pg_exporter_port", v.ExporterPort, v.ExporterEnabled}, {"pgbouncer_exporter_port", v.PoolExporterPort, v.PoolExporterEnabled},
		{"pgbackrest_exporter_port", v.BackupExporterPort, v.BackupExporterEnabled && v.BackupEnabled},
	} {
		if p.runs && !m.bad[p.name] {
			all = append(all, claim{p.port, "*", p.name, m.pos(p.name), m.bound.Has(p.name), c})
		}
	}
	return all
}

// balancers are the hosts with the cluster's services.
func (c *cluster) balancers() (all []*inventory.Host) {
	if g := c.head().vars.Provider; g != "" {
		return c.fleet.providers(g)
	}
	for _, m := range c.members {
		if m.around.HAProxy {
			all = append(all, m.host)
		}
	}
	return all
}

// served are the ports of the services.
func (c *cluster) served() (all []claim) {
	m := c.head()
	for i, list := range [][]Service{m.vars.DefaultServices, m.vars.Services} {
		for _, s := range list {
			if s.Port > 0 {
				all = append(all, claim{s.Port, s.IP, fmt.Sprintf("service %s of %s", s.Name, c.name), m.at(s.Pos), i == 1 || m.bound.Has("pg_default_services"), c})
			}
		}
	}
	return all
}

// haproxyClaims are the ports that the load balancer of a host has by itself.
func haproxyClaims(h *inventory.Host) (all []claim) {
	var v struct {
		Enabled  bool            `var:"haproxy_enabled" default:"true"`
		Port     int             `var:"haproxy_exporter_port" default:"9101" kind:"port"`
		Services inventory.Value `var:"haproxy_services"`
	}
	b := inventory.Bind(h, &v)
	if !v.Enabled || !b.OK() {
		return nil
	}
	all = append(all, claim{v.Port, "*", "haproxy_exporter_port", b.Pos("haproxy_exporter_port"), b.Has("haproxy_exporter_port"), nil})
	items, _ := v.Services.List()
	for _, item := range items {
		var s struct {
			Name string                     `var:"name"`
			Port int                        `var:"port"`
			IP   string                     `var:"ip" default:"*"`
			Rest map[string]inventory.Value `var:"*"`
		}
		if item.Kind() == inventory.Map && inventory.Bind(item, &s).OK() {
			all = append(all, claim{s.Port, s.IP, "haproxy service " + s.Name, item.Pos, true, nil})
		}
	}
	return all
}
