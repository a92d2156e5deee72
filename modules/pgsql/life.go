package pgsql

import (
	"slices"
	"strconv"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/register"
	"github.com/pigsync/pigsync/resource"
)

// phase is where the life of a cluster stands.
type phase uint8

const (
	unseen   phase = iota // nobody knows
	bare                  // it has never lived: nothing runs, and no data lie anywhere
	living                // somebody leads
	headless              // it is being made, fails over, or stands still
)

// survey asks for the picture of every cluster, and for the marks of its members.
func survey(inv *inventory.Inventory) (ids []resource.ID) {
	for _, h := range inv.Hosts() {
		if !isMember(h) {
			continue
		}
		var id naming
		if b := inventory.Bind(h, &id); b.OK() {
			ids = append(ids, resource.PGClusterOf(id.Cluster), resource.FactsOf(h.Addr), rulesOf(id.Cluster+"-"+strconv.Itoa(id.Seq), h.Addr))
			ids = append(ids, leaving(h, id.Cluster)...)
			ids = slices.Concat(ids, surveyPackages(h), surveyKeys(h), surveyRelease(h))
			ids = append(ids, surveyBackups(h, id)...)
			ids = append(ids, id.marks(inv, h)...)
		}
	}
	return append(ids, register.Survey(inv)...)
}

// leaving are the roles and databases that are to go: as long as one is there, its clients keep their way in.
func leaving(h *inventory.Host, cluster string) (ids []resource.ID) {
	var v struct {
		Role      string     `var:"pg_role"`
		Users     []User     `var:"pg_users"`
		Databases []Database `var:"pg_databases"`
	}
	if inventory.Bind(h, &v); v.Role != "primary" {
		return nil
	}
	for _, u := range v.Users {
		if u.State == "absent" {
			ids = append(ids, resource.PGAbsentOf(resource.KindPGRole, u.Name, cluster))
		}
	}
	for _, d := range v.Databases {
		if d.State == "absent" {
			ids = append(ids, resource.PGAbsentOf(resource.KindPGDatabase, d.Name, cluster))
		}
	}
	return ids
}

// isGone tells whether what is to go has gone. What cannot be told is still there.
func (c *cluster) isGone(k resource.Kind, name string) bool {
	state := c.Known[resource.PGAbsentOf(k, name, c.name)]
	a, _ := state.Spec.(resource.PGAbsent)
	return state.Err == nil && !a.There
}

// look reads what was seen of the cluster.
func (c *cluster) look() {
	state := c.Known[resource.PGClusterOf(c.name)]
	c.seen, _ = state.Spec.(resource.PGCluster)
	switch {
	case state.Err != nil:
		c.phase = unseen
	case state.Spec == nil || c.stillborn():
		if c.phase = bare; c.unlooked() {
			c.phase = unseen
		}
	case c.seen.Leader != "":
		c.phase = living
	default:
		c.phase = headless
	}
}

// system is the system identifier of the cluster that Patroni runs; "" when none does.
func (c *cluster) system() string {
	if l, ok := c.seen.Leading(); ok {
		return l.System
	}
	for _, info := range c.seen.Members {
		if info.Cluster == c.scope() && info.System != "" {
			return info.System
		}
	}
	return ""
}

// scope is the cluster's name to Patroni.
func (c *cluster) scope() string {
	if s := c.head().vars.Shard; s != "" {
		return s
	}
	return c.name
}

// acceptable tells whether what lies in the members' data directories may become, or is, of this cluster.
// What is refused is never touched.
func (c *cluster) acceptable() bool {
	ok := true
	for _, m := range c.members {
		if info, known := c.seen.Member(m.name()); known && info.Node == m.addr() {
			ok = c.accepts(m, info) && ok
		}
		ok = c.admits(m) && ok
	}
	return ok
}

func (c *cluster) accepts(m *member, info resource.PGMemberInfo) bool {
	data, ours := m.real(m.vars.Data), c.system()
	switch {
	case info.System == "":
		return true // nothing lies there yet
	case info.Cluster != "" && info.Cluster != c.scope():
		c.Errorf(m.pos("pg_cluster"), CodeForeign, "pg_cluster: Patroni on %s runs cluster %s: want it taken away first, or another host", m.addr(), info.Cluster)
	case info.Major != 0 && info.Major != m.vars.Version:
		c.Errorf(m.pos("pg_version"), CodeForeign, "pg_version: is %d, and %s on %s is of PostgreSQL %d: to change it is a migration", m.vars.Version, data, m.addr(), info.Major)
	case ours != "" && info.System != ours:
		c.Errorf(m.host.Pos, CodeForeign, "%s: %s holds the data of another cluster: its system identifier is %s, and that of %s is %s; nothing is overwritten: move it away first",
			m.addr(), data, info.System, c.name, ours)
	case ours == "" && !c.formed(m) && !c.making(m):
		c.Errorf(m.host.Pos, CodeForeign, "%s: %s holds data (system identifier %s), and %s was never seen alive; nothing is overwritten: move it away, or start the Patroni it belongs to",
			m.addr(), data, info.System, c.name)
	default:
		return true
	}
	return false
}

// formed tells whether the member was once seen well in its cluster.
func (c *cluster) formed(m *member) bool {
	return c.Known[modules.FileOf(formedPath, m.addr())].Spec != nil
}

// role is what the member is to the rules that differ by role: what it does now, and as long as nobody
// knows that, what the inventory says.
func (c *cluster) role(m *member) string {
	info, known := c.seen.Member(m.name())
	switch {
	case c.phase != living || !known || info.Role == "":
		return m.vars.Role
	case info.Role == resource.PGLeader || info.Role == resource.PGStandbyLeader:
		return "primary"
	case m.vars.Role == "primary":
		return "replica"
	}
	return m.vars.Role
}
