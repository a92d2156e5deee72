package stories

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// walled is an inventory of three machines with a firewall each: the second node has nftables alone, the
// third ufw, the fourth firewalld.
type walled struct {
	nodes []int  // which of them
	vars  string // of each
}

var tools = map[int]string{2: "psmisc", 3: "ufw", 4: "firewalld"}

func (w walled) String() string {
	var b strings.Builder
	b.WriteString(head + "  children:\n    infra:\n      hosts:\n        10.10.10.10: { infra_seq: 1, nodename: node-1 }\n    walled:\n      hosts:\n")
	for _, n := range w.nodes {
		fmt.Fprintf(&b, "        %s: { nodename: node-%d, node_packages: [ %s ]%s }\n", address(n), n, tools[n], w.vars)
	}
	return b.String()
}

// zone asks for a firewall that trusts the first node alone.
func zone(ports string) string {
	return ", node_firewall_mode: zone, node_firewall_intranet: [ 10.10.10.10/32, 192.168.0.0/16, fd00::/8 ], node_firewall_public_port: [ " + ports + " ]"
}

// reaches tells whether a node gets through to a port of another.
func (s *story) reaches(from, to int, port string) bool {
	s.Helper()
	_, err := s.node(from).Run(s.Context(), "timeout", "2", "bash", "-c", "exec 3<>/dev/tcp/"+address(to)+"/"+port)
	return err == nil
}

// TestNodeFirewall: three tools set up a firewall, each has its rules healed however they were harmed,
// keeps what others have asked it for, and gives back what was ours.
func TestNodeFirewall(t *testing.T) {
	wanted(t)
	s := onBareNodes(t)
	nodes := []int{2, 3, 4}
	if testing.Short() {
		nodes = nodes[:1]
	}
	for _, n := range nodes {
		s.answers(n)
	}
	s.serve()
	s.commit("firewalls", walled{nodes, zone("22, 80")})
	t.Logf("converged after %s", round(s.converges(3*time.Minute)))
	for _, n := range nodes {
		if !s.guards(n) {
			t.Errorf("node %d does not let in whom it should", n)
		}
	}
	s.onEach(nodes, map[int]string{ // what others ask of it
		3: "ufw allow 9000/tcp; ufw allow 9001/tcp",
		4: "firewall-cmd --add-port=9000/tcp; firewall-cmd --permanent --add-port=9001/tcp",
	})
	s.quietLooks(2, "converged")
	for _, harm := range []struct {
		n            int
		name, script string
	}{
		{2, "the table is gone", "nft flush ruleset"},
		{2, "the way is barred", "nft flush chain inet pigsync wanted; nft add rule inet pigsync wanted tcp dport 22 accept"},
		{2, "the door is open", "nft insert rule inet pigsync wanted accept"},
		{2, "the file is gone", "rm /etc/nftables.d/pigsync.nft"},
		{2, "it is disabled", "systemctl disable --now pigsync-firewall"},
		{3, "a rule is gone", "ufw delete allow from 10.10.10.10"},
		{3, "the chain is empty", "iptables -F ufw-user-input"},
		{3, "it is off", "ufw --force disable"},
		{4, "a port is closed for now", "firewall-cmd --policy=pigsync --remove-port=22/tcp"},
		{4, "a network is let in", "firewall-cmd --policy=pigsync --add-rich-rule='rule family=ipv4 source address=10.0.0.0/8 accept'"},
		{4, "the policy is gone", "rm /etc/firewalld/policies/pigsync.xml"},
		{4, "it is stopped", "systemctl disable --now firewalld"},
	} {
		if !slices.Contains(nodes, harm.n) {
			continue
		}
		s.on(harm.n, harm.script)
		s.eventually(time.Minute, harm.name+" is healed", func() bool { return s.guards(harm.n) })
	}
	s.commit("other ports", walled{nodes, zone("22, 7777")})
	s.converges(time.Minute)
	for _, n := range nodes {
		if !s.reaches(5, n, "7777") {
			t.Errorf("node %d is closed to a port that was opened", n)
		}
	}
	s.onEach(nodes, map[int]string{
		3: "ufw status | grep -q 9000; ! ufw status | grep -q '^80/tcp'",
		4: "firewall-cmd --permanent --list-ports | grep -q 9001; ! firewall-cmd --info-policy pigsync | grep -q 80/tcp",
	})

	s.commit("nobody's affair", walled{nodes: nodes})
	s.converges(time.Minute)
	s.onEach(nodes, map[int]string{
		2: "! nft list table inet pigsync && ! test -e /etc/nftables.d/pigsync.nft && ! systemctl cat pigsync-firewall",
		3: "! grep -q 70696773796e63 /etc/ufw/user.rules && grep -q 9000 /etc/ufw/user.rules && ufw status | grep -q inactive",
		4: "! test -e /etc/firewalld/policies/pigsync.xml && grep -q 9001 /etc/firewalld/zones/public.xml",
	})
	s.commit("no firewall", walled{nodes, ", node_firewall_mode: 'off'"})
	s.converges(time.Minute)
	s.onEach(nodes, map[int]string{3: "ufw --force enable", 4: "systemctl enable --now firewalld"})
	for _, n := range nodes {
		s.eventually(time.Minute, "it is off", func() bool { return s.reaches(5, n, "7777") })
	}
	s.converges(time.Minute)
}

