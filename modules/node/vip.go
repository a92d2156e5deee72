package node

import (
	"net/netip"
)

// checkVIPs reports what is wrong with the addresses that nodes share.
func checkVIPs(cs []*compiler) {
	var addrs []netip.Addr // in the order of the hosts
	peers := map[netip.Addr][]*compiler{}
	for _, c := range cs {
		if !c.vars.VIPEnabled || !c.complete() {
			continue
		}
		addr := c.vars.VIPAddress
		if peers[addr] == nil {
			addrs = append(addrs, addr)
		}
		peers[addr] = append(peers[addr], c)
	}
	routers := map[router]*compiler{}
	for _, addr := range addrs {
		group := peers[addr]
		agree(group)
		masters(group)
		near(group)
		for _, c := range group {
			c.alone(routers)
		}
	}
}

// complete wants an address and a router number wherever the sharing is switched on.
func (c *compiler) complete() bool {
	if !c.vars.VIPAddress.IsValid() {
		c.Errorf(c.bound.Pos("vip_enabled"), CodeNoVIP, "vip_enabled: there is no vip_address to share")
		return false
	}
	if c.vars.VRID == 0 {
		c.Errorf(c.bound.Pos("vip_enabled"), CodeNoVIP, "vip_enabled: there is no vip_vrid: want a number of 1 to 254 that no other virtual router of the network has")
		return false
	}
	c.checkAuth()
	return true
}

// agree wants the peers to be one virtual router: otherwise each side takes the address.
func agree(group []*compiler) {
	first := group[0]
	for _, c := range group[1:] {
		switch {
		case c.vars.VRID != first.vars.VRID:
			c.Errorf(c.bound.Pos("vip_vrid"), CodePeers, "vip_vrid: %d here and %d at %s, which shares the address %s",
				c.vars.VRID, first.vars.VRID, first.host.Addr, c.vars.VIPAddress)
		case !c.vars.VIPAuthPass.Equal(first.vars.VIPAuthPass):
			c.Errorf(c.bound.Pos("vip_auth_pass"), CodePeers, "vip_auth_pass: is another one than at %s, which shares the address %s",
				first.host.Addr, c.vars.VIPAddress)
		case c.vars.VIPAuthPass.IsZero() && c.vars.cluster() != first.vars.cluster():
			c.Errorf(c.clusterPos(), CodePeers, "vip_address: %s is shared with %s of another node_cluster (%s here, %s there): want one node_cluster, or a vip_auth_pass",
				c.vars.VIPAddress, first.host.Addr, c.vars.cluster(), first.vars.cluster())
		}
	}
}

func masters(group []*compiler) {
	var first *compiler
	for _, c := range group {
		switch {
		case c.vars.VIPRole != "master":
		case first == nil:
			first = c
		default:
			c.Warnf(c.bound.Pos("vip_role"), CodeMasters, "vip_role: %s is already the master of %s (%s)",
				first.host.Addr, c.vars.VIPAddress, first.bound.Pos("vip_role"))
		}
	}
}

// near wonders about an address whose network none of the hosts can be in. The inventory does not
// say how large networks are: half an address is what there is to go by.
func near(group []*compiler) {
	const v4, v6 = 16, 48
	c := group[0]
	vip := c.vars.VIPAddress
	for _, c := range group {
		bits := v4
		if vip.Is6() {
			bits = v6
		}
		if sameNetwork(vip, c.host.IP, bits) {
			return
		}
	}
	c.Warnf(c.bound.Pos("vip_address"), CodeFarVIP, "vip_address: %s is far from the network of %s, which shares it", vip, c.host.Addr)
}

func sameNetwork(a, b netip.Addr, bits int) bool {
	p, err := a.Prefix(bits)
	return err == nil && p.Contains(b)
}

// router is a number in a network.
type router struct {
	vrid    int
	network netip.Prefix
}

// alone wants the router number for one address of a network only. Addresses that differ in the
// last byte alone are surely in one network; of others nothing can be told.
func (c *compiler) alone(routers map[router]*compiler) {
	bits := 24
	if c.vars.VIPAddress.Is6() {
		bits = 64
	}
	network, _ := c.vars.VIPAddress.Prefix(bits) // cannot fail: the bits fit
	key := router{c.vars.VRID, network}
	other := routers[key]
	if other == nil {
		routers[key] = c
		return
	}
	if other.vars.VIPAddress != c.vars.VIPAddress {
		c.Errorf(c.bound.Pos("vip_vrid"), CodeVRID, "vip_vrid: %d is already the number of the router with %s (%s)",
			c.vars.VRID, other.vars.VIPAddress, other.bound.Pos("vip_vrid"))
	}
}
