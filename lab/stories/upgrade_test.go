package stories

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// repacked makes a newer package of one that is installed, and installs it as somebody would by hand: no service is
// touched. The second script is run in its files.
const repacked = `export DEBIAN_FRONTEND=noninteractive; rm -rf /tmp/again; mkdir /tmp/again; chmod 777 /tmp/again; cd /tmp/again
apt-get -qq download %[1]s >/dev/null; dpkg-deb -R %[1]s_*.deb r; rm %[1]s_*.deb
sed -i 's/^Version: .*/Version: %[2]s/' r/DEBIAN/control
%[3]s
dpkg-deb -Znone --root-owner-group -b r new.deb >/dev/null
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d
dpkg --force-confold -i new.deb >/dev/null; rm /usr/sbin/policy-rc.d; rm -rf /tmp/again`

// versions is the inventory of the clusters with the versions of two packages, as "=17.5-1".
func versions(patroni, server string) written {
	text := strings.Replace(clusters{}.String(), " postgresql-$v,", " postgresql-$v"+server+",", 1)
	return written(strings.Replace(text, " patroni,", " patroni"+patroni+",", 1))
}

// TestPgsqlUpgrades: newer packages of Patroni and of PostgreSQL change nothing by themselves. Once the inventory names
// their versions the members take them up one after the other, the leader last: Patroni without any server stopping.
func TestPgsqlUpgrades(t *testing.T) {
	long(t)
	s := onClusters(t)
	s.serve()
	s.converges(3 * time.Minute)
	s.answersWith(5433, "create table if not exists shop.t(x int); select 1", "CREATE TABLE\n1")
	members := []string{pgMember(2), pgMember(3), pgMember(1)}

	for n := 1; n <= 3; n++ {
		s.on(n, fmt.Sprintf(repacked, "patroni", "4.9.9-1", `sed -i "s/^__version__ = .*/__version__ = '4.9.9'/" r/usr/lib/python3/dist-packages/patroni/version.py`))
	}
	s.quietLooks(2, "converged")
	ends, before := s.benches(), s.starts()
	s.wasDone("another Patroni", s.changes("another Patroni", versions("=4.9.9-1", "")), members...)
	ends("another Patroni")
	s.sameStarts(before)
	if got := s.on(1, "patronictl -c /etc/patroni/patroni.yml version pg-test"); strings.Count(got, "Patroni 4.9.9 ") != 3 {
		t.Errorf("not all members run it:\n%s", got)
	}
	s.isHealthy(1, 3)

	for n := 1; n <= 3; n++ {
		s.on(n, fmt.Sprintf(repacked, "postgresql-17", "17.99-1", ""))
	}
	s.quietLooks(2, "converged")
	ends = s.benches()
	s.wasDone("another server", s.changes("another server", versions("=4.9.9-1", "=17.99-1")), members...)
	ends("another server")
	if now := s.starts(); now == before {
		t.Errorf("no server was restarted:\n%s", now)
	}
	s.isHealthy(1, 3)
	s.quietLooks(2, "converged")
}
