package stories

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pigsync/pigsync/lab"
)

// shelf is what the second node has packages from beside the lab's own repository: a directory with
// packages made on the spot, in two versions, of which the first would start a service.
const shelf = `
mkdir -p /srv/shelf && cd /srv/shelf
for i in one two three; do ln -sfn shelf /srv/shelf-$i; done
pack() {
	mkdir -p r/DEBIAN r/usr/lib/systemd/system r/usr/share/$1
	printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: story <story@localhost>\nDescription: story\n' $1 $2 >r/DEBIAN/control
	printf '[Service]\nExecStart=sleep infinity\n[Install]\nWantedBy=multi-user.target\n' >r/usr/lib/systemd/system/$1.service
	printf '#!/bin/sh\nset -e\nsystemctl daemon-reload\ndeb-systemd-invoke start %s.service || true\n%s\n' $1 "$3" >r/DEBIAN/postinst
	chmod 755 r/DEBIAN/postinst
	dpkg-deb --root-owner-group -b r $1_$2.deb >/dev/null
	printf '%s\nFilename: ./%s\nSize: %s\nSHA256: %s\n\n' "$(cat r/DEBIAN/control)" $1_$2.deb "$(stat -c %s $1_$2.deb)" "$(sha256sum $1_$2.deb | cut -d' ' -f1)" >>Packages
	rm -r r
}
`

// packs makes a package on the second node.
func (s *story) packs(name, version, postinst string) {
	s.Helper()
	s.on(2, shelf+"pack "+name+" "+version+" '"+postinst+"'")
}

// shelved is an inventory line with the sources of the lab and of the node's own shelf, which has several
// names: one that is new is fetched.
func shelved(mark string) string {
	return "repo_upstream: [ { name: lab, module: local, baseurl: { default: 'http://10.10.10.1/pigsty/${distro_codename} ./' } }," +
		" { name: shelf, module: shelf, baseurl: { default: 'file:/srv/shelf-" + mark + " ./' } } ]"
}

// TestNodePackages: packages come in the versions named, from the sources named; what cannot be had is
// told, and all else goes on; what somebody holds stays; sources of others go aside and come back.
func TestNodePackages(t *testing.T) {
	wanted(t)
	packagesStory(t, onBareNodes(t))
}

// TestNodePackagesOnDebian12 is the same on the release before.
func TestNodePackagesOnDebian12(t *testing.T) {
	long(t)
	packagesStory(t, onBookworm(t, "-p"))
}

// onBookworm begins a story on three bare nodes of Debian 12.
func onBookworm(t testing.TB, name string) *story {
	t.Helper()
	s := &story{TB: t, stage: stageOf(t, name, nodesOf(lab.Bookworm, 3))}
	s.prepare(nil)
	return s
}

func packagesStory(t *testing.T, s *story) {
	t.Helper()
	s.packs("shelved", "1.0-1", "true")
	s.on(2, "printf 'Types: deb\\nURIs: http://192.0.2.1/debian\\nSuites: stable\\nComponents: main\\n' >/etc/apt/sources.list.d/dead.sources")
	s.serve()
	sources := []string{shelved("one"), "node_repo_modules: local,shelf"}
	s.commit("packages", machine{append(sources, "node_packages: [ 'jq lsof', 'shelved=1.0*', psmisc ]")})
	t.Logf("converged after %s", round(s.converges(2*time.Minute)))
	s.holds("installed, and no service of a package runs", "command -v jq lsof killall && ! systemctl is-active shelved && ! test -e /usr/sbin/policy-rc.d")
	s.holds("sources of others are theirs", "test -e /etc/apt/sources.list.d/dead.sources")
	s.holds("a version is kept from others", "grep -q 'Pin: version 1.0[*]' /etc/apt/preferences.d/pigsync.pref")
	s.agrees()

	s.on(2, "apt-get -qq remove jq >/dev/null")
	s.eventually(time.Minute, "jq is back", func() bool { return s.is(2, "command -v jq") })

	s.packs("shelved", "2.0-1", "true")
	sources[0] = shelved("two")
	s.commit("another version, and sources of nobody else", machine{append(sources, "node_packages: [ jq, 'shelved=2.0*' ]", "node_repo_remove: true")})
	s.converges(2 * time.Minute)
	s.holds("the version", "test $(dpkg-query -W -f '${Version}' shelved) = 2.0-1")
	s.holds("aside", "cd /etc/apt/sources.list.d && ! test -e dead.sources && test -e dead.sources.pigsync.disabled")
	moved := s.on(2, "stat -c %z /etc/apt/sources.list.d/dead.sources.pigsync.disabled")
	s.agrees()
	s.quietLooks(2, "converged")
	if again := s.on(2, "stat -c %z /etc/apt/sources.list.d/dead.sources.pigsync.disabled"); again != moved {
		t.Errorf("the source was set aside again: at %s, and at %s", moved, again)
	}

	s.unlucky(append(sources, "node_repo_remove: true"))
	s.commit("as at first", machine{[]string{"node_packages: [ jq ]"}})
	s.converges(2 * time.Minute)
	s.holds("given back, and our own source gone", "cd /etc/apt/sources.list.d && test -e dead.sources && ! test -e dead.sources.pigsync.disabled && ! test -e shelf.list")
	s.on(2, "apt-mark unhold lsof >/dev/null; dpkg --purge unlucky 2>/dev/null")
	s.holds("packages stay, versions are free", "dpkg-query -W lsof shelved && ! test -e /etc/apt/preferences.d/pigsync.pref")
	s.agrees()
	if !testing.Short() {
		s.latest()
	}
}

