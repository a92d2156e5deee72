package pgsql

import (
	"net/netip"
	"slices"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/register"
	"github.com/pigsync/pigsync/resource"
)

// registration tells the hosts of INFRA of the cluster.
func (c *cluster) registration() {
	for _, m := range c.members {
		i := instance{c, m}
		i.registerTargets()
		register.Record(c.Pass, i.here(), m.name(), m.addr(), m.name())
	}
	if to, pos := c.named(); to != "" {
		register.Record(c.Pass, c.head().at(c.head().pos(pos)), c.name, to, c.name+c.head().vars.DNSSuffix)
	}
	register.Sources(c.Pass, c.head().pos("pg_cluster"), c.name, c.sources())
}

// registerTargets names what there is to fetch of a member, once its exporters run. A Patroni that speaks
// TLS is asked by somebody else, who has the authority's certificate.
func (i *instance) registerTargets() {
	labels := map[string]string{"ip": i.addr(), "ins": i.member.name(), "cls": i.cluster.name}
	var targets []string
	var after []resource.ID
	for _, e := range i.exporters() {
		if unit := modules.UnitOf(e.unit, i.addr()); i.Declared(unit) {
			targets, after = append(targets, join(i.host.IP, e.port)), append(after, unit)
		}
	}
	patroni := []register.Group{{Labels: map[string]string{"job": "pgsql"}, Targets: []string{join(i.host.IP, i.vars.PatroniPort)}}}
	for name, value := range labels {
		patroni[0].Labels[name] = value
	}
	if i.vars.PatroniSSL {
		register.Target(i.Pass, i.here(), "patroni", i.member.name(), patroni)
	} else {
		targets = append(targets, patroni[0].Targets...)
	}
	if len(targets) > 0 {
		register.Target(i.Pass, i.here(), "pgsql", i.member.name(), []register.Group{{Labels: labels, Targets: targets}}, after...)
	}
	if vip, _, ok := i.vip(); ok {
		own := map[string]string{"vip": vip.Addr().String(), "job": "pgsql-vip"}
		for name, value := range labels {
			own[name] = value
		}
		register.Target(i.Pass, i.here(), "ping", vip.Addr().String()+"---"+i.addr(), []register.Group{{Labels: own, Targets: []string{vip.Addr().String()}}})
	}
}

// named is what the cluster's name stands for, and the parameter that says so. It does not follow a
// failover: what should is the leader's virtual address.
func (c *cluster) named() (address, param string) {
	v := &c.head().vars
	vip, _, there := c.vip()
	switch target := v.DNSTarget; {
	case target == "none":
		return "", ""
	case (target == "auto" || target == "vip") && there:
		return vip.Addr().String(), "pg_vip_address"
	case target == "auto" || target == "primary":
		return c.primary().addr(), "pg_cluster"
	default:
		if a, err := netip.ParseAddr(target); err == nil {
			return a.String(), "pg_dns_target"
		}
	}
	return "", ""
}

// sources are the databases that dashboards read, on every member: the main one and those of the inventory.
func (c *cluster) sources() (all []register.Database) {
	names := []string{"postgres"}
	for _, d := range c.databases() {
		if d.State != "absent" && d.Datasource && !slices.Contains(names, d.Name) {
			names = append(names, d.Name)
		}
	}
	for _, m := range c.members {
		v := &m.vars
		for _, name := range names {
			all = append(all, register.Database{
				Name: m.name() + "." + name, Address: join(m.host.IP, v.Port), Database: name,
				User: v.MonitorUser, Password: v.MonitorPassword.Reveal(), Major: v.Version,
			})
		}
	}
	return all
}
