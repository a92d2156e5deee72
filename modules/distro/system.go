package distro

import (
	"strings"

	"github.com/pigsync/pigsync/resource"
)

// Family is the distributions with one package manager.
type Family string

// The families.
const (
	Debian Family = "deb" // Debian, Ubuntu
	EL     Family = "rpm" // RHEL and its rebuilds
)

// System is the operating system of a node, as far as names depend on it.
type System struct {
	Family   Family // "" for one that nobody knows
	Distro   string // debian, ubuntu, rocky
	Release  string // 13, 24.04, 9.6
	Codename string // trixie
	Arch     string // as Go names it
}

// Of is the system of a node with these facts.
func Of(f resource.Facts) System {
	s := System{Distro: f.Distro, Release: f.Release, Codename: f.Codename, Arch: f.Arch}
	switch family := Family(f.Packages); family {
	case Debian, EL:
		s.Family = family
	}
	return s
}

// Major is the release up to the first dot, by which package sources say what they are for.
func (s System) Major() string {
	major, _, _ := strings.Cut(s.Release, ".")
	return major
}

// Machine is the architecture as package sources and rpm name it.
func (s System) Machine() string {
	switch s.Arch {
	case "amd64":
		return "x86_64"
	case "arm64":
		return "aarch64"
	}
	return s.Arch
}

// String is the system in a message.
func (s System) String() string {
	return strings.Join(strings.Fields(s.Distro+" "+s.Release+" "+s.Arch), " ")
}

// Names are the units, files and directories of a family. Units are without their suffix.
type Names struct {
	Cron, Chrony, SSH string // units
	ChronyConf        string // what chrony reads
	Crontabs          string // where the crontabs of accounts are
	Sources           string // where files with package sources are
	SourceEnd         string // how the name of such a file ends
	Keys              string // where the keys of package sources are
	Anchors           string // where certificates are put that the system shall trust
	Postgres          string // where the programs of PostgreSQL are; $v is its release
	PostgresID        int    // the number of PostgreSQL's account and its group
}

var names = map[Family]Names{
	Debian: {
		Cron: "cron", Chrony: "chrony", SSH: "ssh",
		ChronyConf: "/etc/chrony/chrony.conf", Crontabs: "/var/spool/cron/crontabs",
		Sources: "/etc/apt/sources.list.d", SourceEnd: ".list", Keys: "/etc/apt/keyrings",
		Anchors: "/usr/local/share/ca-certificates", Postgres: "/usr/lib/postgresql/$v", PostgresID: 543,
	},
	EL: {
		Cron: "crond", Chrony: "chronyd", SSH: "sshd",
		ChronyConf: "/etc/chrony.conf", Crontabs: "/var/spool/cron",
		Sources: "/etc/yum.repos.d", SourceEnd: ".repo", Keys: "/etc/pki/rpm-gpg",
		Anchors: "/etc/pki/ca-trust/source/anchors", Postgres: "/usr/pgsql-$v", PostgresID: 26,
	},
}

// Names are those of the system; the zero value for one that nobody knows.
func (s System) Names() Names { return names[s.Family] }

// PostgresHome is the directory of the programs of a release of PostgreSQL.
func (s System) PostgresHome(version string) string {
	return strings.ReplaceAll(s.Names().Postgres, "$v", version)
}

// SourceFile is where the package sources of a module are written.
func (s System) SourceFile(module string) string {
	n := s.Names()
	return n.Sources + "/" + module + n.SourceEnd
}
