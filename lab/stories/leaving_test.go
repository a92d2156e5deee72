package stories

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// guest is how the inventory calls the fifth node: only its own lines tell how it is reached.
const guest = "10.10.10.99"

// household is three members of etcd and a guest. The third member is also a machine with aliases, and the
// load balancer of the first sends to the guest while that is there.
type household struct {
	members []int
	guest   []string // its lines; nil when it is not there
}

// home is the household in which everybody is there.
func home(more ...string) household {
	return household{members: []int{1, 2, 3}, guest: append(lines(), more...)}
}

func (h household) String() string {
	var b strings.Builder
	b.WriteString(head + "  children:\n    infra:\n      hosts:\n        10.10.10.10: { infra_seq: 1 }\n    machines:\n      hosts:\n")
	to := ""
	if h.guest != nil {
		to = ", { name: guest, ip: 10.10.10.14, port: 7777 }"
		fmt.Fprintf(&b, "        %s:\n          ansible_host: 10.10.10.14\n          nodename: node-5\n", guest)
		for _, line := range h.guest {
			b.WriteString("          " + line + "\n")
		}
	}
	fmt.Fprintf(&b, "        10.10.10.10:\n          nodename: node-1\n          haproxy_enabled: true\n"+
		"          haproxy_services: [ { name: web, port: 8080, servers: [ { name: home, ip: 10.10.10.10, port: 7777 }%s ] } ]\n", to)
	for _, n := range h.members[1:] {
		fmt.Fprintf(&b, "        %s: { nodename: node-%d, node_aliases: { member: 'true' } }\n", address(n), n)
	}
	b.WriteString("    etcd:\n      hosts:\n")
	for _, n := range h.members {
		fmt.Fprintf(&b, "        %s: { etcd_seq: %d }\n", address(n), n)
	}
	return b.String()
}

// TestNodeLeaves: a node that goes from the inventory, and a member of etcd that does, are reported as
// orphans, and nothing is done. Once somebody has agreed they are taken back in order, the node of the member
// only when that has left; accounts and data stay. When their lines come back, so do they.
func TestNodeLeaves(t *testing.T) {
	long(t)
	s := onBareNodes(t)
	s.serve()
	s.commit("a household", home())
	s.converges(3 * time.Minute)
	s.on(5, "echo precious >/data/keep")
	left := household{members: []int{1, 2}}
	before, from := [2]string{s.on(3, listing), s.on(5, listing)}, len(s.journal())

	s.commit("two leave", left)
	st := s.held(time.Minute)
	s.isOrphan(st, guest, "PS108", "unit:haproxy@"+guest)
	s.isOrphan(st, address(3), "PS109", "file:/etc/profile.d/node.alias.sh@"+address(3))
	s.objects(st, "PS101", "etcdmember:etcd-3@etcd")
	s.quietLooks(2, "held")
	for i, n := range []int{3, 5} {
		if diff := firstDifference(before[i], s.on(n, listing)); diff != "" {
			t.Errorf("node-%d was changed before somebody agreed: %s", n, diff)
		}
	}
	s.isCluster([]int{1, 2, 3})

	s.succeeds("approve", st.Plan.Digest)
	t.Logf("taken back %s after the approval", round(s.converges(2*time.Minute)))
	s.isCluster([]int{1, 2})
	did := notes(s.journal()[from:], "result")
	s.inOrder(did, "~ unit:haproxy@10.10.10.10", "- unit:haproxy@"+guest, "- file:/etc/haproxy/conf.d/web.cfg@"+guest, "- file:/etc/haproxy/haproxy.cfg@"+guest)
	s.inOrder(did, "- etcdmember:etcd-3@etcd", "- unit:etcd@"+address(3), "- file:/etc/profile.d/node.alias.sh@"+address(3))
	s.tookBack(5)
	s.on(5, "dpkg -s haproxy >/dev/null; id ops; sudo -n -u ops sudo -n true; grep -q ops /home/ops/.ssh/authorized_keys; grep -qx precious /data/keep")
	s.agrees()

	s.commit("both come back", home())
	s.converges(2 * time.Minute)
	s.isCluster([]int{1, 2, 3})
	for _, set := range settings {
		s.on(5, set.with)
	}
	s.on(3, "test -e /etc/profile.d/node.alias.sh")
	s.agrees()
}

// isOrphan wants a node to be told of as an orphan wherever that is told, and an objection to a step of it.
func (s *story) isOrphan(st status, node, code, id string) {
	s.Helper()
	s.objects(st, code, id)
	if !slices.ContainsFunc(st.Owners, func(o ownerState) bool { return o.Owner == "node/"+node && o.Orphan }) {
		s.Errorf("%s is no orphan among the owners %+v", node, st.Owners)
	}
	if n := s.metric("pigsync_orphan_items", `cluster="`+node+`"`); n == 0 {
		s.Errorf("no metric tells of the orphan %s", node)
	}
	if said := s.pigsync("status"); said.exit != 2 || !strings.Contains(said.out, "node/"+node+" has left the inventory: ") {
		s.Errorf("status, exit %d, says nothing of the orphan %s:\n%s", said.exit, node, said.out)
	}
	if said := s.pigsync("plan"); !strings.Contains(said.out, "orphan\n") || !strings.Contains(said.out, code) {
		s.Errorf("plan, exit %d, says nothing of the orphan %s:\n%s", said.exit, node, said.out)
	}
}

