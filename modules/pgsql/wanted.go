package pgsql

import (
	"cmp"
	"slices"

	"github.com/pigsync/pigsync/resource"
)

// compile declares what the cluster wants, as far as that can be told in its present phase.
func (c *cluster) compile() {
	if !c.compilable() {
		c.Freeze() // what an earlier commit made here is no orphan
		return
	}
	c.look()
	c.size, _ = c.measure()
	c.ledger = c.reckon()
	switch {
	case c.phase == unseen:
		c.whole(nil)
	case !c.acceptable() || !c.vacant():
	case !c.released && c.phase == bare:
		c.unpack()
	case !c.released:
		c.whole(nil)
	case c.phase == bare:
		c.bootstrap()
		c.services()
		c.keepers()
		c.registration()
	default:
		c.watched()
		c.converge()
		calm := c
		if c.phase == headless {
			calm = c.behind(c.wholeID())
		}
		calm.services()
		calm.keepers()
		c.registration()
	}
}

// watched says of a cluster that somebody has paused, or that nobody leads, that nothing is done to it but to look. What
// would be done is held by the policies.
func (c *cluster) watched() {
	if c.seen.Paused() && c.head().vars.PatroniMode != "pause" {
		c.Warnf(c.head().pos("pg_cluster"), CodePaused, "pg_cluster: %s is paused: somebody works at it, so it is only watched", c.name)
	}
	if c.phase == headless {
		c.Warnf(c.head().pos("pg_cluster"), CodeHeadless, "pg_cluster: nobody leads %s now: Patroni is at work, or waits for a member or for etcd; so it is only watched", c.name)
	}
}

// compilable tells whether everything was understood, and is something that pigsync makes.
func (c *cluster) compilable() bool {
	v := &c.head().vars
	sound := !slices.ContainsFunc(c.members, func(m *member) bool { return len(m.bad) > 0 || m.seq < 0 })
	return sound && c.primary() != nil && v.Mode == "pgsql" && v.PatroniEnabled && v.PatroniMode != "remove"
}

// bootstrap makes the primary first; the others copy it.
func (c *cluster) bootstrap() {
	first := instance{c, c.primary()}
	led := first.gate(first.run(c.source()))
	for _, m := range c.members {
		if m != first.member {
			i := instance{c, m}
			i.gate(i.run([]resource.ID{led}))
		}
	}
}

// converge changes a cluster that lives: only while it is well, and who does not run first.
func (c *cluster) converge() {
	whole := c.whole(resource.PGHealth{Healthy: true})
	c.inside(whole)
	var gates, ready []resource.ID
	for _, m := range c.newLast() {
		i := instance{c.calmFor(m), m}
		var after []resource.ID
		if !c.needed(m) {
			after = append(after, whole)
		}
		if c.joins(m) {
			after = append(after, ready...) // the others know it before it comes
		}
		gate := i.gate(i.run(after, append(i.rules(whole), i.credentials()...)...))
		gates = append(gates, gate)
		ready = append(ready, i.serve(gate, whole)...)
		i.dataFiles(gate, whole)
	}
	c.saves(whole)
	c.seats()
	c.restarts(whole, slices.Concat(gates, ready, c.keys(whole)))
	c.undrained()
	c.rest(whole, gates)
}

// joins tells whether a member is new to a cluster that lives.
func (c *cluster) joins(m *member) bool {
	_, known := c.seen.Member(m.name())
	return c.phase == living && !known && c.seen.Silent[m.name()] == ""
}

// newLast are the members, those that are new at the end.
func (c *cluster) newLast() []*member {
	all := slices.Clone(c.members)
	slices.SortStableFunc(all, func(a, b *member) int {
		return cmp.Compare(btoi(c.joins(a)), btoi(c.joins(b)))
	})
	return all
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// rest pauses the cluster, where the inventory says so, once all of its members are there: a paused Patroni
// watches, and neither fails over nor starts what has stopped. It goes with its line.
func (c *cluster) rest(whole resource.ID, members []resource.ID) {
	if c.head().vars.PatroniMode != "pause" {
		return
	}
	spec := resource.PGConfig{Path: "pause", Value: "true"}
	c.Grant(c.head().pos("patroni_mode"), resource.ID{Kind: resource.KindPGConfig, Name: spec.Path, At: c.name}, spec, append(members, whole)...)
}

// needed tells whether a member must start before the cluster can be well: one that stands still upon its
// data, or the primary of a cluster that has none yet.
func (c *cluster) needed(m *member) bool {
	info, known := c.seen.Member(m.name())
	switch {
	case known && info.Cluster != "":
		return false
	case known && info.System != "":
		return true
	}
	return m == c.primary() && !c.seen.Lives() && len(c.seen.Silent) == 0
}

// wholeID is the gate before everything that is done to a cluster that lives.
func (c *cluster) wholeID() resource.ID {
	return resource.ID{Kind: resource.KindPGHealth, Name: c.name, At: c.name}
}

func (c *cluster) whole(spec resource.Spec) resource.ID {
	return c.Keep(c.head().pos("pg_cluster"), c.wholeID(), spec)
}

// calmFor is the cluster as one of its members is compiled. While nobody leads, one whose server is up is left
// alone: Patroni is at work there, or waits for etcd. What another one lacks may be what all wait for.
func (c *cluster) calmFor(m *member) *cluster {
	info, known := c.seen.Member(m.name())
	if c.phase != headless || !known || !info.Runs() {
		return c
	}
	return c.behind(c.wholeID())
}

// behind is the same cluster, of which all that is declared comes after a gate.
func (c *cluster) behind(gate resource.ID) *cluster {
	calm, pass := *c, *c.Pass
	pass.First = append(slices.Clone(pass.First), gate)
	calm.Pass = &pass
	return &calm
}
