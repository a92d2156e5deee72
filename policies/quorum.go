package policies

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

const stops = resource.Restart | resource.Topology

// Quorum holds what would stop or remove a member of an etcd cluster that could not spare one, or
// of which nobody knows. A member that is down may be removed, and starting one is never held. A
// moment without a quorum may be approved: a cluster of two could change no setting otherwise. Who is taken off the
// list does not come back in a moment, so that this waits until the rest is a quorum, approved or not.
func Quorum() *Policy {
	return &Policy{
		Name: "quorum",
		Doc:  "holds what would cost an etcd cluster its quorum",
		Judge: func(c *Case) []Objection {
			return eachStep(c, Hold, "PS104", func(s diff.Step) string {
				cluster, of := strings.CutPrefix(s.Owner, "etcd/")
				if !of || s.Hazard()&stops == 0 {
					return ""
				}
				return quorumReason(c, c.Have[resource.EtcdClusterOf(cluster)], s)
			})
		},
	}
}

// unsure says why an etcd may agree on nothing now, "" where it does, or where there is none.
func unsure(s resource.State) string {
	cluster, lives := s.Spec.(resource.EtcdCluster)
	switch {
	case s.Err != nil:
		return "the state of the cluster is unknown"
	case lives && !cluster.Quorum:
		return "the cluster has no quorum"
	}
	return ""
}

func quorumReason(c *Case, s resource.State, step diff.Step) string {
	cluster, lives := s.Spec.(resource.EtcdCluster)
	switch reason := unsure(s); {
	case reason != "":
		return reason
	case !lives:
		return "" // nothing is served that could be lost
	}
	all, healthy := cluster.Voters()
	if !countsAsHealthy(cluster, step) {
		return ""
	}
	left, forGood := healthy-1, step.Hazard()&resource.Topology != 0
	switch {
	case left >= needed(all, step):
		return ""
	case forGood:
		return fmt.Sprintf("%d of %d members are healthy: without this one the rest is no quorum", healthy, all)
	case left > 0 && approved(c, step):
		return ""
	}
	return fmt.Sprintf("%d of %d members are healthy: none can be spared; a moment without a quorum needs approval of plan %s", healthy, all, c.Digest())
}

// countsAsHealthy tells whether the step takes a healthy voter away: the member itself, or what runs
// on its node.
func countsAsHealthy(cluster resource.EtcdCluster, s diff.Step) bool {
	have, member := s.Have.(resource.EtcdMember)
	return slices.ContainsFunc(cluster.Members, func(m resource.EtcdMemberInfo) bool {
		mine := m.ID == have.MemberID
		if !member {
			mine = sameHost(m.PeerURL, s.ID.At)
		}
		return mine && m.Healthy && !m.Learner
	})
}

// sameHost compares addresses, not their spellings: IPv6 has many.
func sameHost(peerURL, at string) bool {
	u, err := url.Parse(peerURL)
	if err != nil {
		return false
	}
	a, errA := netip.ParseAddr(u.Hostname())
	b, errB := netip.ParseAddr(at)
	if errA != nil || errB != nil {
		return u.Hostname() == at
	}
	return a == b
}

// needed is the quorum that must be left: of one voter fewer when the step takes one off the list. A
// single member may restart, since there is no other way.
func needed(voters int, s diff.Step) int {
	if s.Hazard()&resource.Topology != 0 {
		voters--
	} else if voters == 1 {
		return 0
	}
	return voters/2 + 1
}

// OneAtATime holds a restart when another restart of the same owner in this plan is not ordered
// before it: whatever a module forgot, no two members of one cluster, one etcd or one MinIO set restart at
// once. Who is taken off a list of members is the affair of Quorum, which knows how many are left.
func OneAtATime() *Policy {
	return &Policy{
		Name:  "one-at-a-time",
		Doc:   "holds unordered restarts of one owner",
		Judge: judgeOneAtATime,
	}
}

func judgeOneAtATime(c *Case) (os []Objection) {
	last := map[string]int{} // the last restart of an owner
	for i, s := range c.Plan.Steps {
		if !acts(s) || s.Orphan || s.Hazard()&resource.Restart == 0 {
			continue // who leaves as a whole serves nobody any more
		}
		if prev, again := last[s.Owner]; again && !after(c.Plan, i, prev) {
			reason := fmt.Sprintf("%s restarts in this round, too", c.Plan.Steps[prev].ID)
			os = append(os, Objection{Step: i, Verdict: Hold, Code: "PS105", Reason: reason})
			continue
		}
		last[s.Owner] = i
	}
	return os
}

// after tells whether step i waits for step j, directly or not.
func after(p *diff.Plan, i, j int) bool {
	seen := map[int]bool{}
	todo := []int{i}
	for len(todo) > 0 {
		k := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, n := range p.Steps[k].Needs {
			if n == j {
				return true
			}
			if n > j && !seen[n] {
				seen[n] = true
				todo = append(todo, n)
			}
		}
	}
	return false
}