// inOrder wants the last time that each was done to be after that of the one before.
func (s *story) inOrder(did []string, want ...string) {
	s.Helper()
	last := -1
	for _, w := range want {
		at := -1
		for i, d := range did {
			if d == w {
				at = i
			}
		}
		if at <= last {
			s.Errorf("%q was done at %d, want it after %d: %v", w, at, last, did)
		}
		last = at
	}
}

// tookBack wants a node to have nothing of its units and files any more. Where a package went, its script for
// older systems stays as its configuration does, and systemctl is-enabled would speak of that.
func (s *story) tookBack(n int) {
	s.Helper()
	s.on(n, "! systemctl is-active haproxy && test \"$(systemctl show -P UnitFileState haproxy)\" != enabled && ! test -e /etc/haproxy/haproxy.cfg && ! test -e /etc/systemd/system/haproxy.service && "+
		"! grep -q ticked /etc/crontab && ! test -e /etc/sysctl.d/95-pigsync-net.ipv4.ip_nonlocal_bind.conf && test $(cat /proc/sys/net/ipv4/ip_nonlocal_bind) = 0 && "+
		"! test -e /etc/profile.d/node.alias.sh && ! test -e /etc/security/limits.d/limits.conf")
}

// TestNodeLeavesAltogether: packages, accounts and data go, too, when the inventory asked so; what was there
// before stays.
func TestNodeLeavesAltogether(t *testing.T) {
	long(t)
	s := onBareNodes(t)
	s.serve()
	s.on(5, "useradd before")
	whole := home("node_rm_pkg: true", "node_rm_user: true", "node_rm_data: true", "node_data: /srv/data", "node_packages: [ jq, openssh-server ]") // its /data is a disk of its own, which was there before
	whole.members = []int{1, 2}
	s.commit("a household", whole)
	s.converges(3 * time.Minute)
	s.on(5, "command -v jq; echo mine >/srv/data/keep")
	s.commit("the guest leaves", household{members: []int{1, 2}})
	st := s.held(time.Minute)
	s.isOrphan(st, guest, "PS108", "user:ops@"+guest)
	s.isOrphan(st, guest, "PS108", "dir:/srv/data@"+guest)
	s.succeeds("approve", st.Plan.Digest)
	s.converges(2 * time.Minute)
	s.tookBack(5)
	for _, gone := range []string{
		"! dpkg -s haproxy 2>/dev/null | grep -q ^Status:.*installed", "! command -v jq", "! id ops", "! test -e /etc/sudoers.d/ops", "! test -e /srv/data",
		"id before", "systemctl is-active ssh",
	} {
		s.on(5, gone)
	}
	s.agrees()
}

// TestNodeLeavesInTheDark: of a node that does not answer nobody knows what it has. It stays unknown, and the
// others go on, until somebody agrees to forget it.
func TestNodeLeavesInTheDark(t *testing.T) {
	long(t)
	s := onBareNodes(t)
	s.serve()
	dark := home()
	dark.members = []int{1, 2}
	s.commit("a household", dark)
	s.converges(3 * time.Minute)
	s.must(s.node(5).PowerCut(s.Context()))
	gone := s.commit("the guest leaves", household{members: []int{1, 2}})
	st := s.stands(2*time.Minute, "unknown", func(st status) bool {
		return st.State == "unknown" && st.Revision == gone && !slices.ContainsFunc(st.Plan.Steps, func(s step) bool { return s.Action != "?" })
	})
	s.isOrphan(st, guest, "PS108", "unit:haproxy@"+guest)
	s.on(1, "! grep -q 10.10.10.14 /etc/haproxy/conf.d/web.cfg")
	s.must(s.node(5).PowerOn(s.Context()))
	st = s.held(2 * time.Minute)
	s.isOrphan(st, guest, "PS108", "unit:haproxy@"+guest)
	s.must(s.node(5).PowerCut(s.Context()))
	st = s.stands(2*time.Minute, "unknown again", func(st status) bool { return st.State == "unknown" })
	s.succeeds("approve", st.Plan.Digest)
	s.converges(2 * time.Minute)
	s.must(s.node(5).PowerOn(s.Context()))
	s.commit("nothing else", household{members: []int{1, 2}})
	s.converges(2 * time.Minute)
	s.eventually(time.Minute, "it still has what it had", func() bool {
		_, err := s.node(5).Run(s.Context(), "systemctl", "is-active", "haproxy")
		return err == nil
	})
}
