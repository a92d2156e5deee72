package pgsql

import (
	"slices"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

// seats are the members' places in a cluster that lives. One whose line goes leaves, once somebody has approved
// that: after everybody else has forgotten it, and replicas before the one that leads, whoever that is then.
func (c *cluster) seats() {
	c = c.guarded()
	leader := c.leaderHere()
	var after []resource.ID
	if leader != nil {
		after = []resource.ID{instance{c, leader}.seated(nil)}
	}
	for _, m := range c.members {
		if m != leader {
			instance{c, m}.seated(after)
		}
	}
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
func (i instance) seated(after []resource.ID) resource.ID {
	after = append(after, modules.UnitOf("patroni", i.addr()))
	return i.Tend(i.here(), i.id(resource.KindPGSeated, i.member.name()), resource.PGSeated{}, after...)
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
