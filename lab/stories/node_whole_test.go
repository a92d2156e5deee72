package stories

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// whole are lines for the second node with which it has all of NODE that the sandbox's kernel takes, with
// an address, a firewall that lets the story in, and containers.
var whole = append(lines("node_timezone", "haproxy_enabled", "haproxy_services"),
	"node_timezone: UTC", settings[8].line, settings[9].line,
	"nodename_exchange: true", "node_dns_method: add", "node_dns_servers: [ 10.10.10.1 ]",
	"node_ntp_enabled: true", "node_ntp_servers: [ 'server 10.10.10.10 iburst' ]",
	"node_firewall_mode: zone", "node_firewall_intranet: [ 10.10.10.0/24 ]", "node_firewall_public_port: [ 22 ]",
	"node_tune: oltp", "node_exporter_enabled: true", "docker_enabled: true",
	"vip_enabled: true", "vip_address: "+sharedAddress, "vip_vrid: 77",
	"node_packages: [ nftables ]",
)

// breakages are what is done to a node of which the whole is seen, and what holds once it is healed: what no
// other story does.
var breakages = []struct{ name, script, healed string }{
	{"the name", "hostname elsewhere; echo elsewhere >/etc/hostname", "test $(hostname) = node-2 && grep -qx node-2 /etc/hostname"},
	{"a line of the hosts", "sed -i '/one.story/d' /etc/hosts", "grep -qx '10.10.10.10 one.story # pigsty dns' /etc/hosts"},
	{"the authority's certificate", "echo nonsense >/etc/pki/ca.crt", "openssl verify -CAfile /etc/pki/ca.crt /etc/pki/ca.crt"},
	{"the trust in it", "rm /usr/local/share/ca-certificates/*; update-ca-certificates --fresh", "openssl verify -CApath /etc/ssl/certs /etc/pki/ca.crt"},
	{"the data directory", "chmod 700 /data", "test $(stat -c %a /data) = 755"},
	{"the package source", "rm /etc/apt/sources.list.d/local.list", "test -s /etc/apt/sources.list.d/local.list"},
	{"a kernel parameter at the next boot", "rm /etc/sysctl.d/95-pigsync-*", "grep -qx 'net.ipv4.ip_nonlocal_bind = 1' /etc/sysctl.d/95-pigsync-*"},
	{"the aliases", "echo >/etc/profile.d/node.alias.sh", settings[3].with},
	{"the administrator's shell", "usermod -s /bin/sh ops", "getent passwd ops | grep -q ':/bin/bash$'"},
	{"the administrator's home", "chown root:root /home/ops; chmod 777 /home/ops", "test $(stat -c %U:%G:%a /home/ops) = ops:admin:700"},
	{"a chrony that was switched off", "systemctl disable --now chrony", "systemctl is-active chrony && systemctl is-enabled chrony"},
	{"an address on the wrong side", "systemctl disable --now keepalived", "systemctl is-enabled keepalived && ip -o addr | grep -q 'inet " + sharedAddress + "/'"},
}

// given is what holds on a node before it gets the whole of NODE, and again when it has left.
const given = "! grep -q pigsty /etc/hosts /etc/resolv.conf /etc/crontab /etc/chrony/chrony.conf 2>/dev/null &&" +
	"! nft list table inet pigsync && ! test -e /etc/nftables.d/pigsync.nft && ! systemctl cat pigsync-firewall &&" +
	"! ls /etc/sysctl.d/95-pigsync* && test $(cat /proc/sys/net/ipv4/ip_nonlocal_bind) = 0 &&" +
	"! test -e /etc/security/limits.d/limits.conf && ! test -e /etc/profile.d/node.sh && ! test -e /etc/profile.d/node.alias.sh &&" +
	"! test -e /etc/default/prometheus-node-exporter && ! test -e /etc/haproxy/haproxy.cfg && ! test -e /etc/haproxy/conf.d/web.cfg &&" +
	"! test -e /etc/keepalived/keepalived.conf && ! test -e /etc/docker/daemon.json && ! grep -rqs '^summary=pigsty' /etc/tuned &&" +
	"for u in haproxy keepalived docker docker.socket prometheus-node-exporter; do if systemctl is-active $u || systemctl is-enabled $u; then exit 1; fi; done &&" +
	"! ip -o addr | grep -q 'inet " + sharedAddress + "/'"

// TestNodeWhole: a machine gets the whole of NODE at once, has all of it healed, and gives it back when it
// leaves. A client of its load balancer keeps its connection until then.
func TestNodeWhole(t *testing.T) {
	long(t)
	wholeStory(t, onBareNodes(t))
}

