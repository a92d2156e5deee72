package policies

import (
	"fmt"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// Disk is how much must be free on a node.
type Disk struct {
	MB    int     // free on every file system that counts; 0 is none
	Share float64 // of their size, from 0 to 1
}

// DefaultDisk is enough for a service to start again and write its log.
func DefaultDisk() Disk { return Disk{MB: 256} }

// fills is what may not come back on a full disk.
const fills = resource.Restart | resource.Failover | resource.Topology

// DiskSpace holds restarts, and what is newly made, on a node whose disk is nearly full: what stops there may not
// start again. A database that is made is one on every member of its cluster: a server that finds no room for its log
// stops. What was not told, by a node that is older than the question, is not known to be free.
func DiskSpace(d Disk) *Policy {
	return &Policy{
		Name: "disk",
		Doc:  "holds restarts on a node whose disk is nearly full",
		Judge: func(c *Case) []Objection {
			return eachStep(c, Hold, "PS123", func(s diff.Step) string {
				if s.Action == diff.Delete || s.Action == diff.Update && s.Hazard()&fills == 0 {
					return ""
				}
				return d.full(c, s)
			})
		},
	}
}

// full says which disk has no room for a step, "" when each has.
func (d Disk) full(c *Case, s diff.Step) string {
	for _, at := range written(c, s) {
		switch reason := d.reason(c.Have[resource.FactsOf(at)]); {
		case reason == "":
		case at == s.ID.At:
			return reason
		default:
			return at + ": " + reason
		}
	}
	return ""
}

// written are the nodes to whose disks a step writes more than a little.
func written(c *Case, s diff.Step) []string {
	if s.ID.Kind != resource.KindPGDatabase {
		return []string{s.ID.At}
	}
	var nodes []string
	for _, m := range c.picture(s.ID.At).Members {
		nodes = append(nodes, m.Node)
	}
	return nodes
}

// reason is silent of other places than nodes, and of nodes that cannot be seen: nothing is done there.
func (d Disk) reason(s resource.State) string {
	facts, node := s.Spec.(resource.Facts)
	if !node || facts.DiskMB == 0 {
		return ""
	}
	for _, f := range facts.Free {
		want := max(d.MB, int(d.Share*float64(f.SizeMB)))
		if f.FreeMB < want {
			return fmt.Sprintf("%s has %d MiB free: want %d", f.Path, f.FreeMB, want)
		}
	}
	if len(facts.Free) == 0 {
		return "nobody knows how much of the disk is free"
	}
	return ""
}
