package distro

import "strings"

// Extension is the package of an extension of PostgreSQL, or what else an item of a list of them stands
// for. An item may be an alias, the name of an extension or the name of a package; which of the last two
// is for the node to find out, so the answer has both, the package of the extension first.
func (s System) Extension(item, postgres string) ([]Package, error) {
	found, err := s.Packages(strings.ReplaceAll(item, "_", asPackage(s.Family)), postgres)
	name, version, _ := strings.Cut(item, "=")
	if err != nil || len(found) != 1 || found[0].Alias != "" || strings.ContainsAny(name, "$|") {
		return s.Packages(item, postgres)
	}
	return []Package{{Name: release(s.extension(name), postgres), Version: version}}, nil
}

// asPackage is what stands for an underscore in the name of a package.
func asPackage(f Family) string {
	if f == Debian {
		return "-"
	}
	return "_"
}

// extension is the package that an extension would have, then its own name.
func (s System) extension(name string) string {
	if special, ok := extensions[name][s.Family]; ok {
		return special
	}
	switch s.Family {
	case Debian:
		name = strings.ReplaceAll(name, "_", "-")
		return "postgresql-$v-" + name + "|" + name
	case EL:
		return name + "_$v|" + name
	}
	return name
}
