package etcd

import (
	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

// Module is the ETCD module.
var Module = &modules.Module{
	Name: "etcd", Doc: "an etcd cluster, where Patroni keeps who leads",
	Vars: struct {
		Identity
		Vars
	}{}, Places: places, Survey: survey, Compile: compile,
}

func compile(p *modules.Pass) {
	g := p.Inventory.Group(groupName)
	if g == nil {
		return
	}
	ms := read(p.Inventory)
	q := p.For("etcd/" + clusterName(g, ms))
	if !check(q, g, ms) {
		return
	}
	if ms[0].vars.Safeguard {
		q.Guard = "etcd_safeguard"
	}
	c := newCluster(q, ms)
	if c.phase == bare && ms[0].vars.Init == "existing" {
		q.Errorf(ms[0].bound.Pos("etcd_init"), CodeNoCluster, "etcd_init: is existing, but there is no cluster to join: want new to make one")
		return
	}
	if c.agrees() {
		c.warn(g)
		c.compile()
	}
}

// clusterName is known even of a group without hosts, so that the right owner is frozen.
func clusterName(g *inventory.Group, ms []*member) string {
	if len(ms) > 0 {
		return ms[0].vars.Cluster
	}
	var id struct {
		Cluster string `var:"etcd_cluster" default:"etcd"`
	}
	inventory.Bind(g, &id)
	return id.Cluster
}

func (c *cluster) compile() {
	var gates, members []resource.ID
	var before []*member
	settled := false // past the members that are broken
	for _, m := range c.inOrder() {
		w := &wanted{cluster: c, member: m}
		if m.standing == barred {
			w.prepare()
			continue
		}
		if !settled && !c.broken(m) {
			settled, gates = true, c.whole(gates)
		}
		if w.joins() {
			m.join = c.invitation(m, before)
			before = append(before, m)
		}
		gate := w.want(gates)
		if settled {
			gates = nil // from here on one change waits for the other
		}
		gates = append(gates, gate)
		if m.standing == belongs {
			members = append(members, gate)
		}
	}
	if c.phase == living && !c.well() {
		members = nil // there is a quorum: users need not wait for who is ill
	}
	c.access(members)
}

// whole is the gate before the first change that a living cluster feels: all of it is well.
func (c *cluster) whole(ill []resource.ID) []resource.ID {
	if c.phase != living || c.shut {
		return ill
	}
	return []resource.ID{c.Want(c.members[0].host.PosIn(groupName), c.id(resource.KindEtcdHealth, "cluster"), resource.EtcdHealth{Healthy: true}, ill...)}
}

func (c *cluster) gateID(m *member) resource.ID { return c.id(resource.KindEtcdHealth, m.name) }

func (c *cluster) id(k resource.Kind, name string) resource.ID {
	return resource.ID{Kind: k, Name: name, At: c.called}
}

// access wants authentication, and a user with a prefix of its own for every PostgreSQL cluster.
// They are not the safeguard's affair: it protects the cluster, and a client may go.
func (c *cluster) access(healthy []resource.ID) {
	p := *c.Pass
	p.Guard = ""
	first := c.members[0]
	pos := first.bound.Pos("etcd_root_password")
	known := c.phase == living || c.phase == bare
	spec := func(s resource.Spec) resource.Spec {
		if !known {
			return nil
		}
		return s
	}
	role := p.Keep(pos, c.id(resource.KindEtcdRole, "root"), spec(resource.EtcdRole{}), healthy...)
	root := p.Keep(pos, c.id(resource.KindEtcdUser, "root"), spec(resource.EtcdUser{
		Password: resource.NewSecret(first.vars.Password.Reveal()), Roles: []string{"root"},
	}), role)
	auth := p.Keep(pos, c.id(resource.KindEtcdAuth, "auth"), spec(resource.EtcdAuth{Enabled: true}), root)
	for _, u := range clients(c.Inventory) {
		role := p.Keep(u.pos, c.id(resource.KindEtcdRole, u.scope()), spec(resource.EtcdRole{Prefixes: []string{u.prefix()}}), auth)
		p.Keep(u.pos, c.id(resource.KindEtcdUser, u.scope()), spec(resource.EtcdUser{Password: u.password(), Roles: []string{u.scope()}}), role)
	}
}
