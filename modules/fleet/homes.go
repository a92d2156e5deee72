package fleet

import (
	"go/token"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
)

// clusters are the parameters that make a host a member; pg_cluster is judged by its own module.
var clusters = []struct{ param, owner string }{{"redis_cluster", "redis/"}, {"minio_cluster", "minio/"}}

// checkHomes reports hosts that two groups put into different clusters of a module: Ansible takes
// one of them, by the order of the groups' names.
func checkHomes(p *modules.Pass) {
	for _, h := range p.Inventory.Hosts() {
		for _, c := range clusters {
			if _, ok := h.Lookup(c.param); ok {
				checkHome(p, h, c.param, c.owner)
			}
		}
	}
}

func checkHome(p *modules.Pass, h *inventory.Host, param, owner string) {
	found := inventory.Explain(h, param)
	won := found[0]
	if won.Own {
		return
	}
	for _, lost := range found[1:] {
		if lost.Group == "all" || lost.Value.String() == won.Value.String() || above(p.Inventory.Group(won.Group), lost.Group) {
			continue
		}
		p.For(owner + lost.Value.String()).Freeze()
		p.For(owner+won.Value.String()).Errorf(h.PosIn(lost.Group), CodeTwoHomes, "%s: %s is in the groups %s and %s, for %s and %s: %s would win",
			param, h.Addr, lost.Group, won.Group, lost.Value.String(), won.Value.String(), won.Group)
		return
	}
}

// above tells whether a group is called name, or has one of that name above it.
func above(g *inventory.Group, name string) bool {
	if g == nil || g.Name == name {
		return g != nil
	}
	for _, parent := range g.Parents() {
		if above(parent, name) {
			return true
		}
	}
	return false
}

var named = []string{"pg_cluster", "redis_cluster", "minio_cluster"}

// checkGroupNames wonders about groups that are called otherwise than the cluster they hold. A group
// of several clusters is not called after any of them.
func checkGroupNames(p *modules.Pass) {
	for _, g := range p.Inventory.Groups() {
		var own []inventory.Value
		for _, param := range named {
			if v, ok := g.Lookup(param); ok && !v.IsNull() && !inherited(g, param, v.Pos) {
				own = append(own, v)
			}
		}
		if len(own) == 1 && own[0].String() != "" && own[0].String() != g.Name {
			p.Warnf(own[0].Pos, CodeGroupName, "%s: the cluster %s is in a group called %s: want one name for both", own[0].Name(), own[0].String(), g.Name)
		}
	}
}

func inherited(g *inventory.Group, param string, pos token.Position) bool {
	for _, parent := range g.Parents() {
		if v, ok := parent.Lookup(param); ok && v.Pos == pos {
			return true
		}
	}
	return false
}

// unique is what only one host, or the hosts of one cluster, can have.
var unique = []string{"redis_cluster", "redis_node", "redis_instances", "minio_seq", "etcd_seq", "infra_seq", "nodename"}

// checkGlobals wonders about these among the variables of all hosts.
func checkGlobals(p *modules.Pass) {
	for _, param := range unique {
		if v, ok := p.Inventory.All().Lookup(param); ok && !v.IsNull() {
			p.Warnf(v.KeyPos(), CodeGlobal, "%s: is the same for every host here: want it in the group or at the host it is meant for", param)
		}
	}
}
