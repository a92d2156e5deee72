package node

import (
	"go/token"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

// cronMarker ends the lines of /etc/crontab that are ours. To the shell that runs them it is a comment.
const cronMarker = "pigsty crontab"

// timezone leaves the zone as it is when the inventory names none, also when it named one before: a
// clock that jumps for a line that went would help nobody.
func (c *compiler) timezone(repos []resource.ID) {
	if c.vars.Zone == "" {
		return
	}
	pos, node := c.bound.Pos("node_timezone"), c.host.Addr
	zones := c.install(pos, "tzdata", repos)
	id := resource.ID{Kind: resource.KindTimezone, Name: "node", At: node}
	c.Keep(pos, id, resource.Timezone{Name: c.vars.Zone}, zones)
}

// install wants a package that something here needs, in any version, unless the inventory names one.
func (c *compiler) install(pos token.Position, name string, repos []resource.ID) resource.ID {
	id := modules.PackageOf(name, c.host.Addr)
	if c.Declared(id) {
		return id
	}
	return c.Keep(pos, id, resource.Package{}, repos...)
}

// crontab puts jobs among those of others. Ansible writes the same lines without a marker: they are
// adopted, or each job would run twice.
func (c *compiler) crontab() {
	if len(c.vars.Crontab) == 0 {
		return
	}
	var lines []string
	for _, l := range c.vars.Crontab {
		lines = append(lines, c.vars.expand(l, c.facts))
	}
	id := resource.ID{Kind: resource.KindLines, Name: resource.LinesName("/etc/crontab", cronMarker), At: c.host.Addr}
	c.Tend(c.bound.Pos("node_crontab"), id, resource.Lines{Lines: lines, Adopt: true})
}
