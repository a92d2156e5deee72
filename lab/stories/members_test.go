package stories

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestEtcdGrowsAndShrinks(t *testing.T) {
	wanted(t)
	s := onThree(t)
	s.serve()
	s.converges(time.Minute)
	w := s.writesTo(1, 2, 3, 4, 5)

	t.Log("two members join, one at a time, each as a learner first")
	from := len(s.journal())
	s.commit("two more members", fleet{members: []int{1, 2, 3, 4, 5}})
	t.Logf("grown from three to five in %s", round(s.converges(3*time.Minute)))
	s.isCluster([]int{1, 2, 3, 4, 5})
	s.joinedInTurn(s.journal()[from:])

	t.Log("one leaves, once somebody has agreed")
	s.commit("one member less", fleet{members: []int{1, 2, 3, 4}})
	st := s.held(time.Minute)
	s.objects(st, "PS101", "etcdmember:etcd-5@etcd")
	s.isCluster([]int{1, 2, 3, 4, 5})
	s.succeeds("approve", st.Plan.Digest)
	t.Logf("gone %s after the approval", round(s.converges(2*time.Minute)))
	s.isCluster([]int{1, 2, 3, 4})
	if out := s.on(5, "ls -d /data/etcd /etc/etcd 2>/dev/null || true; systemctl is-active etcd || true"); out != "inactive" {
		t.Errorf("the fifth node still has: %s", out)
	}
	w.lostNothing()
}

func TestEtcdSettingRollsThrough(t *testing.T) {
	wanted(t)
	s := onThree(t)
	s.serve()
	s.converges(time.Minute)
	w := s.writesTo(1, 2, 3)
	leader, from := s.leader(), len(s.journal())
	s.commit("slower heartbeats", fleet{members: []int{1, 2, 3}, vars: []string{"etcd_heartbeat_interval: 150"}})
	t.Logf("rolled through three members in %s", round(s.converges(3*time.Minute)))
	w.lostNothing()
	for n := 1; n <= 3; n++ {
		s.on(n, "grep -q 'heartbeat-interval: 150' /etc/etcd/etcd.conf")
	}
	restarts := s.inTurn(s.journal()[from:], "unit:etcd@")
	if len(restarts) != 3 || restarts[2] != "~ unit:etcd@"+address(leader) {
		t.Errorf("restarted in the order %v, want three, and last the leader, node-%d", restarts, leader)
	}
	s.isCluster([]int{1, 2, 3})
}

// leader is the number of the member that leads.
func (s *story) leader() int {
	s.Helper()
	var ends []struct {
		Endpoint string
		Status   struct {
			Header struct {
				MemberID uint64 `json:"member_id"`
			}
			Leader uint64
		}
	}
	s.must(json.Unmarshal([]byte(s.etcdctl(1, "endpoint status -w json")), &ends))
	for _, e := range ends {
		for n := 1; n <= 5; n++ {
			if e.Status.Leader == e.Status.Header.MemberID && strings.Contains(e.Endpoint, address(n)+":") {
				return n
			}
		}
	}
	s.Fatalf("nobody leads: %+v", ends)
	return 0
}

// inTurn wants the steps on what the part names to have run one after the other, and gives them.
func (s *story) inTurn(records []record, part string) (order []string) {
	s.Helper()
	open := ""
	for _, r := range records {
		what := r.Data.Step.Action + " " + r.Data.Step.ID
		if !strings.Contains(what, part) {
			continue
		}
		switch r.Kind {
		case "intent":
			if open != "" {
				s.Errorf("%s began before %s had ended", what, open)
			}
			open = what
			order = append(order, what)
		case "result":
			open = ""
		}
	}
	return order
}

// joinedInTurn wants the second new member to be added only when the first votes.
func (s *story) joinedInTurn(records []record) {
	s.Helper()
	var got []string
	for _, what := range notes(records, "result") {
		if strings.HasPrefix(what, "+ etcdmember:") || strings.HasPrefix(what, "+ etcdvoter:") || strings.HasPrefix(what, "~ etcdvoter:") {
			got = append(got, what[len("+ "):])
		}
	}
	want := []string{"etcdmember:etcd-4@etcd", "etcdvoter:etcd-4@etcd", "etcdmember:etcd-5@etcd", "etcdvoter:etcd-5@etcd"}
	if !slices.Equal(got, want) {
		s.Errorf("they joined as %v, want %v", got, want)
	}
}

