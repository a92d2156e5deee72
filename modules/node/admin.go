package node

import (
	"fmt"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

// adminGroup is the group of administrators.
const adminGroup = "admin"

// admin wants the administrators' account. It stays when the inventory does not name it any more: it
// may be the only way in.
func (c *compiler) admin() {
	if !c.vars.Enabled {
		return
	}
	pos, node, name := c.bound.Pos("node_admin_username"), c.host.Addr, c.vars.Username
	group := c.Keep(pos, resource.ID{Kind: resource.KindGroup, Name: adminGroup, At: node}, resource.Group{GID: c.vars.UID})
	user := c.Keep(pos, resource.ID{Kind: resource.KindUser, Name: name, At: node}, resource.User{
		UID: c.vars.UID, Group: adminGroup, Home: "/home/" + name, Shell: "/bin/bash",
	}, group)
	home := c.Keep(pos, modules.DirOf("/home/"+name, node), resource.Dir{Mode: 0o700, Owner: name, Group: adminGroup}, user)
	c.sudo(user)
	c.keys(home, group)
}

// sudo may cut the hand off, which comes in by it: the file is guarded.
func (c *compiler) sudo(user resource.ID) {
	rule, ok := sudoRules[c.vars.Sudo]
	if !ok {
		return
	}
	text := fmt.Sprintf("%s ALL=(ALL:ALL) %s\n", c.vars.Username, rule)
	file := resource.NewGuarded([]byte(text), 0o440, "root", "root")
	file.Validate = []string{"visudo", "-c", "-q", "-f", "{}"}
	id := resource.ID{Kind: resource.KindGuarded, Name: "/etc/sudoers.d/" + c.vars.Username, At: c.host.Addr}
	c.Grant(c.bound.Pos("node_admin_sudo"), id, file, user)
}

// sudoRules are what node_admin_sudo means; for "none" there is no file.
var sudoRules = map[string]string{
	"nopass": "NOPASSWD: ALL",
	"all":    "ALL",
	"limit":  "NOPASSWD: /usr/bin/systemctl, /usr/bin/journalctl",
}
