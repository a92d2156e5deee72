package pgsql

import (
	"slices"
	"strings"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

// seats are the members' places in a cluster that lives. One whose line goes leaves, once somebody has approved
// that: after everybody else has forgotten it, and replicas before the one that leads, whoever that is then. When all
// have left, what Patroni kept of the cluster goes, or a new one of that name would be taken for it; and the data where
// the inventory asked for that.
func (c *cluster) seats() {
	c = c.guarded()
	after := c.keptInDCS(c.dataDirs())
	leader := c.leaderHere()
	if leader != nil {
		after = append(after, instance{c, leader}.seated(after, resource.PGSeated{Saved: leader.vars.repo() != nil}))
	}
	for _, m := range c.members {
		if m != leader {
			instance{c, m}.seated(after, resource.PGSeated{})
		}
	}
}

// dataDirs are the data directories that are to go with their members.
func (c *cluster) dataDirs() (ids []resource.ID) {
	for _, m := range c.members {
		if info, known := c.seen.Member(m.name()); m.gives() && known && info.System != "" {
			i := instance{c, m}
			spec := resource.Dir{Owner: m.vars.Dbsu, Group: dbGroup, Data: true} // whoever makes it again may do so where it is empty
			ids = append(ids, i.Tend(m.pos("pg_rm_data"), modules.DirOf(m.real(m.vars.Data), m.addr()), spec))
		}
	}
	return ids
}

// gives tells whether the data are to go with the member: that must be written, for a default loses nothing.
func (m *member) gives() bool {
	_, written := m.host.Lookup("pg_rm_data")
	return written && m.vars.RemoveData
}

// keptInDCS is what Patroni keeps of the cluster.
func (c *cluster) keptInDCS(after []resource.ID) []resource.ID {
	at, ok := etcdOf(c.Inventory)
	if !ok {
		return after
	}
	id := resource.ID{Kind: resource.KindEtcdKeys, Name: strings.TrimSuffix(c.head().vars.Namespace, "/") + "/" + c.scope() + "/", At: at}
	return append(after, c.Tend(c.head().pos("pg_cluster"), id, resource.EtcdKeys{}, after...))
}

// leaderHere is the member that leads; nil when it is none of the inventory's.
func (c *cluster) leaderHere() *member {
	for _, m := range c.members {
		if m.name() == c.seen.Leader {
			return m
		}
	}
	return nil
}

// seated is taken away before the units it stands upon.
func (i instance) seated(after []resource.ID, spec resource.PGSeated) resource.ID {
	after = append(slices.Clip(after), modules.UnitOf("patroni", i.addr()))
	return i.Tend(i.here(), i.id(resource.KindPGSeated, i.member.name()), spec, after...)
}

// guarded is the cluster, speaking of what its safeguard keeps from being taken away: the members' places, and what is
// in it. Files and services come and go with their lines.
func (c *cluster) guarded() *cluster {
	if !slices.ContainsFunc(c.members, func(m *member) bool { return m.vars.Safeguard }) {
		return c
	}
	kept, pass := *c, *c.Pass
	pass.Guard = "pg_safeguard"
	kept.Pass = &pass
	return &kept
}
