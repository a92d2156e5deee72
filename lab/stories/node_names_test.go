package stories

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// crew is an inventory of three machines that know each other: the lines are for all, and of is for one more.
type crew struct {
	vars []string
	of   map[int]string // further vars of a node: ", name: value"
}

func (c crew) String() string {
	var b strings.Builder
	b.WriteString(head + "  children:\n    infra: { hosts: { 10.10.10.10: { infra_seq: 1 } } }\n    crew:\n      hosts:\n")
	for n := 1; n <= 3; n++ {
		fmt.Fprintf(&b, "        %s: { nodename: node-%d%s }\n", address(n), n, c.of[n])
	}
	b.WriteString("      vars:\n        node_timezone: UTC\n")
	for _, v := range c.vars {
		b.WriteString("        " + v + "\n")
	}
	return b.String()
}

const sshToThird = "sudo -n -u ops ssh -o BatchMode=yes -o ConnectTimeout=5 10.10.10.12 hostname | grep -qx node-3"

// known are the lines of a crew, and what holds on its second machine with each and without it.
var known = []struct{ line, with, without string }{
	{"nodename_exchange: true", "grep -qx '10.10.10.12 node-3 # pigsty meta' /etc/hosts", "! grep -q 'pigsty meta' /etc/hosts && grep -q localhost /etc/hosts"},
	{"node_dns_method: add", "true", "true"},
	{
		"node_dns_servers: [ 10.10.10.1, '${admin_ip}' ]",
		"sed -n 2,3p /etc/resolv.conf | tr '\\n' ' ' | grep -qx 'nameserver 10.10.10.1 nameserver 10.10.10.10 ' && grep -q '^options timeout:1 attempts:1' /etc/resolv.conf",
		"! grep -q pigsty /etc/resolv.conf && grep -qx 'nameserver 10.10.10.1' /etc/resolv.conf",
	},
	{"node_ntp_enabled: true", "systemctl is-active chrony && systemctl is-enabled chrony", "systemctl is-active chrony"}, // it stays, with its own settings
	{
		"node_ntp_servers: [ 'server ${admin_ip} iburst' ]",
		"chronyc -n sources | grep -c '^^' | grep -qx 1 && chronyc -n sources | grep -q 10.10.10.10 && ! grep -q '^pool' /etc/chrony/chrony.conf",
		"! grep -q pigsty /etc/chrony/chrony.conf && grep -q '^pool' /etc/chrony/chrony.conf && ! test -e /etc/chrony/sources.d/pigsty.sources",
	},
	{"node_admin_enabled: true", "test $(id -u ops) = 1088", "id ops"},
	{"node_admin_username: ops", "true", "true"},
	{"node_admin_uid: 1088", "true", "true"},
	{"node_admin_pk_list: [ '" + opsKey + "' ]", "grep -qx '" + opsKey + "' /home/ops/.ssh/authorized_keys", "! grep -q '" + opsKey + "' /home/ops/.ssh/authorized_keys"},
	{"node_admin_ssh_exchange: true", sshToThird, "! grep -q 'pigsty exchange' /home/ops/.ssh/authorized_keys && ! test -e /etc/ssh/ssh_config.d/pigsty.conf && test -s /home/ops/.ssh/id_ed25519"},
}

func crewLines(but ...string) (out []string) {
	for _, k := range known {
		if name, _, _ := strings.Cut(k.line, ":"); !slices.Contains(but, name) {
			out = append(out, k.line)
		}
	}
	return out
}

// TestNodeNames: machines learn each other's names, clocks, resolvers and keys, keep them, have them healed, and
// give them back.
func TestNodeNames(t *testing.T) {
	long(t)
	s := onBareNodes(t)
	s.on(2, "mkdir -p /home/old && echo '10.9.9.9 mine # minio dns' >>/etc/hosts")
	s.serve()
	s.commit("a crew", crew{vars: crewLines()})
	t.Logf("converged after %s", round(s.converges(3*time.Minute)))
	for _, k := range known {
		s.holds(k.line, k.with)
	}
	s.holds("the profile", "bash -lc 'echo $PATH' | grep -q /usr/pgsql/bin && test \"$(bash -lc 'echo $HISTSIZE')\" = 10000")
	s.agrees()
	s.quietLooks(2, "converged")

	chronyd := s.on(2, "pidof chronyd")
	for _, harm := range []struct{ name, script, healed string }{
		{"the names", "sed -i '/pigsty meta/d' /etc/hosts", known[0].with},
		{"the resolvers", "printf 'nameserver 10.10.10.1\\noptions timeout:1 attempts:1\\n' >/etc/resolv.conf", known[2].with},
		{"the sources", "rm /etc/chrony/sources.d/pigsty.sources; chronyc reload sources", known[4].with},
		{"a source of nobody", "echo 'pool x.example' >>/etc/chrony/chrony.conf", known[4].with},
		{"the pair of keys", "rm /home/ops/.ssh/id_ed25519", sshToThird},
		{"the keys let in", "sed -i 's/^ssh/# ssh/' /home/ops/.ssh/authorized_keys", known[8].with + " && grep -q '^ssh.* ops@10.10.10.12 # pigsty exchange$' /home/ops/.ssh/authorized_keys"},
		{"the profile", "rm /etc/profile.d/node.sh", "test -s /etc/profile.d/node.sh"},
	} {
		s.on(2, harm.script)
		s.eventually(time.Minute, harm.name+" is healed", func() bool {
			_, err := s.node(2).Run(s.Context(), "sh", "-ec", harm.healed)
			return err == nil
		})
	}
	s.converges(time.Minute)
	s.commit("another source", crew{vars: append(crewLines("node_ntp_servers"), "node_ntp_servers: [ 'server ${admin_ip} iburst', 'server 10.10.10.12 iburst' ]")})
	s.converges(time.Minute)
	s.holds("another source", "chronyc -n sources | grep -c '^^' | grep -qx 2")
	if now := s.on(2, "pidof chronyd"); now != chronyd {
		t.Errorf("chronyd was restarted: %s, was %s", now, chronyd)
	}

	s.commit("all goes", crew{})
	s.converges(2 * time.Minute)
	for _, k := range known {
		s.holds("without "+k.line, k.without)
	}
	s.holds("what is somebody else's", "grep -qx '10.9.9.9 mine # minio dns' /etc/hosts")
	s.agrees()
	s.numberTaken()
}

// numberTaken: the number of somebody else is refused, and all else goes on.
func (s *story) numberTaken() {
	s.Helper()
	s.commit("a number that is taken", crew{
		vars: []string{"node_aliases: { later: 'true' }"},
		of:   map[int]string{2: ", node_admin_enabled: true, node_admin_username: late, node_admin_uid: 1088"},
	})
	s.eventually(time.Minute, "the number is refused", func() bool {
		return slices.ContainsFunc(s.journal(), func(r record) bool {
			return strings.Contains(fmt.Sprint(r), "uid 1088 is already that of ops: choose a number that nobody has")
		})
	})
	s.eventually(time.Minute, "all else goes on", func() bool {
		_, err := s.node(2).Run(s.Context(), "sh", "-ec", "grep -q later /etc/profile.d/node.alias.sh && ! id late && id ops")
		return err == nil
	})
	s.commit("as before", crew{})
	s.converges(time.Minute)
}
