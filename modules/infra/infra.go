package infra

import (
	"fmt"
	"go/token"
	"time"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
)

// Module is the INFRA module.
var Module = &modules.Module{
	Name: "infra", Doc: "the hosts that serve packages, names and the portal, and watch all others",
	Vars: Vars{}, Compile: compile,
}

// groupName is the group whose hosts are the members; Pigsty looks it up literally.
const groupName = "infra"

func compile(p *modules.Pass) {
	p = p.For("infra")
	checkGlobals(p)
	checkApps(p)
	g := p.Inventory.Group(groupName)
	if g == nil {
		return
	}
	var ms []*member
	for _, h := range g.Hosts() {
		m := &member{Pass: p, host: h}
		m.bound = inventory.Bind(h, &m.vars)
		if p.Bound(m.atMembership(m.bound.Problems)) {
			ms = append(ms, m)
		}
	}
	checkSeqs(ms)
	for _, m := range ms {
		m.check()
	}
}

// member is a host of the group.
type member struct {
	*modules.Pass
	host  *inventory.Host
	vars  Vars
	bound *inventory.Bound
}

// atMembership puts what is missing at the host's line in this group.
func (m *member) atMembership(problems []inventory.Problem) []inventory.Problem {
	for i := range problems {
		if problems[i].Pos == m.host.Pos {
			problems[i].Pos = m.host.PosIn(groupName)
		}
	}
	return problems
}

// pos is where a variable is written, or else the host's line in this group.
func (m *member) pos(name string) token.Position {
	if m.bound.Has(name) {
		return m.bound.Pos(name)
	}
	return m.host.PosIn(groupName)
}

func checkSeqs(ms []*member) {
	first := map[int]*member{}
	for _, m := range ms {
		seq := m.vars.Seq
		if other, taken := first[seq]; taken {
			m.Errorf(m.pos("infra_seq"), CodeSameSeq, "infra_seq: %d is already the number of %s (%s)", seq, other.host.Addr, other.pos("infra_seq"))
			continue
		}
		first[seq] = m
	}
}

// shortest is how long a certificate must be valid at least: it is renewed in time only when there
// is time.
const shortest = 30 * 24 * time.Hour

// checkGlobals judges what the whole deployment shares.
func checkGlobals(p *modules.Pass) {
	var v struct {
		Meta
		CA
	}
	b := inventory.Bind(p.Inventory.All(), &v)
	if !p.Bound(b.Problems) {
		return
	}
	checkAdmin(p, b, v.AdminIP.String())
	if b.Has("cert_validity") && v.Validity < shortest {
		p.Warnf(b.Pos("cert_validity"), CodeValidity, "cert_validity: want at least 30d, so that there is time to renew certificates")
	}
}

// checkAdmin wonders about an admin node that is none of the hosts. A small inventory that says
// nothing of it and has no group infra does not need one.
func checkAdmin(p *modules.Pass, b *inventory.Bound, admin string) {
	infra := p.Inventory.Group(groupName)
	switch {
	case !b.Has("admin_ip") && (infra == nil || len(infra.Hosts()) == 0):
	case p.Inventory.Host(admin) == nil && !b.Has("admin_ip"):
		p.Warnf(infra.Pos, CodeAdmin, "admin_ip: is not set, and %s, which it is then, is no host of this inventory", admin)
	case p.Inventory.Host(admin) == nil:
		p.Warnf(b.Pos("admin_ip"), CodeAdmin, "admin_ip: %s is no host of this inventory", admin)
	case infra != nil && !p.Inventory.Host(admin).In(groupName):
		p.Warnf(b.Pos("admin_ip"), CodeAdmin, "admin_ip: %s is not in the group infra, where the package repository and the portal are", admin)
	}
}

// checkApps wants the application of a host to be one of those defined for it.
func checkApps(p *modules.Pass) {
	for _, h := range p.Inventory.Hosts() {
		if name, ok := h.Lookup("app"); !ok || name.IsNull() {
			continue
		}
		var v Apps
		b := inventory.Bind(h, &v)
		if !p.Bound(b.Problems) || v.App == "" || !b.Has("apps") {
			continue
		}
		if _, ok := v.Apps[v.App]; !ok {
			p.Warnf(b.Pos("app"), CodeApp, "app: apps has no entry for %s", v.App)
		}
	}
}

// list wants a list of packages where it can be told already: an expression may become one.
func (m *member) list(name string, v inventory.Value) {
	if v.IsNull() || v.Unevaluated() {
		return
	}
	if v.Kind() != inventory.List {
		m.Errorf(v.Pos, CodeList, "%s: want a list of package names, got %s", name, v.Kind())
		return
	}
	items, _ := v.List() // cannot fail: it is one
	for i, item := range items {
		if !item.Unevaluated() && item.Kind() != inventory.String {
			m.Errorf(item.Pos, CodeList, "%s: want the name of a package, got %s", fmt.Sprintf("%s[%d]", name, i), item.Kind())
		}
	}
}
