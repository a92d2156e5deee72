package etcd

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

// phase is where the life of a cluster stands.
type phase uint8

const (
	unknown phase = iota // nobody knows
	bare                 // it has never lived
	living               // it answers, and has a quorum
	stopped              // it has lived, and does not answer, or without a quorum
)

// cluster is what is known of the cluster the members make.
type cluster struct {
	*modules.Pass
	members []*member
	called  string // the cluster's name
	phase   phase
	seen    resource.EtcdCluster
	// shut says that no gate can hold as long as a member that nobody wants any more is on the list.
	shut bool
}

func newCluster(p *modules.Pass, ms []*member) *cluster {
	c := &cluster{Pass: p, members: ms, called: ms[0].vars.Cluster}
	state := p.Known[resource.EtcdClusterOf(c.called)]
	c.seen, _ = state.Spec.(resource.EtcdCluster)
	c.phase = c.judge(state)
	for _, info := range c.departed() {
		c.shut = c.shut || !info.Learner && !info.Healthy
	}
	c.place()
	return c
}

// place gives every member its standing. Of several that have lost their data one is replaced at a
// time: the cluster takes nobody in while a voter is ill.
func (c *cluster) place() {
	replacing := false
	for _, m := range c.members {
		m.standing = c.standingOf(m)
		if m.standing == lost && replacing {
			m.standing = waiting
		}
		replacing = replacing || m.standing == lost
		if c.loud(m) {
			m.standing = early
		}
	}
}

// loud tells whether etcd runs on a node that is to join with another configuration and no data, or would
// at any moment: systemd tries again after a failure, and at boot. While the cluster's list changes it might
// start with the old configuration, and make itself an identity that the others never heard of.
func (c *cluster) loud(m *member) bool {
	unit, there := c.Known[m.unitID()].Spec.(resource.Unit)
	return there && (unit.Active || unit.Enabled) && (m.standing == lost || m.standing == stranger)
}

func (c *cluster) judge(s resource.State) phase {
	switch {
	case s.Err != nil:
		return unknown
	case c.seen.Quorum:
		return living
	case slices.ContainsFunc(c.members, func(m *member) bool { return c.exists(m.formedID()) }):
		return stopped
	case slices.ContainsFunc(c.members, func(m *member) bool { return c.Known[m.formedID()].Err != nil || c.Known[m.dataID()].Err != nil }):
		return unknown // the one that cannot be asked may be the one that was formed
	}
	return bare
}

func (c *cluster) exists(id resource.ID) bool { return c.Known[id].Spec != nil }

func (c *cluster) hasData(m *member) bool { return c.exists(m.dataID()) }

// listed finds a member on the cluster's own list.
func (c *cluster) listed(m *member) (resource.EtcdMemberInfo, bool) {
	return c.seen.Member(m.peerURL())
}

// departed are the members on the list that no host of the group is.
func (c *cluster) departed() (gone []resource.EtcdMemberInfo) {
	for _, info := range c.seen.Members {
		if !slices.ContainsFunc(c.members, func(m *member) bool { return m.peerURL() == info.PeerURL }) {
			gone = append(gone, info)
		}
	}
	return gone
}

// inTheWay tells whether m cannot join before a departed member is off the list: one that is ill, one
// that still learns, or one whose name is to be m's.
func (c *cluster) inTheWay(m *member, info resource.EtcdMemberInfo) bool {
	return !info.Healthy || info.Learner || info.Name == m.name
}

// standing is what a host is to the cluster.
type standing uint8

const (
	belongs  standing = iota // it has its data, and its place on the list
	pending                  // it was added, and has not started yet
	lost                     // it is on the list, and its data are gone
	stranger                 // it is not on the list
	barred                   // it is not on the list, and somebody must leave first
	early                    // it is lost or a stranger, and must be stopped before it may join
	waiting                  // nobody can tell, or nothing can be done yet
)

