package pgsql

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/distro"
	"github.com/pigsync/pigsync/modules/pgsql/catalog"
	"github.com/pigsync/pigsync/resource"
)

// Where nobody writes pg_version it is Pigsty's, or the newest before it that the package sources of the
// hosts offer: those of a distribution have a release of their own. A cluster that lives, or has data, has its
// release already.

// settleRelease finds the release of a cluster that names none; ok is false until it is known.
func (c *cluster) settleRelease() (ok bool) {
	if c.writesRelease() {
		return true
	}
	found := c.lived()
	for _, m := range c.members {
		if found == 0 {
			found = c.installed(m)
		}
	}
	if found == 0 {
		return false
	}
	for _, m := range c.members {
		m.vars.Version = found
	}
	return true
}

// writesRelease tells whether the inventory says which release is meant, or a host is of a system on which
// nobody knows what packages are called.
func (c *cluster) writesRelease() bool {
	return slices.ContainsFunc(c.members, func(m *member) bool {
		f, known := c.Facts(m.addr())
		return m.bound.Has("pg_version") || known && distro.Of(f).Family == ""
	})
}

// lived is the release of what runs, or of the data that lie there; 0 for neither.
func (c *cluster) lived() int {
	seen, _ := c.Known[resource.PGClusterOf(c.name)].Spec.(resource.PGCluster)
	for _, info := range seen.Members {
		if info.Major != 0 {
			return info.Major
		}
	}
	return 0
}

// installed is the release whose packages a member has; 0 for none, or more than nobody can tell apart.
func (c *cluster) installed(m *member) int {
	for _, f := range []distro.Family{distro.Debian, distro.EL} {
		p, _ := c.Known[modules.PackageOf(servers(f, m.vars.Version), m.addr())].Spec.(resource.Package)
		for _, major := range releases(m.vars.Version) {
			if p.Name != "" && p.Name == server(f, major) {
				return major
			}
		}
	}
	return 0
}

// releases are those that are tried, the newest first.
func releases(newest int) (all []int) {
	for major := newest; major >= catalog.First; major-- {
		all = append(all, major)
	}
	return all
}

// server is the package of a release's server.
func server(f distro.Family, major int) string {
	if f == distro.EL {
		return "postgresql" + strconv.Itoa(major) + "-server"
	}
	return "postgresql-" + strconv.Itoa(major)
}

// servers are those packages as alternatives.
func servers(f distro.Family, newest int) string {
	var names []string
	for _, major := range releases(newest) {
		names = append(names, server(f, major))
	}
	return strings.Join(names, "|")
}

// surveyRelease asks which release a member has, where the inventory does not say which it should have.
func surveyRelease(h *inventory.Host) (ids []resource.ID) {
	var m member
	if b := inventory.Bind(h, &m.vars); b.Has("pg_version") {
		return nil
	}
	for _, f := range []distro.Family{distro.Debian, distro.EL} {
		ids = append(ids, modules.PackageOf(servers(f, m.vars.Version), h.Addr))
	}
	return ids
}

// unpack wants the packages of a cluster whose release is not known yet: whichever release comes is its own.
func (c *cluster) unpack() {
	for _, m := range c.members {
		i := instance{c, m}
		if _, known := i.Facts(i.addr()); !known {
			continue
		}
		before := i.prerequisites(i.account())
		i.keep(modules.PackageOf(servers(i.system().Family, m.vars.Version), i.addr()), resource.Package{}, before...)
		var common []distro.Package
		newer := i.packageList(&member{host: m.host, bound: m.bound, vars: withRelease(m.vars, m.vars.Version+1)}, i.system())
		for _, p := range i.packageList(m, i.system()) {
			if slices.Contains(newer, p) {
				common = append(common, p)
			}
		}
		i.bring(common, before)
	}
}

func withRelease(v Vars, major int) Vars {
	v.Version = major
	return v
}

// otherHomes are the data directories of the releases that a member may have, beside the one that is its own
// as far as the inventory tells.
func (m *member) otherHomes() (dirs []string) {
	if m.bound.Has("pg_version") {
		return nil
	}
	for _, major := range releases(m.vars.Version)[1:] {
		o := member{host: m.host, seq: m.seq, vars: withRelease(m.vars, major)}
		dirs = append(dirs, o.real(o.vars.Data))
	}
	return dirs
}
