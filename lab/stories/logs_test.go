package stories

import (
	"strings"
	"testing"
	"time"
)

// standIn is a package that is called vector and reads files as vector is told to, but sends nothing: vector
// itself is not to be had here. It notes each time that it has read them.
const standIn = `d=/tmp/stand-in; mkdir -p $d/DEBIAN $d/usr/bin
printf 'Package: vector\nVersion: 0.0.1\nArchitecture: all\nMaintainer: story <story@localhost>\nDescription: stands in for vector\n' >$d/DEBIAN/control
cat >$d/usr/bin/vector <<'END'
#!/bin/sh
if [ "$1" = validate ]; then
	for f; do case "$f" in validate|--*) ;; *) grep -q '^sources:' "$f" || { echo "$f has no sources"; exit 1; } ;; esac; done
	exit 0
fi
note() { cat $VECTOR_CONFIG | sha256sum >>/run/vector.read; }
trap note HUP
note
while :; do sleep 1 & wait $!; done
END
chmod 755 $d/usr/bin/vector; dpkg-deb -b $d /tmp/vector.deb >/dev/null; dpkg -i /tmp/vector.deb >/dev/null`

// TestNodeLogs: the log agent reads every change of its files, its own and those that others put beside them,
// without a start. The agent is a stand-in: what is seen here is the handling of files and unit.
func TestNodeLogs(t *testing.T) {
	long(t)
	s := onBareNodes(t)
	s.on(2, standIn)
	s.serve()
	agent := func(more ...string) machine { return machine{append([]string{"vector_enabled: true"}, more...)} }
	s.commit("logs", agent())
	s.converges(2 * time.Minute)
	s.agrees()
	s.quietLooks(2, "converged")
	s.holds("the store is that of the infra host", "grep -q http://10.10.10.10:9428/insert /etc/vector/vector.yaml && test $(stat -c %a /etc/vector/node.yaml) = 600 && test $(stat -c %a /data/vector) = 700")
	s.holds("it was read once", "test $(wc -l </run/vector.read) = 1")
	life := s.life(2, "vector")

	s.heals("a file of another module", "echo 'sources: {}' >/etc/vector/other.yaml", "test $(wc -l </run/vector.read) = 2")
	s.commit("another store", agent("vector_log_endpoint: [ 'http://logs.story:9428' ]"))
	s.converges(time.Minute)
	s.holds("it is read", "grep -q logs.story /etc/vector/vector.yaml && test \"$(cat /etc/vector/*.yaml | sha256sum)\" = \"$(tail -n 1 /run/vector.read)\"")
	s.heals("an edited file", "sed -i s/logs.story/elsewhere/ /etc/vector/vector.yaml", "grep -q logs.story /etc/vector/vector.yaml")

	s.on(2, "echo 'nonsense: {}' >/etc/vector/other.yaml")
	s.commit("a third store, beside a file that is wrong", agent("vector_log_endpoint: [ 'http://third.story:9428' ]", "node_aliases: { a: b }"))
	st := s.stands(time.Minute, "a step that fails", func(st status) bool { return st.State == "failed" })
	if said := st.reason(2); !strings.Contains(said, "other.yaml has no sources") {
		t.Errorf("it is said: %s, want that a file has no sources", said)
	}
	s.holds("what was there, and the rest", "grep -q logs.story /etc/vector/vector.yaml && test -e /etc/profile.d/node.alias.sh")
	s.on(2, "echo 'sources: {}' >/etc/vector/other.yaml")
	s.converges(time.Minute)
	if s.life(2, "vector") != life {
		t.Error("the agent was started anew for what it reads again")
	}

	s.commit("no logs", machine{})
	s.converges(time.Minute)
	s.holds("what is left", "! systemctl is-active vector && ! systemctl is-enabled vector && ! test -e /etc/vector/vector.yaml && test -e /etc/vector/other.yaml && test -d /data/vector")
	s.on(2, "dpkg --purge --force-all vector 2>/dev/null")
	s.commit("an agent that nobody has", agent())
	st = s.stands(time.Minute, "a step that fails", func(st status) bool { return st.State == "failed" })
	if said := st.reason(2); !strings.Contains(said, "no package source offers vector") {
		t.Errorf("it is said: %s, want that no package source offers vector", said)
	}
}
