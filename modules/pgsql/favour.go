package pgsql

import (
	"slices"

	"github.com/pigsync/pigsync/resource"
)

// favourite is the member that should lead whenever it can, nil for none: the leader is what Patroni says.
func (c *cluster) favourite() *member {
	if i := slices.IndexFunc(c.members, func(m *member) bool { return m.vars.PreferredLeader }); i >= 0 {
		return c.members[i]
	}
	return nil
}

// checkFavourite wants one at most, and one whose role lets it lead.
func (c *cluster) checkFavourite() {
	first := c.favourite()
	for _, m := range c.members {
		pos := m.pos("pg_preferred_leader")
		switch {
		case !m.vars.PreferredLeader:
		case m != first:
			c.Errorf(pos, CodeFavoured, "pg_preferred_leader: %s of %s is preferred already (%s): want one member at most",
				first.addr(), c.name, place(first.pos("pg_preferred_leader")))
		case m.vars.Role == "offline" || m.vars.Role == "delayed":
			c.Errorf(pos, CodeFavoured, "pg_preferred_leader: %s is %s by its pg_role, and not meant to lead: want a primary, a replica or a standby", m.addr(), m.vars.Role)
		}
	}
}

// leadingID is who leads the cluster.
func (c *cluster) leadingID() resource.ID {
	return resource.ID{Kind: resource.KindPGLeading, Name: c.name, At: c.name}
}

// favours lets the favourite lead once it runs and all else that restarts has done so. A switchover that is wanted
// for another reason comes first.
func (c *cluster) favours(after []resource.ID) {
	m, id := c.favourite(), c.leadingID()
	if m == nil || c.seen.Leader == "" || c.Declared(id) {
		return
	}
	if info, known := c.seen.Member(m.name()); known && info.Up {
		c.Keep(m.pos("pg_preferred_leader"), id, resource.PGLeading{To: m.name()}, after...)
	}
}
