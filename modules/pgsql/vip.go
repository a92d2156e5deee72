package pgsql

import (
	"net/netip"
)

// vip is the virtual address of the cluster's leader, and the member that says so; not ok without one.
func (c *cluster) vip() (vip netip.Prefix, m *member, ok bool) {
	m = c.head()
	if !m.vars.VIPEnabled {
		return vip, m, false
	}
	vip, err := netip.ParsePrefix(m.vars.VIPAddress)
	return vip, m, err == nil
}

// checkVIP judges the leader's virtual address by itself and beside the hosts.
func (c *cluster) checkVIP() {
	m := c.head()
	if !m.vars.VIPEnabled {
		return
	}
	pos := m.pos("pg_vip_address")
	vip, _, ok := c.vip()
	switch {
	case !ok:
		c.Errorf(pos, CodeBadVIP, "pg_vip_address: want an address with the length of its mask such as 10.10.10.2/24, got %q", m.vars.VIPAddress)
	case vip.Addr().IsLoopback() || vip.Addr().IsUnspecified() || vip.Addr().IsMulticast():
		c.Errorf(pos, CodeBadVIP, "pg_vip_address: %s is no address that the leader can keep: want one of the hosts' network", vip)
	case edge(vip):
		c.Errorf(pos, CodeBadVIP, "pg_vip_address: %s is the first or last address of its network: want one between them, or another mask", vip)
	case c.fleet.Inventory.Host(vip.Addr().String()) != nil:
		c.Errorf(pos, CodeTakenVIP, "pg_vip_address: %s is a host of the inventory (%s): want an address that nobody has",
			vip.Addr(), place(c.fleet.Inventory.Host(vip.Addr().String()).Pos))
	default:
		c.checkReach(m, vip)
	}
}

// edge tells whether the address is the one of the network itself, or of everybody in it.
func edge(vip netip.Prefix) bool {
	a := vip.Addr()
	if !a.Is4() || vip.Bits() > 30 {
		return false
	}
	return a == vip.Masked().Addr() || !vip.Contains(a.Next())
}

// checkReach wants every member in the network of the address; a mask of the full length names no network.
func (c *cluster) checkReach(m *member, vip netip.Prefix) {
	if vip.IsSingleIP() {
		return
	}
	for _, o := range c.members {
		if o.host.IP.Is4() == vip.Addr().Is4() && !vip.Contains(o.host.IP) {
			c.Errorf(m.pos("pg_vip_address"), CodeFarVIP, "pg_vip_address: %s is not in the network of %s, so nobody would reach it there", vip, o.addr())
			return
		}
	}
	if vip.Addr().Is4() && vip.Bits() < 8 {
		c.Warnf(m.pos("pg_vip_address"), CodeBadVIP, "pg_vip_address: %s makes half the world a neighbour: want the mask of the hosts' network", vip)
	}
}

// checkVIPs finds one address in two clusters.
func (f *fleet) checkVIPs() {
	first := map[netip.Addr]*cluster{}
	for _, c := range f.clusters {
		vip, m, ok := c.vip()
		if !ok || !c.bound("pg_vip_address", "pg_vip_enabled") || vip.Addr().IsLoopback() {
			continue
		}
		if other := first[vip.Addr()]; other != nil {
			c.Errorf(m.pos("pg_vip_address"), CodeSameVIP, "pg_vip_address: %s is already the address of %s (%s): two leaders would answer to it",
				vip.Addr(), other.name, place(other.head().pos("pg_vip_address")))
			continue
		}
		first[vip.Addr()] = c
	}
}
