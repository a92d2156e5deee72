package pgsql

import (
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

// seats are the members' places in a cluster that lives. One whose line goes leaves, once somebody has approved
// that: after everybody else has forgotten it, and replicas before the one that leads, whoever that is then.
func (c *cluster) seats() {
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
	pass := *i.Pass
	if i.vars.Safeguard {
		pass.Guard = "pg_safeguard"
	}
	after = append(after, modules.UnitOf("patroni", i.addr()))
	return pass.Tend(i.here(), i.id(resource.KindPGSeated, i.member.name()), resource.PGSeated{}, after...)
}
