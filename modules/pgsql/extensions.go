package pgsql

import (
	"go/token"
	"slices"
	"strconv"
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/distro"
	"github.com/pigsync/pigsync/modules/pgsql/catalog"
)

// forks bring extensions of their own, and not all of the others.
func (v *Vars) fork() bool { return v.Mode != "pgsql" && v.Mode != "citus" }

// checkExtensions judges what is to be created in a database.
func (c *cluster) checkExtensions(m *member, d *Database) {
	for _, v := range d.Extensions {
		e := Extension{State: "create"}
		if c.entry(v, &e, &e.Name) && e.State == "create" && d.State != "absent" {
			c.checkExtension(m, v.Pos, e.Name)
		}
	}
}

// checkDefaultExtensions judges what every database gets.
func (c *cluster) checkDefaultExtensions() {
	for _, m := range c.views("pg_default_extensions", "pg_libs", "pg_version") {
		for _, v := range m.vars.DefaultExtensions {
			e := Extension{State: "create"}
			if c.entry(v, &e, &e.Name) && e.State == "create" {
				c.checkExtension(m, m.at(v.Pos), e.Name)
			}
		}
	}
}

// creatable leaves out what no package source of a member offers, where nobody has asked for it by name: that
// it is done without has been said of its package.
func (c *cluster) creatable(list []inventory.Value) (out []inventory.Value) {
	for _, v := range list {
		e := Extension{State: "create"}
		if c.head().bound.Has("pg_default_extensions") || !c.entry(v, &e, &e.Name) || !c.wanting(e.Name) {
			out = append(out, v)
		}
	}
	return out
}

// wanting tells whether some member cannot have the package of an extension.
func (c *cluster) wanting(extension string) bool {
	return slices.ContainsFunc(c.members, func(m *member) bool {
		i := instance{c, m}
		packages, err := i.system().Extension(extension, strconv.Itoa(m.vars.Version))
		return err == nil && slices.ContainsFunc(packages, func(p distro.Package) bool { return i.unoffered(modules.PackageOf(p.Name, m.addr())) })
	})
}

func (c *cluster) checkExtension(m *member, pos token.Position, name string) {
	e, known := catalog.FindExtension(name)
	switch major := m.vars.Version; {
	case m.vars.fork() || major < catalog.First || major > catalog.Last:
		return
	case !known:
		c.Warnf(pos, CodeExtension, "extension %s is not known%s", name, c.meantExtension(name))
	case !e.Span.Has(major):
		c.Errorf(pos, CodeMajor, "extension %s is of PostgreSQL %d to %d, and this is %d", name, e.Span.From, e.Span.To, major)
	case e.Library != "" && !slices.Contains(m.libraries(), e.Library):
		c.Warnf(pos, CodePreload, "extension %s needs the library %s when PostgreSQL starts: want it in pg_libs (%s)", name, e.Library, place(m.pos("pg_libs")))
	}
}

// meantExtension helps where the name of a package was taken for the extension's.
func (c *cluster) meantExtension(name string) string {
	for _, other := range catalog.Extensions() {
		if e, _ := catalog.FindExtension(other); e.Package == name {
			return ": the package " + name + " has the extension " + other
		}
	}
	return suggest(name, catalog.Extensions())
}

// libraries are what PostgreSQL loads when it starts: pg_libs, or what pg_parameters puts in its place.
func (m *member) libraries() []string {
	text := m.vars.Libs
	if v, ok := m.vars.Parameters["shared_preload_libraries"]; ok {
		text = v.String()
		if items, err := v.List(); err == nil {
			for _, i := range items {
				text += "," + i.String()
			}
		}
	}
	all := words(strings.NewReplacer("'", " ", `"`, " ").Replace(text))
	for i := range all {
		all[i] = strings.TrimPrefix(all[i], "$libdir/")
	}
	return all
}

// checkLibraries wants the package of every library that is loaded: without it PostgreSQL does not start.
func (c *cluster) checkLibraries() {
	for _, m := range c.views("pg_libs", "pg_extensions", "pg_packages", "pg_parameters") {
		libs := m.libraries()
		for _, lib := range libs {
			pkg, known := catalog.PackageOf(lib)
			if known && !m.vars.fork() && !m.installs(pkg, lib) {
				c.Warnf(m.pos("pg_libs"), CodeLibrary, "pg_libs: %s is in the package %s, which pg_extensions does not name: PostgreSQL does not start without it", lib, pkg)
			}
		}
		if m.vars.Mode == "citus" && (len(libs) == 0 || libs[0] != "citus") {
			c.Errorf(m.pos("pg_libs"), CodeMode, "pg_libs: pg_mode is citus, which wants the library citus before all others")
		}
	}
}

// installs tells whether the packages include one, by its name, by a name with the release in it, or in
// one of the collections that Pigsty calls pgsql-gis or pg18-gis.
func (m *member) installs(pkg, lib string) bool {
	for _, item := range slices.Concat(m.vars.Packages, m.vars.Extensions) {
		for _, w := range words(item) {
			if strings.Contains(w, pkg) || strings.Contains(w, lib) || isCollection(w) {
				return true
			}
		}
	}
	return false
}

var collections = []string{
	"time", "gis", "rag", "fts", "olap", "feat", "lang", "type", "util", "func", "admin", "stat", "sec", "fdw", "sim", "etl", "full",
}

func isCollection(w string) bool {
	prefix, kind, ok := strings.Cut(w, "-")
	return ok && strings.HasPrefix(prefix, "pg") && slices.Contains(collections, kind)
}
