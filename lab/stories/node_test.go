package stories

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// machine is an inventory with all that NODE does to one machine, the second; the third answers for a
// service of its load balancer.
type machine struct{ vars []string }

func (m machine) String() string {
	return head + "  children:\n    infra:\n      hosts:\n        10.10.10.10: { infra_seq: 1, nodename: node-1 }\n" +
		"    machines:\n      hosts:\n        10.10.10.11:\n          nodename: node-2\n          " +
		strings.Join(m.vars, "\n          ") + "\n        10.10.10.12: { nodename: node-3 }\n"
}

const opsKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8mTsJVBz0Z8wDWvmM4Rm3uO5D0dJ0VbXkxyGSFbk7j ops"

// settings are one line each of the inventory, and what holds on the machine with it and without it.
var settings = []struct{ line, with, without string }{
	{"node_timezone: Asia/Tokyo", "test $(date +%Z) = JST", "test $(date +%Z) = JST"}, // it stays
	{"node_crontab: [ '* * * * * root touch /run/ticked' ]", "grep -q '^[*] [*] [*] [*] [*] root touch /run/ticked # pigsty crontab$' /etc/crontab", "! grep -q ticked /etc/crontab"},
	{
		"node_sysctl_params: { net.ipv4.ip_nonlocal_bind: 1 }",
		"test $(cat /proc/sys/net/ipv4/ip_nonlocal_bind) = 1 && grep -q nonlocal /etc/sysctl.d/95-pigsync-net.ipv4.ip_nonlocal_bind.conf",
		"test $(cat /proc/sys/net/ipv4/ip_nonlocal_bind) = 0 && ! test -e /etc/sysctl.d/95-pigsync-net.ipv4.ip_nonlocal_bind.conf",
	},
	{"node_aliases: { hello: \"echo 'hi there'\" }", "printf 'shopt -s expand_aliases\\n. /etc/profile.d/node.alias.sh\\nhello\\n' | bash | grep -qx 'hi there'", "! test -e /etc/profile.d/node.alias.sh"},
	{"node_admin_enabled: true", "test $(id -u ops) = 1088 && sudo -n -u ops sudo -n true", "id ops && ! test -e /etc/sudoers.d/ops"},                       // the account stays
	{"node_admin_username: ops", "test $(getent passwd ops | cut -d: -f6) = /home/ops && test $(stat -c %U:%G /home/ops) = ops:admin", "test -d /home/ops"}, // it stays
	{"node_admin_uid: 1088", "test $(id -u ops) = 1088 && test $(getent group admin | cut -d: -f3) = 1088", "test $(stat -c %u /home/ops) = 1088"},
	{"node_admin_pk_list: [ '" + opsKey + "' ]", "grep -q '" + opsKey + "' /home/ops/.ssh/authorized_keys", "! grep -q ops /home/ops/.ssh/authorized_keys"},
	{"haproxy_enabled: true", "systemctl is-active haproxy && systemctl is-enabled haproxy", "! systemctl is-active haproxy && ! test -e /etc/haproxy/conf.d/web.cfg"},
	{"haproxy_services: [ { name: web, port: 8080, servers: [ { name: a, ip: 10.10.10.12, port: 7777 } ] } ]", "ss -ltn | grep -q :8080", "! ss -ltn | grep -q :8080"},
}

func lines(but ...string) (out []string) {
	for _, s := range settings {
		if name, _, _ := strings.Cut(s.line, ":"); !slices.Contains(but, name) {
			out = append(out, s.line)
		}
	}
	return out
}

