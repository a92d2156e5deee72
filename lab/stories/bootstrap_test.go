package stories

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestEtcdBootstrapFromCommit(t *testing.T) {
	wanted(t)
	for _, members := range [][]int{{1, 2, 3}, {1}, {1, 2, 3, 4, 5}} {
		t.Run(fmt.Sprintf("%d members", len(members)), func(t *testing.T) {
			if len(members) != 3 {
				long(t)
			}
			s := onBareNodes(t)
			s.serve()
			s.commit("a cluster", fleet{members: members})
			took := s.converges(2 * time.Minute)
			t.Logf("from a commit to %d converged members on bare nodes: %s (wanted: 90 s for three)", len(members), round(took))
			s.isCluster(members)
			s.refusesStrangers(members[0])
			s.agrees()
		})
	}
}

// isCluster wants etcd itself to say that these are its members, all healthy and none a learner.
func (s *story) isCluster(members []int) {
	s.Helper()
	list := s.etcdctl(members[0], "member list")
	lines := strings.Split(list, "\n")
	if len(lines) != len(members) {
		s.Errorf("etcd lists %d members, want %d:\n%s", len(lines), len(members), list)
	}
	for _, m := range members {
		want := fmt.Sprintf(", started, etcd-%d, https://%s:2380, https://%s:2379, false", m, address(m), address(m))
		if !strings.Contains(list, want) {
			s.Errorf("etcd lists no%s:\n%s", want, list)
		}
	}
	health := s.etcdctl(members[0], "endpoint health --cluster 2>&1")
	if n := strings.Count(health, "is healthy"); n != len(members) {
		s.Errorf("%d endpoints are healthy, want %d:\n%s", n, len(members), health)
	}
}

// refusesStrangers wants that nobody reads without a password, and that no one speaks without TLS.
func (s *story) refusesStrangers(node int) {
	s.Helper()
	for what, args := range map[string]string{
		"without a name":      "--endpoints=https://127.0.0.1:2379 --cacert=/etc/pki/ca.crt get x",
		"with a bad password": "--endpoints=https://127.0.0.1:2379 --cacert=/etc/pki/ca.crt --user=root:wrong get x",
		"without TLS":         "--endpoints=http://127.0.0.1:2379 --command-timeout=2s --user=root:Etcd.Story get x",
	} {
		if out, err := s.node(node).Run(s.Context(), "sh", "-c", "ETCDCTL_API=3 etcdctl "+args); err == nil {
			s.Errorf("etcd answers %s: %s", what, out)
		}
	}
	s.etcdctl(node, "put story told")
	if got := s.etcdctl(node, "get --print-value-only story"); got != "told" {
		s.Errorf("etcd gives back %q, want %q", got, "told")
	}
}