// standingOf tells what m is to the cluster in the present phase.
func (c *cluster) standingOf(m *member) standing {
	switch c.phase {
	case bare:
		return belongs
	case unknown, stopped:
		if c.hasData(m) {
			return belongs
		}
		return waiting
	case living:
	}
	info, listed := c.listed(m)
	switch {
	case c.Known[m.dataID()].Err != nil:
		return waiting
	case !listed && slices.ContainsFunc(c.departed(), func(d resource.EtcdMemberInfo) bool { return c.inTheWay(m, d) }):
		return barred
	case !listed:
		return stranger
	case c.hasData(m) || info.Healthy:
		return belongs
	case info.Name == "":
		return pending
	case c.unfinished():
		return belongs
	}
	return lost
}

// unfinished tells whether the cluster has been whole at no time: a bootstrap that was interrupted, whose
// last members are yet to start. One that has started before and lost its data does not start again as
// a new one: the others know it, and etcd refuses.
func (c *cluster) unfinished() bool {
	return !slices.ContainsFunc(c.members, func(m *member) bool {
		return c.exists(m.formedID()) || c.Known[m.formedID()].Err != nil || c.Known[m.dataID()].Err != nil
	})
}

// inOrder puts the members into the order in which they may change: those that are broken first, then
// the healthy followers, then the leader, then those that are to join; a thin cluster grows first.
func (c *cluster) inOrder() []*member {
	ms := slices.Clone(c.members)
	slices.SortStableFunc(ms, func(a, b *member) int { return cmp.Compare(c.rank(a), c.rank(b)) })
	return ms
}

// leaving puts the members into the order in which they may leave: who is ill or learns is missed by
// nobody, and the leader goes last, so that it hands over once and to one who stays.
func (c *cluster) leaving() []*member {
	missed := func(m *member) int {
		switch info, _ := c.listed(m); {
		case !info.Healthy, info.Learner:
			return 0
		case info.Name == c.seen.Leader:
			return 2
		}
		return 1
	}
	ms := slices.Clone(c.members)
	slices.SortStableFunc(ms, func(a, b *member) int { return cmp.Compare(missed(a), missed(b)) })
	return ms
}

// The ranks of members, in the order of their turns.
const (
	broken  = iota
	learner // it is to be promoted before the next may join
	soonStarting
	soonJoining
	follower
	leader
	starting
	joining
	last
)

func (c *cluster) rank(m *member) int {
	info, _ := c.listed(m)
	switch m.standing {
	case belongs:
		return c.rankOf(info)
	case lost:
		return broken
	case pending:
		if info.Learner {
			return c.unlessThin(starting)
		}
		return broken
	case stranger:
		return c.unlessThin(joining)
	case barred, early, waiting:
	}
	return last
}

// unlessThin is the rank of one who joins, unless there are so few voters that none of them can be spared
// before it has joined.
func (c *cluster) unlessThin(rank int) int {
	if all, _ := c.seen.Voters(); all <= 2 {
		return rank - starting + soonStarting
	}
	return rank
}

func (c *cluster) rankOf(info resource.EtcdMemberInfo) int {
	switch {
	case c.phase != living:
		return last // they start together, in the order of their numbers
	case !info.Healthy:
		return broken
	case info.Learner:
		return learner
	case info.Name == c.seen.Leader:
		return leader
	}
	return follower
}

// broken tells whether a living cluster has a member there that does not do its part. No gate can hold
// before that is mended, and mending it costs nothing.
func (c *cluster) broken(m *member) bool { return c.rank(m) == broken }

// well tells whether every voter does its part.
func (c *cluster) well() bool {
	all, healthy := c.seen.Voters()
	return all == healthy
}

// initialCluster lists every member of the group, as a bootstrap needs it.
func (c *cluster) initialCluster() string {
	var list []string
	for _, m := range c.members {
		list = append(list, m.name+"="+m.peerURL())
	}
	return strings.Join(list, ",")
}

// invitation lists the members there are, those of this plan that join before m, and m itself: exactly
// what etcd wants to be told when m joins. Only m's own name must be right.
func (c *cluster) invitation(m *member, before []*member) string {
	list := map[string]string{}
	for _, info := range c.seen.Members {
		list[info.PeerURL] = cmp.Or(info.Name, "member-"+info.ID)
	}
	for _, b := range append(before, m) {
		list[b.peerURL()] = b.name
	}
	var pairs []string
	for url, name := range list {
		pairs = append(pairs, name+"="+url)
	}
	slices.Sort(pairs)
	return strings.Join(pairs, ",")
}
