package pgsql

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/distro"
	"github.com/pigsync/pigsync/modules/node"
	"github.com/pigsync/pigsync/resource"
)

// packageList resolves both lists of packages, each package once; what is none is reported.
func (c *cluster) packageList(m *member, s distro.System) (list []distro.Package) {
	seen := map[string]bool{}
	for _, param := range []struct {
		name  string
		items []string
	}{{"pg_packages", m.vars.Packages}, {"pg_extensions", m.vars.Extensions}} {
		for _, item := range words(strings.Join(param.items, " ")) {
			packages, err := s.Packages(item, strconv.Itoa(m.vars.Version))
			if err != nil {
				c.Errorf(m.pos(param.name), CodePackage, "%s: %q: %v", param.name, item, err)
			}
			for _, p := range packages {
				if !seen[p.Name] {
					seen[p.Name] = true
					list = append(list, p)
				}
			}
		}
	}
	return list
}

// prerequisites are what comes before the packages, one after the other: the account, what keeps Debian's
// from making a cluster of its own, the directories that they would make otherwise, and what keeps units that come with them from starting with the machine
// before they are ready.
func (i *instance) prerequisites(account resource.ID) []resource.ID {
	last := account
	if i.system().Family == distro.Debian {
		stock := i.keep(modules.DirOf(stockDir, i.addr()), resource.Dir{Mode: 0o755, Owner: "root", Group: "root"}, last)
		last = i.rootFile(stockPath, []byte(stockText), stock)
	}
	last = i.dir(patroniEtc, 0o750, last)
	if i.vars.PoolEnabled {
		last = i.dir(poolDir, 0o750, last)
	}
	for _, u := range i.units() {
		last = i.rootFile("/etc/systemd/system/"+u.name+".service", u.text, last)
	}
	for _, name := range i.quiet() {
		last = i.link("/etc/systemd/system/"+name+".service", "/dev/null", last)
	}
	return append(node.Repositories(i.Pass, i.addr()), last)
}

// packages come after deps.
func (i *instance) packages(deps []resource.ID) (ids []resource.ID) {
	if i.system().Family == "" {
		return nil // nobody knows what they are called
	}
	i.resolved = i.packageList(i.member, i.system())
	return i.bring(i.resolved, deps)
}

// bring wants the packages, and names those that are done without.
func (i *instance) bring(list []distro.Package, deps []resource.ID) (ids []resource.ID) {
	var missing []string
	for _, p := range list {
		id := modules.PackageOf(p.Name, i.addr())
		if !i.Declared(id) {
			i.keep(id, resource.Package{Version: p.Version, Optional: p.Optional}, deps...)
		}
		if p.Optional && i.unoffered(id) {
			missing = append(missing, p.Name)
		}
		ids = append(ids, id)
	}
	if len(missing) > 0 {
		i.Warnf(i.here(), CodeUnoffered, "no package source of %s offers %s: it goes without", i.addr(), strings.Join(missing, ", "))
	}
	return ids
}

// optional wants one of several packages where it can be had; ok is false where it is known that it cannot.
func (i *instance) optional(names []string, after []resource.ID) (id resource.ID, ok bool) {
	id = modules.PackageOf(offers(i.system().Family, names), i.addr())
	if !i.Declared(id) {
		i.keep(id, resource.Package{Optional: true}, after...)
		if i.unoffered(id) {
			i.Warnf(i.here(), CodeUnoffered, "no package source of %s offers %s: it goes without", i.addr(), id.Name)
		}
	}
	return id, !i.unoffered(id)
}

// offers are those of the packages that a family may have, as alternatives: only Debian's have other names.
func offers(f distro.Family, names []string) string {
	if f == distro.Debian {
		return strings.Join(names, "|")
	}
	if slices.Equal(names, vipManagers) {
		return names[1]
	}
	return names[0]
}

func (i *instance) unoffered(id resource.ID) bool {
	p, _ := i.Known[id].Spec.(resource.Package)
	return p.Unoffered
}

// surveyPackages asks for those packages of a member that it can do without: whether they can be had decides
// what runs. It asks for the server, too, where its version is named: no member is restarted before all have it. What
// they are called depends on the system, which nobody knows yet.
func surveyPackages(h *inventory.Host) (ids []resource.ID) {
	var v struct {
		Version    int      `var:"pg_version" default:"18"`
		Packages   []string `var:"pg_packages" default:"['pgsql-main pgsql-common']"`
		Extensions []string `var:"pg_extensions" default:"[]"`
	}
	inventory.Bind(h, &v)
	for _, s := range []distro.System{{Family: distro.Debian}, {Family: distro.EL}} {
		for _, names := range [][]string{databaseExporters, poolExporters, backupExporters, vipManagers} {
			ids = append(ids, modules.PackageOf(offers(s.Family, names), h.Addr))
		}
		for _, item := range words(strings.Join(slices.Concat(v.Packages, v.Extensions), " ")) {
			found, _ := s.Packages(item, strconv.Itoa(v.Version)) // what is none, compile reports
			for _, p := range found {
				if p.Optional || p.Version != "" && isServer(p.Name) {
					ids = append(ids, modules.PackageOf(p.Name, h.Addr))
				}
			}
		}
	}
	slices.SortFunc(ids, resource.ID.Compare)
	return slices.Compact(ids)
}
