package pgsql

import (
	"slices"
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/resource"
)

// places are the seats of every cluster's instances, and who we are to Patroni.
func places(inv *inventory.Inventory) resource.Places {
	var p resource.Places
	for _, h := range inv.Hosts() {
		if !isMember(h) {
			continue
		}
		m := &member{host: h, seq: -1}
		var id naming
		if named := inventory.Bind(h, &id); !named.OK() {
			continue // what is wrong is reported by compile
		}
		m.bound = inventory.Bind(h, &m.vars)
		inventory.Bind(h, &m.around)
		m.seq = id.Seq
		p = p.Merge(resource.Places{PG: []resource.PGPlace{m.place(inv)}})
	}
	slices.SortStableFunc(p.PG, func(a, b resource.PGPlace) int { return strings.Compare(a.At, b.At) })
	return p
}

func (m *member) place(inv *inventory.Inventory) resource.PGPlace {
	v := &m.vars
	scheme, pooler := "http", 0
	if v.PoolEnabled {
		pooler = v.PoolPort
	}
	if v.PatroniSSL {
		scheme = "https"
	}
	return resource.PGPlace{
		At: v.Cluster, User: v.PatroniUser, Password: resource.NewSecret(v.PatroniPassword.Reveal()),
		Seats: []resource.PGSeat{{
			Instance: m.name(), Node: m.addr(), Socket: v.Localhost, Port: v.Port, DBSU: v.Dbsu, Data: m.real(v.Data), Elsewhere: m.otherHomes(),
			REST: scheme + "://" + join(m.host.IP, v.PatroniPort), CAFile: nodeCA, Pooler: pooler,
		}},
		Keys:      strings.TrimSuffix(v.Namespace, "/") + "/" + v.Cluster + "/",
		Balancers: m.balancedAt(inv),
	}
}

// balancedAt are the nodes on which a balancer leads clients to the member: its own, or those of a group.
func (m *member) balancedAt(inv *inventory.Inventory) (all []string) {
	if name := m.vars.Provider; name != "" {
		if g := inv.Group(name); g != nil {
			for _, h := range g.Hosts() {
				all = append(all, h.Addr)
			}
		}
		return all
	}
	if m.around.HAProxy {
		all = append(all, m.addr())
	}
	return all
}
