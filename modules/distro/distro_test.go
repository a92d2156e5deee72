package distro_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pigsync/pigsync/modules/distro"
	"github.com/pigsync/pigsync/resource"
)

var (
	trixie = distro.Of(resource.Facts{Distro: "debian", Release: "13", Codename: "trixie", Arch: "amd64", Packages: "deb"})
	noble  = distro.Of(resource.Facts{Distro: "ubuntu", Release: "24.04", Codename: "noble", Arch: "arm64", Packages: "deb"})
	rocky  = distro.Of(resource.Facts{Distro: "rocky", Release: "9.6", Arch: "amd64", Packages: "rpm"})
	alpine = distro.Of(resource.Facts{Distro: "alpine", Release: "3.21", Arch: "amd64", Packages: "apk"})
)

func TestSystems(t *testing.T) {
	for _, tt := range []struct {
		system                       distro.System
		major, machine, text, source string
	}{
		{trixie, "13", "x86_64", "debian 13 amd64", "/etc/apt/sources.list.d/infra.list"},
		{noble, "24", "aarch64", "ubuntu 24.04 arm64", "/etc/apt/sources.list.d/infra.list"},
		{rocky, "9", "x86_64", "rocky 9.6 amd64", "/etc/yum.repos.d/infra.repo"},
	} {
		s := tt.system
		if s.Major() != tt.major || s.Machine() != tt.machine || s.String() != tt.text || s.SourceFile("infra") != tt.source {
			t.Errorf("%s: %s, %s, %s", s, s.Major(), s.Machine(), s.SourceFile("infra"))
		}
	}
	if alpine.Family != "" || alpine.Names() != (distro.Names{}) || alpine.Defaults() != nil {
		t.Errorf("%+v", alpine)
	}
	if got := rocky.PostgresHome("17") + trixie.PostgresHome("17"); got != "/usr/pgsql-17/usr/lib/postgresql/17" {
		t.Errorf("got %s", got)
	}
}

func TestPackages(t *testing.T) {
	for _, tt := range []struct {
		system distro.System
		item   string
		want   string
	}{
		{trixie, "jq", "jq"},
		{trixie, "etcd|etcd-server=3.5*", "etcd|etcd-server=3.5*"},
		{trixie, "postgresql-$v-cron", "postgresql-17-cron"},
		{rocky, "pg_cron_${pg_version}", "pg_cron_17"},
		{trixie, "pgsql-main", "postgresql-17 postgresql-client-17 postgresql-plpython3-17 postgresql-plperl-17 postgresql-pltcl-17 " +
			"postgresql-17-repack postgresql-17-wal2json postgresql-17-pgvector"},
		{rocky, "pgsql-main", "postgresql17 postgresql17-server postgresql17-libs postgresql17-contrib postgresql17-plperl " +
			"postgresql17-plpython3 postgresql17-pltcl pg_repack_17 wal2json_17 pgvector_17"},
		{rocky, "pgsql-common", "patroni patroni-etcd pgbouncer pgbackrest pg-exporter pgbackrest-exporter vip-manager"},
		{alpine, "pgsql-common", "pgsql-common"},
		{trixie, "pgsql-common=1", "pgsql-common is an alias of several packages, which have no version in common"},
		{trixie, "pg_cron_17", "pg_cron_17 is no name of a package on Debian and its like: small letters, digits, +, - and dots"},
		{trixie, "jq=", "want a version after the =, which may end in *, or neither"},
		{trixie, "jq=1 2", "want a version after the =, which may end in *, or neither"},
		{trixie, "-o", "want the name of a package, and at most a version after it as in etcd=3.5.16-1"},
		{trixie, "a||b", "want the name of a package, and at most a version after it as in etcd=3.5.16-1"},
		{trixie, "", "want the name of a package, and at most a version after it as in etcd=3.5.16-1"},
	} {
		if got := spell(tt.system.Packages(tt.item, "17")); got != tt.want {
			t.Errorf("%s: %s: got %s", tt.system, tt.item, got)
		}
	}
}

