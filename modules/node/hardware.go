package node

import (
	"fmt"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

const (
	// readAhead is what rotating disks are read ahead by, in KB.
	readAhead = 8192
	// readAheadRule sets it for disks that come, and at every start.
	readAheadRule = "/etc/udev/rules.d/60-pigsync-readahead.rules"
)

// hardware is what is asked of swap, NUMA and disks. A flag that goes is undone.
func (c *compiler) hardware() {
	node := c.host.Addr
	if c.vars.DisableSwap {
		c.Tend(c.bound.Pos("node_disable_swap"), resource.ID{Kind: resource.KindNoSwap, Name: "node", At: node}, resource.NoSwap{})
	}
	if c.vars.DisableNUMA {
		id := resource.ID{Kind: resource.KindKernelArg, Name: "numa=off", At: node}
		c.Tend(c.bound.Pos("node_disable_numa"), id, resource.KernelArg{Kept: true, Running: true})
	}
	if c.vars.DiskPrefetch {
		c.prefetch()
	}
	if c.facts.Packages == "rpm" { // Debian's have none unless somebody has set it up himself
		id := resource.ID{Kind: resource.KindSELinux, Name: "node", At: node}
		c.Keep(c.bound.Pos("node_selinux_mode"), id, resource.NewSELinux(c.vars.SELinux))
	}
}

func (c *compiler) prefetch() {
	pos, node := c.bound.Pos("node_disk_prefetch"), c.host.Addr
	rule := fmt.Sprintf("ACTION==\"add|change\", SUBSYSTEM==\"block\", ATTR{queue/rotational}==\"1\", ATTR{queue/read_ahead_kb}=\"%d\"\n", readAhead)
	file := resource.NewFile([]byte(rule), 0o644, "root", "root")
	c.Tend(pos, modules.FileOf(readAheadRule, node), file, c.Parents(pos, node, readAheadRule)...)
	c.Tend(pos, resource.ID{Kind: resource.KindReadAhead, Name: "node", At: node}, resource.ReadAhead{KB: readAhead})
}