// guards tells whether a node lets in whom it should and nobody else, now and after its next start.
func (s *story) guards(n int) bool {
	s.Helper()
	_, err := s.node(n).Run(s.Context(), "sh", "-ec", map[int]string{
		2: "nft list chain inet pigsync wanted | grep -q 'dport 80 '; test -s /etc/nftables.d/pigsync.nft; systemctl is-enabled pigsync-firewall",
		3: "ufw status | grep -q '80/tcp.*# pigsync'; ufw status | grep -q '10.10.10.10 .*# pigsync'; systemctl is-enabled ufw",
		4: "firewall-cmd --info-policy pigsync | grep -q 80/tcp; grep -q 10.10.10.10 /etc/firewalld/policies/pigsync.xml; systemctl is-enabled firewalld",
	}[n])
	return err == nil && s.reaches(1, n, "7777") && !s.reaches(5, n, "7777") && s.reaches(5, n, "22")
}

// onEach runs on each of the nodes what is for it.
func (s *story) onEach(nodes []int, scripts map[int]string) {
	s.Helper()
	for _, n := range nodes {
		if script, ok := scripts[n]; ok {
			s.on(n, script)
		}
	}
}

// TestNodeFirewallLockOut: a firewall that cuts the hand off undoes itself on the node; all else goes on.
// firewalld is not among them: its own zone lets ssh in, whatever ours do.
func TestNodeFirewallLockOut(t *testing.T) {
	long(t)
	s, nodes := onBareNodes(t), []int{2, 3}
	s.serve()
	s.commit("firewalls", walled{nodes, zone("22")})
	s.converges(3 * time.Minute)
	// The admin node is trusted; that the hand comes from elsewhere no inventory knows.
	s.commit("no way in", walled{nodes, zone("80") + ", node_aliases: { a: b }"})
	s.eventually(3*time.Minute, "the trials have failed", func() bool {
		failed := 0
		for _, n := range nodes {
			if slices.ContainsFunc(s.journal(), func(r record) bool {
				return strings.Contains(r.Data.Err, "undoes itself") && strings.Contains(r.Data.Err, address(n))
			}) {
				failed++
			}
		}
		return failed == len(nodes)
	})
	s.stop() // or it tries again as soon as the way in is back
	for _, n := range nodes {
		s.eventually(2*time.Minute, "the way in is back", func() bool { return s.reaches(5, n, "22") })
		s.on(n, "test -e /etc/profile.d/node.alias.sh")
	}
	s.serve()
	s.commit("as before", walled{nodes, zone("22")})
	s.converges(3 * time.Minute)
}
