package pgsql

import "github.com/pigsync/pigsync/inventory"

// checkRule wants a cluster that Patroni keeps, with etcd behind it. Of any other nothing is changed: to
// take one for what it is not would turn a living cluster over.
func (c *cluster) checkRule() {
	if m := c.head(); m.vars.PatroniMode == "remove" {
		c.Errorf(m.pos("patroni_mode"), CodeOther, "patroni_mode: remove leaves %s without Patroni, whom pigsync asks who leads: want default or pause; as it stands nothing of %s is changed", c.name, c.name)
	}
	for _, m := range c.members {
		for _, name := range []string{"dcs_type", "pg_dcs_type"} {
			v, ok := m.host.Lookup(name)
			if !ok || v.Unevaluated() || v.Kind() != inventory.String || v.String() != "consul" {
				continue
			}
			c.Errorf(v.KeyPos(), CodeOther, "%s: Patroni of %s keeps its leader in Consul, as before Pigsty 2; pigsync knows etcd only: want %s on etcd and this line removed; until then nothing of it is changed", name, c.name, c.name)
			return
		}
	}
}
