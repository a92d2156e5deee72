package node

import (
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules/notation"
	"github.com/pigsync/pigsync/resource"
)

const (
	// hostsMarker ends the lines of /etc/hosts that Pigsty writes.
	hostsMarker = "pigsty dns"
	// namesMarker ends those with the names of the nodes.
	namesMarker = "pigsty meta"
)

func (c *compiler) hostname() {
	name := c.vars.name()
	if name == "" || !c.vars.NameOverwrite {
		return
	}
	id := resource.ID{Kind: resource.KindHostname, Name: "node", At: c.host.Addr}
	c.Keep(c.bound.Pos("nodename"), id, resource.NewHostname(name))
}

func (c *compiler) hosts() {
	if !c.vars.WriteHosts {
		return
	}
	var lines []string
	for _, l := range append(c.vars.DefaultHosts[:len(c.vars.DefaultHosts):len(c.vars.DefaultHosts)], c.vars.Hosts...) {
		lines = append(lines, strings.Join(strings.Fields(c.vars.expand(l, c.facts)), " "))
	}
	pos := c.bound.Pos("node_default_etc_hosts")
	if c.bound.Has("node_etc_hosts") {
		pos = c.bound.Pos("node_etc_hosts")
	}
	id := resource.ID{Kind: resource.KindLines, Name: resource.LinesName("/etc/hosts", hostsMarker), At: c.host.Addr}
	c.Tend(pos, id, resource.Lines{Lines: lines})
}

// exchange tells the node the names of all.
func (c *compiler) exchange() {
	if !c.vars.WriteHosts || !c.vars.NameExchange {
		return
	}
	id := resource.ID{Kind: resource.KindLines, Name: resource.LinesName("/etc/hosts", namesMarker), At: c.host.Addr}
	c.Tend(c.bound.Pos("nodename_exchange"), id, resource.Lines{Lines: c.roster})
}

// roster are the lines of a hosts file for all nodes that the inventory names. What else is wrong with
// a node does not change its name, and a name that only the machine knows could be anything: "localhost".
func roster(inv *inventory.Inventory) (lines []string) {
	for _, h := range inv.Hosts() {
		var v struct {
			Identity
			PGCluster string `var:"pg_cluster"`
			PGSeq     string `var:"pg_seq"`
		}
		inventory.Bind(h, &v) // what is wrong with it is reported by compile
		all := Vars{Identity: v.Identity, borrowed: borrowed{PGCluster: v.PGCluster, PGSeq: v.PGSeq}}
		name := all.name()
		if notation.HostName(strings.ReplaceAll(name, "_", "-")) == nil { // libc takes an underscore
			lines = append(lines, h.Addr+" "+name)
		}
	}
	return lines
}
