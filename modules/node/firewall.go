package node

import (
	"net/netip"
	"slices"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

// sshPort is where the hand comes in unless the inventory says otherwise.
const sshPort = 22

// firewall lets in the networks that are trusted, and everybody at a few ports. Which tool is in charge
// the node knows. Debian has one that works without being asked by another package: nftables.
func (c *compiler) firewall(repos []resource.ID) {
	if c.vars.FirewallMode == "none" {
		return
	}
	pos, node := c.bound.Pos("node_firewall_mode"), c.host.Addr
	id := resource.ID{Kind: resource.KindFirewall, Name: "node", At: node}
	if c.vars.FirewallMode == "off" {
		c.Tend(pos, id, resource.NoFirewall())
		return
	}
	tool := "nftables"
	if c.facts.Packages == "rpm" {
		tool = "firewalld" // which brings nftables along
	}
	var trusted []string
	for _, network := range c.vars.Intranet {
		trusted = append(trusted, network.Masked().String())
	}
	after := []resource.ID{c.install(pos, tool, repos)}
	for _, other := range []string{"ufw", "firewalld"} {
		if pkg := modules.PackageOf(other, node); c.Declared(pkg) && other != tool {
			after = append(after, pkg)
		}
	}
	c.Tend(pos, id, resource.NewFirewall(trusted, c.vars.PublicPorts), after...)
}

// checkFirewall wants a proof that the hand still comes in: its port is open to everybody, or the admin
// node is in a network that is trusted.
func (c *compiler) checkFirewall() {
	if c.vars.FirewallMode != "zone" || c.access.Connection == "local" {
		return
	}
	port := c.access.Port
	if port == 0 {
		port = sshPort
	}
	admin, err := netip.ParseAddr(c.vars.AdminIP)
	near := jump(c.access.CommonArgs) == "" && err == nil && c.trusts(admin)
	if !near && !slices.Contains(c.vars.PublicPorts, port) {
		c.Errorf(c.bound.Pos("node_firewall_public_port"), CodeClosed,
			"node_firewall_public_port: port %d, by which pigsync reaches %s over ssh, would be closed: want it here, or admin_ip in node_firewall_intranet",
			port, c.host.Addr)
	}
	if addr := c.host.IP; addr.IsValid() && len(c.Inventory.Hosts()) > 1 && !c.trusts(addr) {
		c.Warnf(c.bound.Pos("node_firewall_intranet"), CodeOutside,
			"node_firewall_intranet: %s is in none of these networks: other nodes let it in at their public ports only", c.host.Addr)
	}
}

func (c *compiler) trusts(addr netip.Addr) bool {
	return slices.ContainsFunc(c.vars.Intranet, func(p netip.Prefix) bool { return p.Masked().Contains(addr.Unmap()) })
}