func TestExtensions(t *testing.T) {
	for _, tt := range []struct {
		system distro.System
		item   string
		want   string
	}{
		{trixie, "postgis", "postgresql-17-postgis-3"},
		{rocky, "postgis", "postgis36_17"},
		{rocky, "timescaledb=2.20*", "timescaledb-tsl_17=2.20*"},
		{trixie, "pg_repack", "postgresql-17-repack"},
		{trixie, "pg_cron", "postgresql-17-pg-cron|pg-cron"},
		{trixie, "pgvector", "postgresql-17-pgvector|pgvector"},
		{rocky, "pg_cron", "pg_cron_17|pg_cron"},
		{rocky, "citus_$v", "citus_17"},
		{trixie, "postgresql-$v-citus", "postgresql-17-citus"},
		{trixie, "a|b", "a|b"},
		{trixie, "pgsql-core", "postgresql-17 postgresql-client-17 postgresql-plpython3-17 postgresql-plperl-17 postgresql-pltcl-17"},
		{trixie, "-", "want the name of a package, and at most a version after it as in etcd=3.5.16-1"},
	} {
		if got := spell(tt.system.Extension(tt.item, "17")); got != tt.want {
			t.Errorf("%s: %s: got %s", tt.system, tt.item, got)
		}
	}
}

// What an alias is for can be done without some of its packages, and not without others.
func TestOptional(t *testing.T) {
	for _, s := range []distro.System{trixie, rocky} {
		found, err := s.Packages("pgsql-common", "17")
		if err != nil {
			t.Fatal(err)
		}
		var optional []string
		for _, p := range found {
			if p.Optional {
				optional = append(optional, p.Name)
			}
		}
		if slices.Contains(optional, "patroni") || len(optional) < 3 {
			t.Errorf("%s: %v", s, optional)
		}
	}
}

func spell(list []distro.Package, err error) string {
	if err != nil {
		return err.Error()
	}
	var words []string
	for _, p := range list {
		if p.Version != "" {
			p.Name += "=" + p.Version
		}
		words = append(words, p.Name)
	}
	return strings.Join(words, " ")
}

// What the tables hold are names that the package manager of the family takes, and each of them once.
func TestTables(t *testing.T) {
	takes := map[distro.Family]*regexp.Regexp{
		distro.Debian: regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+$`), distro.EL: regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9+._-]*$`),
	}
	for _, s := range []distro.System{trixie, rocky} {
		all := s.Defaults()
		for _, alias := range distro.Aliases() {
			members, err := s.Packages(alias, "18")
			if err != nil || len(members) == 0 {
				t.Errorf("%s: %s: %v, %v", s, alias, members, err)
			}
			for _, m := range members {
				if m.Alias != alias {
					t.Errorf("%s: %s does not say that it stands for %s", s, m.Name, alias)
				}
				all = append(all, strings.Split(m.Name, "|")...)
			}
		}
		for _, name := range all {
			if !takes[s.Family].MatchString(name) { // alternatives were taken apart
				t.Errorf("%s: no name for a package: %q", s, name)
			}
		}
		if list := slices.Sorted(slices.Values(s.Defaults())); len(slices.Compact(list)) != len(s.Defaults()) {
			t.Errorf("%s: a default package is there twice", s)
		}
	}
}

// A name that no table knows stands for itself, on every system.
func TestUnknownNamesStandForThemselves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a-z0-9][a-z0-9+.-]{1,12}`).Filter(func(s string) bool { return !slices.Contains(distro.Aliases(), s) }).Draw(t, "name")
		s := rapid.SampledFrom([]distro.System{trixie, noble, rocky, alpine}).Draw(t, "system")
		if got := spell(s.Packages(name, "18")); got != name {
			t.Fatalf("%s: %s became %s", s, name, got)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("etcd|etcd-server=3.5*")
	f.Add("a=b=c")
	f.Fuzz(func(t *testing.T, item string) {
		p, err := distro.Parse(item)
		if err != nil {
			return
		}
		if strings.ContainsAny(p.Name+p.Version, " \n\t/;'\"$") || strings.HasPrefix(p.Name, "-") || strings.HasPrefix(p.Version, "-") {
			t.Errorf("%q became %+v", item, p)
		}
		if again := spell([]distro.Package{p}, nil); again != item {
			t.Errorf("%q became %q", item, again)
		}
	})
}
