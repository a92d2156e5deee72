package node

import (
	"fmt"
	"go/token"
	"slices"
	"strconv"
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/distro"
	"github.com/pigsync/pigsync/resource"
)

// listed is a package that a list asks for, and where.
type listed struct {
	distro.Package
	pos token.Position
}

// packages wants what the lists of the inventory name. The default of node_packages is the SSH server, by
// which we came in; that of node_default_packages comes last of all, see Defaults.
func (c *compiler) packages(repos []resource.ID) {
	var all []listed
	if c.bound.Has("node_default_packages") {
		all = c.list("node_default_packages", c.vars.DefaultPackages)
	}
	if c.bound.Has("node_packages") {
		all = append(all, c.list("node_packages", c.vars.Packages)...)
	}
	all = lastOfEach(all)
	for _, p := range all {
		c.listed(p, repos)
	}
	c.pins(all)
}

// listed wants a package at the version that is named, at any, or at the newest where that is asked for.
func (c *compiler) listed(p listed, repos []resource.ID) {
	version := p.Version
	if version == distro.Newest {
		version = ""
	}
	id := c.Keep(p.pos, modules.PackageOf(p.Name, c.host.Addr), resource.Package{Version: version, Optional: p.Optional}, repos...)
	if p.Version == distro.Newest {
		c.Keep(p.pos, resource.NewestOf(p.Name, c.host.Addr), resource.Newest{}, id)
	}
}

// lastOfEach drops what is said again later.
func lastOfEach(all []listed) (out []listed) {
	for i, p := range all {
		if !slices.ContainsFunc(all[i+1:], func(o listed) bool { return o.Name == p.Name }) {
			out = append(out, p)
		}
	}
	return out
}

// list resolves the aliases of a list.
func (c *compiler) list(param string, items []string) (out []listed) {
	for i, item := range items {
		pos := c.bound.Pos(fmt.Sprintf("%s[%d]", param, i))
		for _, word := range words([]string{item}) {
			found, err := c.system().Packages(word, strconv.Itoa(c.vars.PGVersion))
			if err != nil {
				c.Errorf(pos, CodePackage, "%s[%d]: %q: %v", param, i, word, err)
			}
			for _, p := range found {
				out = append(out, listed{p, pos})
			}
		}
	}
	return out
}

// pinsPath is where apt is told which versions stay.
const pinsPath = "/etc/apt/preferences.d/pigsync.pref"

// pinPriority lets no newer version be installed by others, and none be taken back.
const pinPriority = 990

// pins tell apt which versions the lists name, or the next upgrade by somebody else would move them.
func (c *compiler) pins(all []listed) {
	var text strings.Builder
	var pos token.Position
	for _, p := range all {
		if p.Version != "" && p.Version != distro.Newest {
			fmt.Fprintf(&text, "Package: %s\nPin: version %s\nPin-Priority: %d\n\n", strings.ReplaceAll(p.Name, "|", " "), p.Version, pinPriority)
			pos = p.pos
		}
	}
	if text.Len() > 0 && c.system().Family == distro.Debian {
		c.Tend(pos, modules.FileOf(pinsPath, c.host.Addr), resource.NewFile([]byte(text.String()), 0o644, "root", "root"))
	}
}

// Defaults is the last of all modules. It wants the packages that every node has where the inventory has
// no list of its own, unless one of the other modules wants them already. What no source of the node
// offers is left out: nobody asked for it by name.
var Defaults = &modules.Module{
	Name: "node defaults", Doc: "the packages that every node has unless its inventory names others", Compile: compileDefaults,
}

func compileDefaults(p *modules.Pass) {
	for _, h := range p.Inventory.Hosts() {
		c := &compiler{Pass: p.For("node/" + h.Addr), host: h}
		c.bound = inventory.Bind(h, &c.vars)
		var known bool
		if c.facts, known = c.Facts(h.Addr); known && !inventory.HasErrors(c.bound.Problems) && !c.bound.Has("node_default_packages") {
			c.defaults()
		}
	}
}

func (c *compiler) defaults() {
	taken := map[string]bool{}
	for r := range c.Wanted() {
		if r.ID.Kind == resource.KindPackage && r.ID.At == c.host.Addr {
			for name := range strings.SplitSeq(r.ID.Name, "|") {
				taken[name] = true
			}
		}
	}
	repos := Repositories(c.Pass, c.host.Addr)
	for _, name := range c.system().Defaults() {
		if !taken[name] {
			c.Keep(c.host.Pos, modules.PackageOf(name, c.host.Addr), resource.Package{Optional: true}, repos...)
		}
	}
}
