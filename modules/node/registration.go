package node

import (
	"net/netip"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/register"
	"github.com/pigsync/pigsync/resource"
)

// registration tells the hosts of INFRA of the node: what shows metrics on it, and that it can be reached.
func (c *compiler) registration() {
	if c.called() == "" {
		return // nobody knows yet what it is called
	}
	pos, labels := c.host.Pos, map[string]string{"ip": c.host.Addr, "ins": c.called(), "cls": c.vars.cluster()}
	targets, after := c.shown()
	if len(targets) > 0 {
		register.Target(c.Pass, pos, "node", c.host.Addr, []register.Group{{Labels: labels, Targets: targets}}, after...)
	}
	register.Target(c.Pass, pos, "ping", c.host.Addr, []register.Group{{Labels: labels, Targets: []string{c.host.Addr}}})
	if c.vars.DockerEnabled {
		engine := []register.Group{{Labels: labels, Targets: []string{c.at(c.vars.DockerExporter)}}}
		register.Target(c.Pass, pos, "docker", c.host.Addr, engine, modules.UnitOf("docker", c.host.Addr))
	}
	if len(c.sharers) > 0 {
		vip := c.vars.VIPAddress.String()
		own := map[string]string{"ip": c.host.Addr, "ins": c.called(), "cls": c.vars.cluster(), "vip": vip, "job": "node-vip"}
		register.Target(c.Pass, pos, "ping", vip+"---"+c.host.Addr, []register.Group{{Labels: own, Targets: []string{vip}}})
	}
}

// shown are the ports of the node with metrics, and the units that show them.
func (c *compiler) shown() (targets []string, after []resource.ID) {
	for _, s := range []struct {
		runs  bool
		port  int
		units []string
	}{
		{c.vars.ExporterEnabled, c.vars.ExporterPort, []string{"node_exporter", "prometheus-node-exporter"}},
		{c.vars.HAProxyEnabled, c.vars.HAProxyPort, []string{"haproxy"}},
		{c.vars.VectorEnabled, c.vars.VectorPort, []string{"vector", "promtail"}},
	} {
		if !s.runs {
			continue
		}
		targets = append(targets, c.at(s.port))
		for _, name := range s.units {
			if unit := modules.UnitOf(name, c.host.Addr); c.Declared(unit) {
				after = append(after, unit)
			}
		}
	}
	return targets, after
}

// at is a port of the node; ports were checked when they were bound.
func (c *compiler) at(port int) string {
	return netip.AddrPortFrom(c.host.IP, uint16(port)).String() //nolint:gosec // see above
}
