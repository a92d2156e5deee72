package node

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

// profile is what every login shell of a node begins with: PostgreSQL's programs are found, and a history
// tells when.
func (c *compiler) profile() {
	file := resource.NewFile(render("profile.sh", nil), 0o644, "root", "root")
	c.Tend(c.host.Pos, modules.FileOf("/etc/profile.d/node.sh", c.host.Addr), file)
}

// aliases are shell aliases for everybody.
func (c *compiler) aliases() {
	if len(c.vars.Aliases) == 0 {
		return
	}
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(c.vars.Aliases)) {
		fmt.Fprintf(&text, "alias %s='%s'\n", name, strings.ReplaceAll(c.vars.Aliases[name], "'", `'\''`))
	}
	file := resource.NewFile([]byte(text.String()), 0o644, "root", "root")
	c.Tend(c.bound.Pos("node_aliases"), modules.FileOf("/etc/profile.d/node.alias.sh", c.host.Addr), file)
}
