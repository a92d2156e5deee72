package node

import (
	"path"
	"strings"

	"github.com/pigsync/pigsync/resource"
)

// aim is what shows that a resource may have changed: what is at some paths, or a unit. What has
// neither, such as a kernel parameter, is for the looks alone.
type aim struct {
	id    resource.ID
	paths []string
	unit  string // the name of its file, "" for none
}

// Where a node keeps what many resources are about.
var accountFiles = []string{"/etc/passwd", "/etc/group", "/etc/shadow"}

// fixedPaths are those of kinds of which a node has one, or keeps all in one place.
var fixedPaths = map[resource.Kind][]string{
	resource.KindUser:     accountFiles,
	resource.KindGroup:    accountFiles[1:2],
	resource.KindHostname: {"/etc/hostname"},
	resource.KindTimezone: {"/etc/localtime"},
	resource.KindPackage:  {"/var/lib/dpkg/status"},
	resource.KindSources:  {"/etc/apt/sources.list"},
	resource.KindTrust:    {"/etc/ssl/certs/ca-certificates.crt"},
	resource.KindNoSwap:   {"/etc/fstab"},
}

// aimAt finds what shows a change of id.
func aimAt(id resource.ID, places []resource.PGPlace) aim {
	a := aim{id: id}
	switch id.Kind {
	case resource.KindFile, resource.KindDir, resource.KindLink, resource.KindRepo, resource.KindSSHKey:
		a.paths = []string{id.Name}
	case resource.KindLines, resource.KindBlock, resource.KindGuarded:
		file, _, _ := strings.Cut(id.Name, "#")
		a.paths = []string{file}
	case resource.KindCert:
		if cert, key, ok := resource.CertPaths(id.Name); ok {
			a.paths = []string{cert, key}
		}
	case resource.KindUnit:
		a.unit = unitFile(id.Name)
		a.paths = unitPaths(a.unit)
	default:
		a.paths = fixedPaths[id.Kind]
		if isPG(id.Kind) {
			a.paths = serverPaths(id, places)
		}
	}
	return a
}

// unitPaths are where an administrator enables, masks and overrides a unit: systemd tells of none of that.
func unitPaths(unit string) []string {
	const local = "/etc/systemd/system/"
	return []string{local + unit, local + unit + ".d", local + "multi-user.target.wants/" + unit}
}

// serverPaths are the files beside the data of a server by which it is changed behind Patroni's back.
func serverPaths(id resource.ID, places []resource.PGPlace) (paths []string) {
	for _, p := range places {
		for _, s := range p.Seats {
			if s.Data == "" || p.At != id.At && s.Instance != id.Name {
				continue
			}
			for _, name := range []string{"postgresql.auto.conf", "postgresql.conf", "pg_hba.conf"} {
				paths = append(paths, path.Join(s.Data, name))
			}
		}
	}
	return paths
}
