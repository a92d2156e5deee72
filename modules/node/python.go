package node

import (
	"github.com/pigsync/pigsync/modules/distro"
	"github.com/pigsync/pigsync/resource"
)

// python wants packages of Python in an environment of their own. Without packages there is none, and what is
// there stays when the line goes: programs may run from it.
func (c *compiler) python(repos []resource.ID) {
	pos, packages := c.bound.Pos("node_pip_packages"), words([]string{c.vars.PIPPackages})
	if len(packages) == 0 || c.vars.UVEnv == "" {
		return
	}
	for _, p := range packages {
		if name, _ := resource.Requirement(p); name == "" {
			c.Errorf(pos, CodePackage, "node_pip_packages: want packages of Python such as requests or psycopg[binary]==3.2.1, got %q", p)
			return
		}
	}
	tool := "uv|python3-venv"
	if c.system().Family == distro.EL {
		tool = "uv|python3"
	}
	after := append(c.Parents(pos, c.host.Addr, c.vars.UVEnv), c.install(pos, tool, repos))
	c.Keep(pos, resource.PyEnvOf(c.vars.UVEnv, c.host.Addr), resource.PyEnv{Packages: packages}, after...)
}
