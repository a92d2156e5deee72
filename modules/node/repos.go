package node

import (
	"regexp"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/distro"
	"github.com/pigsync/pigsync/resource"
)

// repoModule is what a name in node_repo_modules must be: it becomes the name of a file.
var repoModule = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`)

// repositories wants one source file for each of node_repo_modules, and the files of others out of the
// way where that is asked for. It returns what packages come after.
func (c *compiler) repositories() []resource.ID {
	c.checkSources()
	if _, known := c.Facts(c.host.Addr); known && c.system().Family == "" {
		return nil
	}
	var ids []resource.ID
	for _, m := range words([]string{c.vars.RepoModules}) {
		if !repoModule.MatchString(m) {
			c.Errorf(c.bound.Pos("node_repo_modules"), CodeRepoName, "node_repo_modules: want names such as local or pgsql, got %q", m)
			continue
		}
		if id, ok := c.repository(m); ok {
			ids = append(ids, id)
		}
	}
	return c.others(ids)
}

func (c *compiler) system() distro.System { return distro.Of(c.facts) }

func (c *compiler) repository(module string) (resource.ID, bool) {
	pos := c.bound.Pos("node_repo_modules")
	if c.bound.Has("repo_upstream") {
		pos = c.bound.Pos("repo_upstream")
	}
	system := c.system()
	_, known := c.Facts(c.host.Addr)
	if !known {
		system.Family = distro.Debian // only for the name of a file that nobody knows
	}
	id := modules.RepoOf(system.SourceFile(module), c.host.Addr)
	sources := c.sourcesOf(module)
	if len(sources) == 0 && known {
		c.Warnf(pos, CodeNoSource, "repository module %s: repo_upstream has no entry for %s", module, system)
		return id, false
	}
	text, keys := c.sourceFile(system, sources)
	c.Tend(pos, id, resource.NewRepo([]byte(text)), c.sourceKeys(system, keys)...)
	return id, true
}

// sourcesOf are the sources of a module that fit the system.
func (c *compiler) sourcesOf(module string) (fit []Source) {
	for _, s := range c.vars.Upstream {
		if s.Module == module && s.url(c.vars.Region) != "" && c.fits(s) {
			fit = append(fit, s)
		}
	}
	if fit == nil && module == "local" {
		fit = []Source{c.localSource()}
	}
	return fit
}

// localSource is the repository that Pigsty's own machine serves, where repo_upstream says nothing of it.
func (c *compiler) localSource() Source {
	url := strings.TrimSuffix(c.vars.RepoEndpoint, "/") + "/" + c.vars.RepoName
	if c.system().Family != distro.EL {
		url += " ./"
	}
	return Source{Name: "pigsty-local", Description: "Pigsty's own repository", Module: "local", BaseURL: map[string]string{"default": url}}
}

// url is where the source is for a region.
func (s *Source) url(region string) string {
	if url, ok := s.BaseURL[region]; ok {
		return url
	}
	return s.BaseURL["default"]
}

func (c *compiler) fits(s Source) bool {
	system := c.system()
	release := len(s.Releases) == 0 || slices.Contains(s.Releases, system.Major()) || slices.Contains(s.Releases, system.Release)
	return release && (len(s.Arch) == 0 || slices.Contains(s.Arch, system.Machine()))
}

// others wants the source files of others set aside, if the inventory says so itself: Pigsty's default
// does, but nothing is taken away because of a default. Where none of our own sources fits they stay, or
// there would be none.
func (c *compiler) others(ours []resource.ID) []resource.ID {
	if !c.bound.Has("node_repo_remove") || !c.vars.RepoRemove {
		return ours
	}
	pos := c.bound.Pos("node_repo_remove")
	if _, known := c.Facts(c.host.Addr); known && len(ours) == 0 {
		c.Warnf(pos, CodeNoOwn, "node_repo_remove: no source of node_repo_modules fits %s, so that those it has are left to it", c.system())
		return nil
	}
	var spec resource.Sources
	for _, repo := range ours {
		spec.Files = append(spec.Files, repo.Name)
	}
	return append(slices.Clip(ours), c.Tend(pos, resource.SourcesOf(c.host.Addr), spec, ours...))
}

// Repositories are the ids of the sources declared on a node so far, for packages of other modules.
func Repositories(p *modules.Pass, node string) []resource.ID {
	var ids []resource.ID
	for r := range p.Wanted() {
		if r.ID.At == node && (r.ID.Kind == resource.KindRepo || r.ID.Kind == resource.KindSources) {
			ids = append(ids, r.ID)
		}
	}
	return ids
}
