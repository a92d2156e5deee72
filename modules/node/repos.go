package node

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

// repositories wants one source file for each of node_repo_modules and returns their ids.
func (c *compiler) repositories() []resource.ID {
	if _, known := c.Facts(c.host.Addr); known && c.facts.Packages != "deb" {
		return nil
	}
	var ids []resource.ID
	for _, m := range words([]string{c.vars.RepoModules}) {
		if id, ok := c.repository(m); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

func (c *compiler) repository(module string) (resource.ID, bool) {
	pos := c.bound.Pos("node_repo_modules")
	if c.bound.Has("repo_upstream") {
		pos = c.bound.Pos("repo_upstream")
	}
	id := modules.RepoOf("/etc/apt/sources.list.d/"+module+".list", c.host.Addr)
	lines := c.sourceLines(module)
	_, known := c.Facts(c.host.Addr)
	if lines == nil && known {
		c.Warnf(pos, CodeNoSource, "repository module %s: repo_upstream has no entry for %s %s %s",
			module, c.facts.Distro, c.facts.Release, c.facts.Arch)
		return id, false
	}
	c.Keep(pos, id, resource.NewRepo([]byte(strings.Join(lines, ""))))
	return id, true
}

// sourceLines are the lines of apt's source list; entries apply by module, release and architecture.
func (c *compiler) sourceLines(module string) (lines []string) {
	for _, s := range c.vars.Upstream {
		if url, ok := c.url(s); ok && s.Module == module && c.fits(s) {
			lines = append(lines, sourceLine(url))
		}
	}
	if lines == nil && module == "local" {
		url := c.vars.expand(strings.TrimSuffix(c.vars.RepoEndpoint, "/"), c.facts)
		lines = []string{sourceLine(url + "/" + c.vars.RepoName + " ./")}
	}
	return lines
}

func sourceLine(url string) string { return fmt.Sprintf("deb [trusted=yes] %s\n", url) }

func (c *compiler) url(s Source) (string, bool) {
	url, ok := s.BaseURL[c.vars.Region]
	if !ok {
		url, ok = s.BaseURL["default"]
	}
	return c.vars.expand(url, c.facts), ok
}

func (c *compiler) fits(s Source) bool {
	release := len(s.Releases) == 0 || slices.Contains(s.Releases, c.facts.Release)
	arch := len(s.Arch) == 0 || slices.Contains(s.Arch, rpmArch(c.facts.Arch))
	return release && arch
}

// rpmArch is the name repo_upstream uses for an architecture.
func rpmArch(goarch string) string {
	switch goarch {
	case "amd64":
		return "x86_64"
	case "arm64":
		return "aarch64"
	}
	return goarch
}

func (c *compiler) packages(repos []resource.ID) {
	var asked []string
	if c.bound.Has("node_packages") { // the default is the SSH server, by which we came in
		asked = words(c.vars.Packages)
	}
	for _, item := range words(c.vars.DefaultPackages) {
		if name, _, _ := strings.Cut(item, "="); !names(asked, name) {
			c.pkg(item, "node_default_packages", repos)
		}
	}
	for i, item := range asked {
		if name, _, _ := strings.Cut(item, "="); !names(asked[i+1:], name) {
			c.pkg(item, "node_packages", repos)
		}
	}
}

// names tells whether a list names a package, with or without a version: the last one counts.
func names(list []string, name string) bool {
	return slices.ContainsFunc(list, func(item string) bool {
		other, _, _ := strings.Cut(item, "=")
		return other == name
	})
}

func (c *compiler) pkg(item, param string, repos []resource.ID) {
	name, version, _ := strings.Cut(item, "=")
	c.Keep(c.bound.Pos(param), modules.PackageOf(name, c.host.Addr), resource.Package{Version: version}, repos...)
}

// Repositories are the ids of the sources declared on a node so far, for packages of other modules.
func Repositories(p *modules.Pass, node string) []resource.ID {
	var ids []resource.ID
	for r := range p.Wanted() {
		if r.ID.Kind == resource.KindRepo && r.ID.At == node {
			ids = append(ids, r.ID)
		}
	}
	return ids
}
