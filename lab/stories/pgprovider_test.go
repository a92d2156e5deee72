package stories

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// provided is pg-test behind a balancer of its own, the fourth node.
type provided struct{ vars []string }

func (p provided) String() string {
	return inside{vars: append([]string{"pg_service_provider: balancers"}, p.vars...)}.String() +
		"    balancers:\n      hosts: { 10.10.10.13: { nodename: node-4 } }\n"
}

// TestPgsqlBalancersOfTheirOwn: the services move to nodes of their own and back, and of an edit there only these are
// touched, by a reload.
func TestPgsqlBalancersOfTheirOwn(t *testing.T) {
	long(t)
	s := onCluster(t)
	s.commit("a balancer of its own", provided{})
	s.convergesOnceApproved(5 * time.Minute)
	s.servesAt(4)
	s.quietLooks(2, "converged")

	began, from := s.on(4, "systemctl show -P ExecMainStartTimestampMonotonic haproxy"), len(s.journal())
	s.commit("other weights", provided{[]string{"pg_weight: 50"}})
	s.converges(time.Minute)
	var want []string
	for _, name := range []string{"default", "offline", "primary", "replica"} {
		want = append(want, "~ file:/etc/haproxy/conf.d/pg-test-"+name+".cfg@"+address(4))
	}
	did := acts(notes(s.journal()[from:], "result"))
	last := len(did) - 1
	slices.Sort(did[:max(last, 0)])
	s.wasDone("other weights", did, append(want, "~ unit:haproxy@"+address(4))...)
	if now := s.on(4, "systemctl show -P ExecMainStartTimestampMonotonic haproxy"); now != began {
		t.Errorf("HAProxy was started at %s, and before at %s", now, began)
	}
	s.on(4, "rm /etc/haproxy/conf.d/pg-test-replica.cfg; systemctl reload haproxy")
	s.converges(time.Minute)
	s.servesAt(4)

	s.commit("on the members again", inside{})
	s.convergesOnceApproved(5 * time.Minute)
	s.servesAt(1)
	s.agrees()
}

// servesAt wants all services at a node, the right member behind each, and none at any other node.
func (s *story) servesAt(n int) {
	s.Helper()
	for port, replica := range map[int]string{5433: "f", 5434: "t", 5436: "f", 5438: "t"} {
		s.eventually(time.Minute, fmt.Sprintf("port %d of node-%d", port, n), func() bool {
			out, err := s.node(1).Run(s.Context(), "env", "PGPASSWORD=App.Story", "PGCONNECT_TIMEOUT=10",
				"psql", "-h", address(n), "-p", fmt.Sprint(port), "-U", "app", "-d", "app", "-XAtc", "select pg_is_in_recovery()")
			return err == nil && strings.TrimSpace(out) == replica
		})
	}
	for other := 1; other <= 4; other++ {
		if (other == 4) != (n == 4) {
			s.eventually(time.Minute, fmt.Sprintf("no services on node-%d", other), func() bool {
				out, err := s.node(other).Run(s.Context(), "sh", "-c", "ss -Hltn 'sport = :5433 or sport = :5434 or sport = :5436 or sport = :5438'; ls /etc/haproxy/conf.d 2>/dev/null | grep pg-test; true")
				return err == nil && strings.TrimSpace(out) == ""
			})
		}
	}
}