// objects wants an objection with the code about a step on the resource.
func (s *story) objects(st status, code, id string) {
	s.Helper()
	for _, o := range st.Objections {
		if o.Code == code && st.Plan.Steps[o.Step].ID == id {
			return
		}
	}
	s.Errorf("no %s about %s in %+v", code, id, st.Objections)
}

func TestEtcdSafeguard(t *testing.T) {
	long(t)
	s := onThree(t)
	guarded := fleet{members: []int{1, 2, 3}, vars: []string{"etcd_safeguard: true"}}
	s.commit("a safeguard", guarded)
	s.serve()
	s.converges(time.Minute)
	guarded.members = []int{1, 2}
	s.commit("one member less, in spite of it", guarded)
	st := s.held(time.Minute)
	s.objects(st, "PS102", "etcdmember:etcd-3@etcd")
	s.succeeds("approve", st.Plan.Digest)
	s.stands(20*time.Second, "another look, with the approval", func(st status) bool {
		return containsRecord(s.journal(), "approved") && st.State == "held"
	})
	s.quietLooks(3, "held")
	s.isCluster([]int{1, 2, 3})
	t.Log("without the safeguard, in a commit of its own, it asks for approval")
	s.commit("no safeguard", fleet{members: []int{1, 2, 3}})
	s.converges(time.Minute)
	s.commit("another member less", fleet{members: []int{1, 3}})
	st = s.held(time.Minute)
	s.objects(st, "PS101", "etcdmember:etcd-2@etcd")
	s.isCluster([]int{1, 2, 3})
}

// quietLooks waits for n more looks that all come to the same state.
func (s *story) quietLooks(n int, state string) {
	s.Helper()
	last := s.status().Seen
	for range n {
		st := s.stands(time.Minute, "another look", func(st status) bool { return st.Seen.After(last) })
		if last = st.Seen; st.State != state {
			s.Errorf("a look came to %s, want %s: %s", st.State, state, st.Error)
		}
	}
}

func containsRecord(records []record, kind string) bool {
	return slices.ContainsFunc(records, func(r record) bool { return r.Kind == kind })
}

func TestEtcdReplacesALostDisk(t *testing.T) {
	long(t)
	s := onThree(t)
	s.serve()
	s.converges(time.Minute)
	s.etcdctl(1, "put before the-loss")
	s.must(s.node(2).LoseDisk(s.Context(), "data"))
	s.must(s.node(2).PowerCut(s.Context()))
	s.must(s.node(2).PowerOn(s.Context()))
	st := s.held(2 * time.Minute)
	s.objects(st, "PS101", "etcdmember:etcd-2@etcd")
	if list := s.etcdctl(1, "member list"); strings.Count(list, "\n") != 2 {
		t.Errorf("the members changed before somebody agreed:\n%s", list)
	}
	if is := s.on(2, "systemctl is-active etcd || true; systemctl is-enabled etcd || true"); is != "inactive\ndisabled" {
		t.Errorf("etcd without its data is %q while it waits, want it to be quiet", is)
	}
	s.succeeds("approve", st.Plan.Digest)
	t.Logf("replaced %s after the approval", round(s.converges(2*time.Minute)))
	s.isCluster([]int{1, 2, 3})
	if got := s.on(2, ". /etc/profile.d/etcdctl.sh; ETCDCTL_ENDPOINTS=https://127.0.0.1:2379 etcdctl get --print-value-only before"); got != "the-loss" {
		t.Errorf("the new member says %q, want what was written before", got)
	}
	s.agrees()
}

func TestEtcdOneGrowsToThree(t *testing.T) {
	long(t)
	s := onBareNodes(t)
	s.serve()
	s.commit("one member", fleet{members: []int{1}})
	s.converges(2 * time.Minute)
	w := s.writesTo(1)
	s.commit("three members", fleet{members: []int{1, 2, 3}})
	t.Logf("grown from one to three in %s", round(s.converges(3*time.Minute)))
	w.lostNothing()
	s.isCluster([]int{1, 2, 3})
	s.agrees()
}
