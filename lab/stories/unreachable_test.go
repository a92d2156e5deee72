package stories

import (
	"strings"
	"testing"
	"time"
)

func TestEtcdUnreachableNode(t *testing.T) {
	wanted(t)
	s := onThree(t)
	s.serve()
	s.converges(time.Minute)
	from := len(s.journal())

	s.must(s.node(3).Cut(s.Context()))
	s.onlyUnknown(s.unknown(3), 3)

	s.on(2, "chmod 666 /etc/etcd/etcd.pass")
	took := s.eventually(2*time.Minute, "healed on another node", func() bool { return s.on(2, "stat -c %a /etc/etcd/etcd.pass") == "640" })
	t.Logf("drift on another node was healed in %s meanwhile", round(took))

	s.commit("without the members that cannot be asked", fleet{members: []int{1, 2}, absent: []int{3}})
	head := s.git("rev-parse", "HEAD")
	s.stands(2*time.Minute, "a look at the commit", func(st status) bool { return st.Revision == head && st.State != "converging" })
	s.looks(2)
	if gone := containing(notes(s.journal()[from:], "intent"), "- "); len(gone) > 0 {
		t.Errorf("removed while nobody could see: %v", gone)
	}
	s.commit("with them again", fleet{members: []int{1, 2, 3}})
	s.must(s.node(3).Mend(s.Context()))
	t.Logf("converged %s after the network was back", round(s.converges(2*time.Minute)))
	s.isCluster([]int{1, 2, 3})
}

// unknown waits until something of a node is unknown.
func (s *story) unknown(n int) status {
	s.Helper()
	return s.stands(soon, "an unknown node", func(st status) bool { return st.Plan != nil && strings.Contains(st.reason(n), "? ") })
}

// onlyUnknown wants every step on the node to be unknown and no step elsewhere on a node.
func (s *story) onlyUnknown(st status, n int) {
	s.Helper()
	unknown := 0
	for _, step := range st.Plan.Steps {
		switch {
		case strings.HasSuffix(step.ID, "@"+address(n)) && step.Action == "?":
			unknown++
		case strings.Contains(step.ID, "@10."):
			s.Errorf("%s %s: want nothing but unknown, and only at node-%d", step.Action, step.ID, n)
		}
	}
	if unknown == 0 {
		s.Errorf("nothing is unknown at node-%d: %+v", n, st.Plan)
	}
}
