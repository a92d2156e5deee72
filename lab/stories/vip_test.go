package stories

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// shared is an inventory in which some nodes share an address.
type shared struct {
	nodes []int
	vars  string // further ones of those nodes
}

const sharedAddress = "10.10.10.99"

func (i shared) String() string {
	text := head + "  children:\n    infra:\n      hosts:\n        10.10.10.10: { infra_seq: 1, nodename: node-1 }\n    machines:\n      hosts:\n"
	for n := 2; n <= 4; n++ {
		role := map[bool]string{true: "master", false: "backup"}[n == 2]
		more := ""
		if slices.Contains(i.nodes, n) {
			more = fmt.Sprintf(", vip_enabled: true, vip_address: %s, vip_vrid: 77, vip_role: %s%s", sharedAddress, role, i.vars)
		}
		text += fmt.Sprintf("        %s: { nodename: node-%d%s }\n", address(n), n, more)
	}
	return text
}

// holders are the nodes that have the shared address; one that is off has none.
func (s *story) holders() (have []int) {
	for n := 2; n <= 4; n++ {
		if _, err := s.node(n).Run(s.Context(), "sh", "-c", "ip -o addr | grep -q 'inet "+sharedAddress+"/'"); err == nil {
			have = append(have, n)
		}
	}
	return have
}

func (s *story) heldBy(n int) {
	s.Helper()
	var have []int
	if !poll(s.Context(), 30*time.Second, 50*time.Millisecond, func() bool { have = s.holders(); return slices.Equal(have, []int{n}) }) {
		s.Fatalf("nodes %v have the address, want node-%d alone", have, n)
	}
}

// watchesAddresses notes on a node every address that comes or goes, from now on.
func (s *story) watchesAddresses(n int) {
	s.Helper()
	s.on(n, "systemd-run -q --unit=moves sh -c 'exec ip -o monitor address >/run/moves'; until pgrep -f 'ip -o monitor' >/dev/null; do :; done")
}

// TestNodeVIP: nodes share an address. It moves when its holder dies, and never for a change of the
// configuration.
func TestNodeVIP(t *testing.T) {
	long(t)
	s := onBareNodes(t)
	s.serve()
	s.commit("an address", shared{nodes: []int{2, 3}, vars: ", vip_preempt: true"})
	s.converges(2 * time.Minute)
	s.heldBy(2)
	s.agrees()
	s.quietLooks(2, "converged")
	s.holds("a file of secrets", "test $(stat -c %a:%U /etc/keepalived/keepalived.conf) = 600:root")

	lives := []string{s.life(2, "keepalived"), s.life(3, "keepalived")}
	s.watchesAddresses(2)
	s.watchesAddresses(3)
	s.commit("a third node, and no preemption", shared{nodes: []int{2, 3, 4}})
	s.converges(time.Minute)
	s.holds("the third node is a peer", "grep -q "+address(4)+" /etc/keepalived/keepalived.conf")
	s.heals("an edited file", "sed -i 's/priority.*/priority 1/' /etc/keepalived/keepalived.conf; systemctl reload keepalived", "grep -q 'priority 150' /etc/keepalived/keepalived.conf")
	s.heldBy(2)
	for n, life := range map[int]string{2: lives[0], 3: lives[1]} {
		if s.life(n, "keepalived") != life {
			t.Errorf("keepalived of node-%d was started anew for a change of its configuration", n)
		}
		if moves := s.on(n, "cat /run/moves"); moves != "" {
			t.Errorf("addresses have moved on node-%d: %s", n, moves)
		}
	}

	s.must(s.node(2).PowerCut(s.Context()))
	s.eventually(time.Minute, "another node has the address", func() bool { return len(s.holders()) == 1 })
	heir := s.holders()[0]
	s.must(s.node(2).PowerOn(s.Context()))
	s.converges(time.Minute)
	s.heldBy(heir)

	if !testing.Short() {
		s.heals("a stopped keepalived", "systemctl stop keepalived", "systemctl is-active keepalived")
		s.heals("a file that everybody may read", "chmod 644 /etc/keepalived/keepalived.conf", "test $(stat -c %a /etc/keepalived/keepalived.conf) = 600")
	}

	s.commit("no address", shared{})
	s.converges(time.Minute)
	if have := s.holders(); len(have) > 0 {
		t.Errorf("nodes %v still have the address", have)
	}
	s.holds("what is left", "! systemctl is-active keepalived && ! systemctl is-enabled keepalived && ! test -e /etc/keepalived/keepalived.conf")
	s.agrees()
}
