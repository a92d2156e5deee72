package reconcile

import (
	"cmp"
	"slices"

	"github.com/pigsync/pigsync/resource"
)

// ClusterStatus is who leads a PostgreSQL cluster, as Patroni said at the last look: observed, and nothing
// that anybody wants.
type ClusterStatus struct {
	Cluster  string            `json:"cluster"`
	Leader   string            `json:"leader,omitempty"` // "" when nobody leads, or nobody could say so
	Node     string            `json:"node,omitempty"`   // where the leader is
	Timeline int               `json:"timeline,omitempty"`
	Paused   bool              `json:"paused,omitempty"`
	Members  []InstanceStatus  `json:"members,omitempty"`
	Silent   map[string]string `json:"silent,omitempty"` // why nothing is known of an instance
}

// InstanceStatus is what a member does.
type InstanceStatus struct {
	Instance string `json:"instance"`
	Node     string `json:"node"`
	Role     string `json:"role,omitempty"`
	State    string `json:"state,omitempty"`
	Lag      *int64 `json:"lag,omitempty"` // bytes behind the leader, where that can be told
}

// clustersOf are the clusters that a round has seen, by name.
func clustersOf(r *Round) (all []ClusterStatus) {
	for id, s := range r.Have {
		if seen, ok := s.Spec.(resource.PGCluster); ok {
			all = append(all, clusterStatus(id.At, seen))
		}
	}
	slices.SortFunc(all, func(a, b ClusterStatus) int { return cmp.Compare(a.Cluster, b.Cluster) })
	return all
}

func clusterStatus(name string, seen resource.PGCluster) ClusterStatus {
	c := ClusterStatus{Cluster: name, Leader: seen.Leader, Silent: seen.Silent}
	if l, leads := seen.Leading(); leads {
		c.Node, c.Timeline = l.Node, l.Timeline
	}
	for _, m := range seen.Members {
		i := InstanceStatus{Instance: m.Instance, Node: m.Node, Role: m.Role, State: m.State}
		if bytes, known := seen.Lag(m.Instance); known && m.Instance != seen.Leader {
			i.Lag = &bytes
		}
		c.Paused = c.Paused || m.Paused
		c.Members = append(c.Members, i)
	}
	return c
}
