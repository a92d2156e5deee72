package pgsql

import (
	"go/token"
	"net/netip"
	"strings"

	"github.com/pigsync/pigsync/resource"
)

// checkUpstream wants everybody to follow somebody who can be followed.
func (c *cluster) checkUpstream() {
	for _, m := range c.members {
		switch up := m.vars.Up; {
		case !up.IsValid():
			continue
		case up == m.host.IP:
			c.Errorf(m.pos("pg_upstream"), CodeCircle, "pg_upstream: %s is this host itself", up)
		case m.vars.Role == "primary":
			c.checkStandby(m, up)
		case !c.has(up):
			c.Errorf(m.pos("pg_upstream"), CodeUpstream, "pg_upstream: %s is no member of %s%s: a replica follows a member of its own cluster", up, c.name, c.fleet.whose(up))
		default:
			c.checkCascade(m)
		}
	}
}

// whose tells where else in the inventory an address is.
func (f *fleet) whose(a netip.Addr) string {
	switch m := f.byAddr[a]; {
	case m != nil:
		return ", but of " + m.vars.Cluster
	case f.Inventory.Host(a.String()) != nil:
		return ", but a host without PostgreSQL"
	}
	return ", and not in the inventory"
}

// checkCascade wants the way up from m to end at somebody who follows the leader.
func (c *cluster) checkCascade(m *member) {
	seen := map[netip.Addr]bool{m.host.IP: true}
	names := []string{m.addr()}
	for at := c.fleet.byAddr[m.vars.Up]; at != nil && at.vars.Role != "primary" && at.vars.Up.IsValid(); at = c.fleet.byAddr[at.vars.Up] {
		names = append(names, at.addr())
		if seen[at.host.IP] {
			return // another circle, which its own members report
		}
		if seen[at.host.IP] = true; at.vars.Up == m.host.IP {
			c.Errorf(m.pos("pg_upstream"), CodeCircle, "pg_upstream: %s follow each other in a circle: nobody of them follows the leader", strings.Join(names, ", "))
			return
		}
	}
}

// checkStandby looks at the leader of a standby cluster, whose upstream may be anywhere.
func (c *cluster) checkStandby(m *member, up netip.Addr) {
	pos := m.pos("pg_upstream")
	above := c.fleet.clusterAt(up)
	switch {
	case above == c:
		c.Errorf(pos, CodeUpstream, "pg_upstream: %s is a member of %s itself: a primary that follows one makes a standby of another cluster", up, c.name)
	case above != nil:
		c.checkStandbyCircle(pos, above)
	case c.fleet.Inventory.Host(up.String()) != nil:
		c.Errorf(pos, CodeUpstream, "pg_upstream: %s has no PostgreSQL: want the address of a member of another cluster", up)
	default:
		c.Warnf(pos, CodeUpstream, "pg_upstream: %s is not in the inventory: %s will follow a cluster nobody here takes care of", up, c.name)
	}
}

// clusterAt is the cluster with the address, as a member's or as the leader's virtual one.
func (f *fleet) clusterAt(a netip.Addr) *cluster {
	for _, c := range f.clusters {
		if vip, _, ok := c.vip(); c.has(a) || ok && vip.Addr() == a {
			return c
		}
	}
	return nil
}

func (c *cluster) checkStandbyCircle(pos token.Position, above *cluster) {
	names := []string{c.name}
	seen := map[*cluster]bool{}
	for at := above; at != nil && at.standby() && !seen[at]; at = c.fleet.clusterAt(at.primary().vars.Up) {
		seen[at] = true
		names = append(names, at.name)
		if c.fleet.clusterAt(at.primary().vars.Up) == c {
			c.Errorf(pos, CodeCircle, "pg_upstream: the clusters %s follow each other in a circle: none of them takes writes", strings.Join(names, ", "))
			return
		}
	}
}

// inOrder are the clusters, and each that follows another one after that.
func (f *fleet) inOrder() (all []*cluster) {
	done := map[*cluster]bool{}
	var visit func(*cluster)
	visit = func(c *cluster) {
		if c == nil || done[c] {
			return
		}
		done[c] = true
		visit(c.above())
		all = append(all, c)
	}
	for _, c := range f.clusters {
		visit(c)
	}
	return all
}

// above is the cluster of the inventory that this one follows; nil when there is none.
func (c *cluster) above() *cluster {
	if !c.standby() {
		return nil
	}
	return c.fleet.clusterAt(c.primary().vars.Up)
}

// source is what must stand before a standby cluster can be made: the member of the other cluster that was
// made first. Where nobody takes care of that one it is not waited for.
func (c *cluster) source() []resource.ID {
	up := c.above()
	if up == nil || up.primary() == nil {
		return nil
	}
	gate := resource.ID{Kind: resource.KindPGHealth, Name: up.primary().name(), At: up.primary().addr()}
	if !c.Declared(gate) {
		return nil
	}
	return []resource.ID{gate}
}

// checkDelay wants a delay only where Patroni looks at it.
func (c *cluster) checkDelay() {
	for _, m := range c.views("pg_delay") {
		if m.vars.Delay > 0 && !c.standby() {
			c.Warnf(m.pos("pg_delay"), CodeDelay, "pg_delay: %s is no standby cluster, so nothing is delayed: want pg_upstream at its primary", c.name)
		}
	}
}
