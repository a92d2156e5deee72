package pgsql

import (
	"strconv"
	"strings"

	"github.com/pigsync/pigsync/modules/distro"
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
