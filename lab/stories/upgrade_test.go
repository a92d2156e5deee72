package stories

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// repacked makes a newer package of one that is installed, and offers it in a source of packages on the node. The second
// script is run in its files.
const repacked = `export DEBIAN_FRONTEND=noninteractive; rm -rf /tmp/again; mkdir /tmp/again; chmod 777 /tmp/again; cd /tmp/again
apt-get -qq download %[1]s >/dev/null; dpkg-deb -R %[1]s_*.deb r; rm %[1]s_*.deb
sed -i 's/^Version: .*/Version: %[2]s/' r/DEBIAN/control
%[3]s
mkdir -p /srv/again; dpkg-deb -Znone --root-owner-group -b r /srv/again/%[1]s.deb >/dev/null; cd /srv/again; rm -rf /tmp/again
for f in *.deb; do dpkg-deb -f $f; printf 'Filename: ./%%s\nSize: %%s\nSHA256: %%s\n\n' $f $(stat -c %%s $f) $(sha256sum $f | cut -d' ' -f1); done >Packages
echo 'deb [trusted=yes] file:/srv/again ./' >/etc/apt/sources.list.d/again.list; apt-get -qq update`

// installs installs a version of a package as a careful somebody would: no service is touched. %s is a word of the shell.
const installs = `export DEBIAN_FRONTEND=noninteractive; printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d
apt-get -qq install -y --allow-downgrades -o Dpkg::Options::=--force-confold %[1]s=%[2]s >/dev/null; rm /usr/sbin/policy-rc.d`

// before is the version of a package that another one came after.
func before(name, version string) string {
	return fmt.Sprintf("$(apt-cache madison %s | awk '$3 != \"%s\" {print $3; exit}')", name, version)
}

// versions is the inventory of the clusters with the versions of two packages, as "=17.5-1".
func versions(patroni, server string) written {
	text := strings.Replace(clusters{}.String(), " postgresql-$v,", " postgresql-$v"+server+",", 1)
	return written(strings.Replace(text, " patroni,", " patroni"+patroni+",", 1))
}

// TestPgsqlUpgrades: newer packages of Patroni and of PostgreSQL change nothing by themselves, neither installed by hand nor
// offered. Once the inventory names their versions the members take them up one after the other, the leader last:
// Patroni without any server stopping. What somebody takes back by hand comes again.
func TestPgsqlUpgrades(t *testing.T) {
	long(t)
	s := onClusters(t)
	s.serve()
	s.converges(3 * time.Minute)
	s.answersWith(5433, "create table if not exists shop.t(x int); select 1", "CREATE TABLE\n1")
	members := []string{pgMember(2), pgMember(3), pgMember(1)}
	const patroni, server = "4.9.9-1", "17.99-1"

	for n := 1; n <= 3; n++ {
		s.on(n, fmt.Sprintf(repacked, "patroni", patroni, `sed -i "s/^__version__ = .*/__version__ = '4.9.9'/" r/usr/lib/python3/dist-packages/patroni/version.py`))
		s.on(n, fmt.Sprintf(installs, "patroni", patroni))
	}
	s.quietLooks(2, "converged")
	ends, starts := s.benches(), s.starts()
	s.wasDone("another Patroni", s.changes("another Patroni", versions("="+patroni, "")), members...)
	ends("another Patroni")
	s.sameStarts(starts)
	if got := s.on(1, "patronictl -c /etc/patroni/patroni.yml version pg-test"); strings.Count(got, "Patroni 4.9.9 ") != 3 {
		t.Errorf("not all members run it:\n%s", got)
	}
	s.isHealthy(1, 3)

	for n := 1; n <= 3; n++ {
		s.on(n, fmt.Sprintf(repacked, "postgresql-17", server, ""))
	}
	s.quietLooks(2, "converged")
	ends = s.benches()
	did := s.changes("another server", versions("="+patroni, "="+server))
	slices.Sort(did[:min(3, len(did))])
	s.wasDone("another server", did, append(each("~ package:postgresql-17"), members...)...)
	ends("another server")
	if now := s.starts(); now == starts {
		t.Errorf("no server was restarted:\n%s", now)
	}
	s.isHealthy(1, 3)

	ends, starts = s.benches(), s.starts()
	s.wasDone("the old Patroni by hand", s.drifts(3, "the old Patroni", fmt.Sprintf(installs, "patroni", before("patroni", patroni))), "~ package:patroni@"+address(3))
	s.sameStarts(starts)
	s.wasDone("the old server by hand", s.drifts(2, "the old server", fmt.Sprintf(installs, "postgresql-17", before("postgresql-17", server))),
		"~ package:postgresql-17@"+address(2), pgMember(2))
	ends("packages by hand")
	s.isHealthy(1, 3)
	s.quietLooks(2, "converged")
}
