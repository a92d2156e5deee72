package etcd

import (
	"net/netip"
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/resource"
)

// agrees reports what the inventory says of a living member and cannot become true by any change of
// that member: nothing is done then.
func (c *cluster) agrees() bool {
	ok := true
	for _, m := range c.members {
		for _, info := range c.seen.Members {
			if hostOf(info.PeerURL) == m.host.IP {
				ok = c.same(m, info) && ok
			}
		}
	}
	return ok
}

// same compares a member with what its host is on the cluster's list.
func (c *cluster) same(m *member, info resource.EtcdMemberInfo) bool {
	switch {
	case info.Name != "" && info.Name != m.name:
		c.Refusef(m.bound.Pos("etcd_seq"), CodeMoved, "etcd_seq: %s is member %s of the cluster, not %s: a member keeps its name; take it out of the group first",
			m.addr(), info.Name, m.name)
	case info.PeerURL != m.peerURL():
		c.Errorf(m.bound.Pos("etcd_peer_port"), CodeMoved, "etcd_peer_port: %s is on the cluster's list as %s: a member keeps its address; take it out of the group first",
			m.name, info.PeerURL)
	case info.Healthy && c.Known[m.dataID()].Err == nil && !c.hasData(m):
		c.Errorf(m.bound.Pos("etcd_data"), CodeMoved, "etcd_data: %s lives, and not in %s: data are not moved; take it out of the group first",
			m.name, m.vars.Data)
	default:
		return true
	}
	return false
}

// warn tells of members that nobody can join beside. What an earlier commit asked for is taken off
// the list by itself; what somebody else added is not.
func (c *cluster) warn(g *inventory.Group) {
	c.warnOfMix(g)
	for _, m := range c.members {
		for _, info := range c.departed() {
			if m.standing == barred && c.inTheWay(m, info) {
				c.Warnf(g.Pos, CodeInTheWay, "%s cannot join while %s is on the cluster's list: it is no host of this group", m.name, info.PeerURL)
			}
		}
	}
}

// warnOfMix tells of members on different releases of a system: their packages bring different
// versions of etcd, and 3.4 and 3.5 never form a new cluster together (seen with Debian 12 and 13).
func (c *cluster) warnOfMix(g *inventory.Group) {
	first := ""
	for _, m := range c.members {
		f, known := c.Facts(m.addr())
		system := f.Distro + " " + f.Release
		switch {
		case c.phase != bare || !known:
		case first == "":
			first = system
		case system != first:
			c.Warnf(g.Pos, CodeMixed, "members run %s and %s: different versions of etcd may never form a new cluster together", first, system)
			return
		}
	}
}

func hostOf(peerURL string) netip.Addr {
	_, addr, _ := strings.Cut(peerURL, "://")
	ap, _ := netip.ParseAddrPort(addr) // a name is nobody's address here
	return ap.Addr()
}