func wholeStory(t *testing.T, s *story) {
	t.Helper()
	s.answers(3)
	s.on(2, given)
	s.serve()
	s.commit("a balancer", machine{[]string{settings[8].line, settings[9].line}})
	s.converges(5 * time.Minute)
	c := s.talks(2)
	s.commit("the whole", machine{whole})
	t.Logf("all of NODE converged after %s", round(s.converges(10*time.Minute)))
	c.still(s, "through all of NODE")
	s.agrees()
	s.quietLooks(2, "converged")
	s.holds("the parts that leave", "nft list table inet pigsync && systemctl is-active docker keepalived prometheus-node-exporter chrony && test $(cat /etc/tuned/active_profile) = oltp")

	for _, harm := range breakages {
		s.on(2, harm.script)
		s.eventually(2*time.Minute, harm.name+" is healed", func() bool { return s.is(2, harm.healed) })
	}
	s.converges(2 * time.Minute)
	c.still(s, "through drift")

	s.commit("node-2 leaves", withoutSecond{machine{}})
	st := s.held(2 * time.Minute)
	s.isOrphan(st, address(2), "PS108", "unit:haproxy@"+address(2))
	c.still(s, "until somebody agrees")
	s.succeeds("approve", st.Plan.Digest)
	s.converges(5 * time.Minute)
	s.on(2, given)
	s.holds("accounts, packages, name and clock stay", "id ops && dpkg -s haproxy docker.io keepalived && test $(hostname) = node-2 && systemctl is-active chrony ssh && grep -q '^pool' /etc/chrony/chrony.conf")
	s.agrees()
}

// withoutSecond is the inventory of a machine that has left.
type withoutSecond struct{ machine }

func (w withoutSecond) String() string {
	text := w.machine.String()
	from := strings.Index(text, "        10.10.10.11:\n")
	to := strings.Index(text, "        10.10.10.12:")
	return text[:from] + text[to:]
}

// TestNodeWholeOnDebian12 is the same on the release before.
func TestNodeWholeOnDebian12(t *testing.T) {
	long(t)
	wholeStory(t, onBookworm(t, "-b"))
}

// lockouts are lines that cut the hand off, what is done to the node so that they do, and what holds of it as
// soon as they have undone themselves.
var lockouts = []struct{ name, instead, line, harm, back string }{
	{"sudo that asks for a password", "node_admin_sudo", "node_admin_sudo: all", "", "sudo -n -u dba sudo -n true"},
	{"keys without ours", "node_admin_pk_list", "node_admin_pk_list: [ '" + opsKey + "' ]", "", "test $(grep -c '^ssh-' /home/dba/.ssh/authorized_keys) = 2"},
	{
		"resolvers that nobody has", "node_dns_method", "node_dns_method: overwrite",
		"echo 'UseDNS yes' >/etc/ssh/sshd_config.d/names.conf; systemctl reload ssh", "! grep -q 10.10.10.250 /etc/resolv.conf",
	},
}

// TestNodeLocksNobodyOut: a sudo rule, a set of keys and a resolver by which the hand cannot come in any more
// undo themselves on the node; all else goes on, and the way in is as it was.
func TestNodeLocksNobodyOut(t *testing.T) {
	long(t)
	s := onBareNodes(t)
	s.serve()
	right := []string{
		"node_admin_enabled: true", "node_admin_username: dba", "node_admin_uid: 1099", "node_admin_sudo: nopass", "node_admin_ssh_exchange: false",
		"node_admin_pk_current: false", "node_admin_pk_list: [ '" + s.on(2, "cat /home/dba/.ssh/authorized_keys") + "', '" + opsKey + "' ]",
		"node_dns_method: none", "node_dns_servers: [ 10.10.10.250, 10.10.10.251, 10.10.10.252 ]", "node_dns_options: [ 'options timeout:20 attempts:5' ]",
	}
	for _, lock := range lockouts {
		s.commit("as it should be", machine{right})
		s.converges(4 * time.Minute)
		s.on(2, lock.back)
		if lock.harm != "" {
			s.on(2, lock.harm)
		}
		from := len(s.journal())
		vars := slices.DeleteFunc(slices.Clone(right), func(line string) bool { return strings.HasPrefix(line, lock.instead+":") })
		s.commit(lock.name, machine{append(vars, lock.line, "node_aliases: { lock: \"echo "+lock.instead+"\" }")})
		s.eventually(3*time.Minute, "the trial of "+lock.name+" has failed", func() bool {
			return slices.ContainsFunc(s.journal()[from:], func(r record) bool { return strings.Contains(r.Data.Err, "undoes itself") })
		})
		s.stop() // or it tries again as soon as the way in is back
		s.eventually(3*time.Minute, "undone: "+lock.name, func() bool { return s.is(2, lock.back+" && ! ls /etc/systemd/system/pigsync-undo-*") })
		s.on(2, "grep -q "+lock.instead+" /etc/profile.d/node.alias.sh")
		s.serve()
	}
	s.commit("as it should be", machine{right})
	s.converges(4 * time.Minute)
	s.agrees()
}