// TestNode: a bare machine gets all that its lines say, keeps it, has it healed, and gives it back. A
// client of the load balancer keeps its connection through all of that.
func TestNode(t *testing.T) {
	wanted(t)
	s := onBareNodes(t)
	s.answers(3)
	s.serve()
	s.commit("a machine", machine{lines()})
	t.Logf("converged after %s", round(s.converges(3*time.Minute)))
	for _, set := range settings {
		s.holds(set.line, set.with)
	}
	s.agrees()
	s.quietLooks(2, "converged")
	c := s.talks(2)

	for _, harm := range []struct{ name, script, did, healed string }{
		{"crontab", "sed -i /ticked/d /etc/crontab", "+ lines:/etc/crontab#pigsty crontab@", settings[1].with},
		{"sysctl", "echo 0 >/proc/sys/net/ipv4/ip_nonlocal_bind", "~ sysctl:net.ipv4.ip_nonlocal_bind@", settings[2].with},
		{"sudoers", "echo 'ops ALL=(ALL) ALL' >/etc/sudoers.d/ops", "~ guarded:/etc/sudoers.d/ops@", settings[4].with},
		// What somebody else put there stays, and a reload makes sure of what the program has read.
		{"a service of nobody", "printf 'listen x\\n  bind *:8099\\n' >/etc/haproxy/conf.d/x.cfg", "~ unit:haproxy@", "ss -ltn | grep -q :8099 && test -e /etc/haproxy/conf.d/x.cfg"},
		{"the service's file", "rm /etc/haproxy/conf.d/web.cfg; systemctl reload haproxy", "+ file:/etc/haproxy/conf.d/web.cfg@", settings[9].with},
		{"the limits", "rm /etc/security/limits.d/limits.conf", "+ file:/etc/security/limits.d/limits.conf@", "test -s /etc/security/limits.d/limits.conf"},
		{"the time zone", "ln -sf ../usr/share/zoneinfo/UTC /etc/localtime", "~ timezone:node@", settings[0].with},
	} {
		from := len(s.journal())
		s.on(2, harm.script)
		s.eventually(time.Minute, harm.name+" is healed", func() bool {
			_, err := s.node(2).Run(s.Context(), "sh", "-ec", harm.healed)
			return err == nil && slices.Contains(notes(s.journal()[from:], "result"), harm.did+address(2))
		})
	}
	s.converges(time.Minute)
	s.commit("another service", machine{append(lines("haproxy_services"), strings.Replace(settings[9].line, "[ { name: web", "[ { name: more, port: 8081 }, { name: web", 1))})
	s.converges(time.Minute)
	s.eventually(time.Minute, "another service", func() bool { // the new worker is told to begin, and takes its time
		_, err := s.node(2).Run(s.Context(), "sh", "-ec", "ss -ltn | grep -q :8081")
		return err == nil
	})
	c.still(s, "through drift and a new service")

	s.commit("all but the load balancer goes", machine{[]string{settings[8].line, settings[9].line}})
	s.converges(2 * time.Minute)
	c.still(s, "through the rest")
	for _, set := range settings[:8] {
		s.holds("without "+set.line, set.without)
	}
	s.agrees()
}

// TestNodeLockOut: a change that cuts the hand off undoes itself on the node; all else goes on.
func TestNodeLockOut(t *testing.T) {
	long(t)
	s := onBareNodes(t)
	s.serve()
	s.commit("a machine", machine{[]string{"node_timezone: UTC"}})
	s.converges(2 * time.Minute)
	// The administrator by whom the hand comes in needs a password for sudo, and has none.
	s.on(2, "cat /etc/sudoers.d/* >/root/sudoers.before")
	s.commit("no way in", machine{[]string{
		"node_admin_enabled: true", "node_admin_username: dba", "node_admin_uid: 1099", "node_admin_sudo: all", "node_aliases: { a: b }",
	}})
	s.eventually(2*time.Minute, "the trial has failed", func() bool {
		return slices.ContainsFunc(s.journal(), func(r record) bool { return strings.Contains(fmt.Sprint(r), "undoes itself") })
	})
	s.eventually(2*time.Minute, "the way in is back", func() bool {
		_, err := s.node(2).Run(s.Context(), "sh", "-ec", "cat /etc/sudoers.d/* | cmp - /root/sudoers.before")
		return err == nil
	})
	s.holds("the rest", "test -e /etc/profile.d/node.alias.sh")
	s.commit("as before", machine{[]string{"node_timezone: UTC"}})
	s.converges(2 * time.Minute)
}

func (s *story) holds(what, script string) {
	s.Helper()
	if out, err := s.node(2).Run(s.Context(), "sh", "-ec", script); err != nil {
		s.Errorf("%s: %s: %v: %s", what, script, err, out)
	}
}

// answers repeats on a node whatever comes in at port 7777.
func (s *story) answers(n int) {
	s.Helper()
	s.on(n, "printf '[Socket]\\nListenStream=7777\\nAccept=yes\\n' >/run/systemd/system/echo.socket;"+
		"printf '[Service]\\nExecStart=cat\\nStandardInput=socket\\n' >/run/systemd/system/echo@.service; systemctl start echo.socket")
}

// conversation is a client's connection through the load balancer.
type conversation struct {
	conn net.Conn
	in   *bufio.Reader
	said int
}

func (s *story) talks(n int) *conversation {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 10*time.Second)
	defer cancel()
	conn, err := s.lab.Dial(ctx, "tcp", address(n)+":8080")
	s.must(err)
	s.Cleanup(func() { conn.Close() })
	c := &conversation{conn: conn, in: bufio.NewReader(conn)}
	c.still(s, "at first")
	return c
}

// still fails unless the same connection answers.
func (c *conversation) still(s *story, when string) {
	s.Helper()
	c.said++
	word := fmt.Sprintf("word %d\n", c.said)
	s.must(c.conn.SetDeadline(time.Now().Add(30 * time.Second)))
	if _, err := c.conn.Write([]byte(word)); err != nil {
		s.Fatalf("the client's connection %s: %v", when, err)
	}
	if got, err := c.in.ReadString('\n'); err != nil || got != word {
		s.Fatalf("the client's connection %s: %q, %v", when, got, err)
	}
}
