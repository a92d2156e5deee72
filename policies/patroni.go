package policies

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// moves is what takes an instance away from its cluster, for a moment or for good.
const moves = resource.Restart | resource.Failover | resource.Topology

// pgCluster is the name of the cluster of PostgreSQL that a step is of.
func pgCluster(s diff.Step) (name string, of bool) { return strings.CutPrefix(s.Owner, "pgsql/") }

// Patroni holds all that would change a cluster of PostgreSQL that somebody has paused, or whose etcd has no quorum: it
// takes Patroni a while to notice, and until then it says who leads as if somebody had agreed. It also holds what would take an
// instance away from one that is not well, or of which nobody knows. What concerns the instance that is ill is never
// held, and who lives alone may restart: there is no other way. A cluster that has an ill member may be moved with
// approval, as long as somebody is left.
func Patroni() *Policy {
	return &Policy{
		Name: "patroni",
		Doc:  "holds what would change a PostgreSQL cluster that is paused, or take an instance away from one that is not well",
		Judge: func(c *Case) []Objection {
			voteless := c.voteless()
			return eachStep(c, Hold, "PS130", func(s diff.Step) string {
				cluster, of := pgCluster(s)
				switch {
				case !of || s.Orphan:
					return ""
				case voteless && c.picture(cluster).Lives():
					return "etcd has no quorum, or nobody knows: so nobody can say for sure who leads"
				}
				return unwell(c, cluster, s)
			})
		},
	}
}

// unwell says why a step of a cluster must wait for it.
func unwell(c *Case, cluster string, s diff.Step) string {
	state, asked := c.Have[resource.PGClusterOf(cluster)]
	picture, _ := state.Spec.(resource.PGCluster)
	pause := resource.ID{Kind: resource.KindPGConfig, Name: "pause", At: cluster} // who asked for it may end it
	switch {
	case picture.Paused() && !c.wants(pause) && s.ID != pause:
		return somebodyWorks
	case s.Hazard()&moves == 0 || beside(s):
		return ""
	case !asked || state.Err != nil:
		return "the state of the cluster is unknown"
	}
	return patroniReason(c, picture, s)
}

// voteless tells whether some etcd has no quorum, or does not say: one that has just lost it is silent at first.
func (c *Case) voteless() bool {
	for id, s := range c.Have {
		if id.Kind == resource.KindEtcdCluster && unsure(s) != "" {
			return true
		}
	}
	return false
}

// picture is what is known of a cluster of PostgreSQL, empty where that is nothing.
func (c *Case) picture(cluster string) resource.PGCluster {
	picture, _ := c.Have[resource.PGClusterOf(cluster)].Spec.(resource.PGCluster)
	return picture
}

const somebodyWorks = "Patroni is paused: somebody works on the cluster"

// beside tells whether a step is of a unit that runs beside the instance, such as an exporter: nobody is away without it.
func beside(s diff.Step) bool { return s.ID.Kind == resource.KindUnit && s.ID.Name != "patroni" }

func patroniReason(c *Case, p resource.PGCluster, s diff.Step) string {
	taken, one := takenBy(p, s)
	switch {
	case !p.Lives(), one && !taken.Runs():
		return "" // nothing is served that could be lost
	case p.Paused():
		return somebodyWorks
	case p.Leader == "":
		return "the cluster has no leader"
	}
	ill, well := othersThan(c, p, taken.Instance)
	if ill == "" || well > 0 && approved(c, s) {
		return ""
	}
	if well == 0 {
		return ill + ", and no other instance is left"
	}
	return ill + ": approve plan " + c.Digest() + " to go on without it"
}

// takenBy is the instance that a step takes away, if it is one: that of its node, or the leader where the step is
// of the whole cluster.
func takenBy(p resource.PGCluster, s diff.Step) (m resource.PGMemberInfo, one bool) {
	for _, m := range p.Members {
		if m.Node == s.ID.At || s.ID.Kind == resource.KindPGMember && m.Instance == s.ID.Name {
			return m, true
		}
	}
	return p.Leading()
}

// othersThan says who of the other instances is not well, "" when all are, and counts those that are. Who is down, and
// has no place in the inventory any more, is nobody's loss.
func othersThan(c *Case, p resource.PGCluster, instance string) (ill string, well int) {
	for _, name := range sortedKeys(p.Silent) {
		if name != instance {
			ill = "nobody knows how " + name + " is"
		}
	}
	for _, m := range p.Members {
		switch {
		case m.Instance == instance:
		case m.Up:
			well++
		case c.left(p, m):
		case m.Role == resource.PGReplica:
			ill = m.Instance + " follows nobody"
		default:
			ill = m.Instance + " is not well"
		}
	}
	return ill, well
}

// left tells whether the inventory knows other members of a cluster, and this one no more.
func (c *Case) left(p resource.PGCluster, m resource.PGMemberInfo) bool {
	return !c.seated(m) && slices.ContainsFunc(p.Members, c.seated)
}

func (c *Case) seated(m resource.PGMemberInfo) bool {
	return c.wants(resource.ID{Kind: resource.KindPGSeated, Name: m.Instance, At: m.Node})
}

// wants tells whether the commit asks for a resource.
func (c *Case) wants(id resource.ID) bool {
	if c.Want == nil {
		return false
	}
	_, asked := c.Want.Get(id)
	return asked
}

// Lag is how far a replica may be behind that is to take over.
type Lag struct {
	Bytes int64
}

// DefaultLag is one segment of the write-ahead log.
func DefaultLag() Lag { return Lag{Bytes: 16 << 20} }

// Lags holds a failover of PostgreSQL as long as nobody could take over without a loss: a replica that is well,
// may lead, is near enough, and is a synchronous one where the cluster has such.
func Lags(l Lag) *Policy {
	return &Policy{
		Name: "lag",
		Doc:  "holds a failover as long as no replica has caught up",
		Judge: func(c *Case) []Objection {
			return eachStep(c, Hold, "PS119", func(s diff.Step) string {
				cluster, of := pgCluster(s)
				if !of || s.Orphan || s.Hazard()&resource.Failover == 0 {
					return ""
				}
				state, asked := c.Have[resource.PGClusterOf(cluster)]
				if !asked || state.Err != nil {
					return "nobody knows how far the replicas are"
				}
				picture, _ := state.Spec.(resource.PGCluster)
				return l.reason(picture)
			})
		},
	}
}

func (l Lag) reason(p resource.PGCluster) string {
	if !p.Lives() || p.Leader == "" || len(p.Members)+len(p.Silent) == 1 {
		return "" // there is nobody to fail over to, or nobody who leads
	}
	synchronous := slices.ContainsFunc(p.Members, func(m resource.PGMemberInfo) bool { return m.Sync })
	why := "no replica may lead"
	for _, m := range p.Members {
		if m.Instance == p.Leader || m.Tags["nofailover"] == "true" {
			continue
		}
		lag, known := p.Lag(m.Instance)
		switch {
		case !m.Up:
			why = m.Instance + " is not well"
		case synchronous && !m.Sync:
			why = m.Instance + " is not synchronous"
		case !known:
			why = "nobody knows how far " + m.Instance + " is behind"
		case lag > l.Bytes:
			why = fmt.Sprintf("%s is %d MiB behind, more than %d", m.Instance, lag>>20, l.Bytes>>20)
		default:
			return ""
		}
	}
	return why
}