// latest asks for whatever is offered last, and gets the next version when that is offered.
func (s *story) latest() {
	s.Helper()
	for i, version := range []string{"2.1-1", "2.2-1"} {
		mark := []string{"newest", "newer"}[i]
		s.on(2, "ln -sfn shelf /srv/shelf-"+mark)
		s.packs("shelved", version, "true")
		s.commit("the newest", machine{[]string{shelved(mark), "node_repo_modules: local,shelf", "node_packages: [ jq, 'shelved=latest' ]", "node_repo_remove: true"}})
		s.converges(2 * time.Minute)
		s.holds("the newest", "test $(dpkg-query -W -f '${Version}' shelved) = "+version)
		s.agrees()
		s.quietLooks(2, "converged")
	}
}

// unlucky wants what cannot be had: a package of nobody, one whose script fails, another version of one that
// somebody holds, and an older one. Each is told with its line, and what is well among them is done.
func (s *story) unlucky(sources []string) {
	s.Helper()
	s.packs("unlucky", "1.0-1", "exit 7")
	s.on(2, "apt-mark hold lsof >/dev/null")
	sources[0] = shelved("three")
	s.commit("what cannot be had", machine{append(sources, "node_packages: [ socat, no-such-package, unlucky, 'lsof=1:99', tcsh-of-nobody|make ]")})
	s.eventually(2*time.Minute, "the rest is there", func() bool { return s.is(2, "command -v socat make") })
	s.tells("no-such-package", "no package source offers no-such-package")
	s.tells("unlucky", "error processing package unlucky")
	s.tells("lsof", "lsof is held at")
	if !testing.Short() {
		s.commit("an older one", machine{append(sources, "node_packages: [ 'shelved=1.0-1' ]")})
		s.tells("shelved", "downgrade")
	}
	s.holds("nothing was taken back", "test $(dpkg-query -W -f '${Version}' shelved) = 2.0-1 && dpkg-query -W -f '${db:Status-Abbrev}' lsof | grep -q hi")
}

// tells waits until the status says of a package of the second node where it is asked for, and what is wrong.
func (s *story) tells(pkg, what string) {
	s.Helper()
	says := regexp.MustCompile(`package:` + pkg + `@10\.10\.10\.11 +pigsty\.yml:\d+:\d+\n +\S.*` + what)
	var said string
	s.eventually(time.Minute, pkg+": "+what, func() bool {
		said = s.pigsync("status").out
		return says.MatchString(said)
	})
	s.Logf("%s", says.FindString(said))
}

// is tells whether a script succeeds on a node.
func (s *story) is(n int, script string) bool {
	_, err := s.node(n).Run(s.Context(), "sh", "-ec", script)
	return err == nil
}

// TestNodeDefaultPackages: what every node has by default comes as far as it is offered, and the rest is
// left out without a word of trouble.
func TestNodeDefaultPackages(t *testing.T) {
	long(t)
	s := onBareNodes(t)
	s.serve()
	s.commitText("the default", strings.ReplaceAll(machine{[]string{"node_aliases: {}"}}.String(), "    node_default_packages: []\n", ""))
	t.Logf("converged after %s", round(s.converges(5*time.Minute)))
	s.holds("what is offered", "command -v jq git htop lsof rsync && ! dpkg-query -W pig")
	s.agrees()
	s.quietLooks(2, "converged")
}
