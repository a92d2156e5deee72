package etcd

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

// groupName is the group whose hosts are the members; Pigsty looks it up literally.
const groupName = "etcd"

// member is one host of the group.
type member struct {
	host     *inventory.Host
	vars     Vars
	bound    *inventory.Bound
	seq      int
	name     string // etcd-1
	standing standing
	join     string // initial-cluster while it joins a living cluster; "" for a member that belongs
}

func (m *member) addr() string { return m.host.Addr }

func (m *member) peerURL() string {
	return "https://" + hostPort(m.host.IP, m.vars.PeerPort)
}

func (m *member) clientAddr() string { return hostPort(m.host.IP, m.vars.Port) }

// hostPort puts an IPv6 address into brackets; ports were checked when they were bound.
func hostPort(ip netip.Addr, port int) string {
	return netip.AddrPortFrom(ip, uint16(port)).String() //nolint:gosec // see above
}

// read binds the group's hosts, in the order of their numbers. What is wrong is in each member's
// bound; a host without a number has seq -1.
func read(inv *inventory.Inventory) []*member {
	g := inv.Group(groupName)
	if g == nil {
		return nil
	}
	var ms []*member
	for _, h := range g.Hosts() {
		m := &member{host: h, seq: -1}
		m.bound = inventory.Bind(h, &m.vars)
		var id Identity
		if inventory.Bind(h, &id).OK() {
			m.seq = id.Seq
		}
		m.name = m.vars.Cluster + "-" + strconv.Itoa(m.seq)
		ms = append(ms, m)
	}
	slices.SortStableFunc(ms, func(a, b *member) int { return cmp.Compare(a.seq, b.seq) })
	return ms
}

// check reports what is wrong with the group as a whole; ok is false when no member can be told
// from another.
func check(p *modules.Pass, g *inventory.Group, ms []*member) (ok bool) {
	if len(ms) == 0 {
		p.Errorf(g.Pos, CodeEmpty, "group etcd has no hosts: want 1, 3 or 5 members, or no group at all")
		return false
	}
	ok = checkIdentities(p, ms)
	for _, m := range ms {
		ok = p.Bound(m.bound.Problems) && ok
	}
	if !ok {
		return false
	}
	if len(ms)%2 == 0 {
		p.Warnf(g.Pos, CodeEven, "group etcd has %d members: an even number tolerates no more failures than %d", len(ms), len(ms)-1)
	}
	return checkAgreement(p, ms)
}

// atMembership puts what is missing where it belongs: at the host's line in this group, not at the
// first of the lines that name the host.
func atMembership(problems []inventory.Problem, h *inventory.Host) []inventory.Problem {
	for i := range problems {
		if problems[i].Pos == h.Pos {
			problems[i].Pos = h.PosIn(groupName)
		}
	}
	return problems
}

func checkIdentities(p *modules.Pass, ms []*member) bool {
	ok := true
	first := map[int]*member{}
	for _, m := range ms {
		var id Identity
		b := inventory.Bind(m.host, &id)
		if !p.Identified(atMembership(b.Problems, m.host)) {
			ok = false
			continue
		}
		if name := ms[0].vars.Cluster; name != "" && id.Cluster != name {
			p.Refusef(b.Pos("etcd_cluster"), CodeDisagree, "etcd_cluster: %s here and %s at %s: want one name for the cluster", id.Cluster, name, ms[0].addr())
			ok = false
		}
		if other, taken := first[id.Seq]; taken {
			p.Refusef(b.Pos("etcd_seq"), CodeDuplicateSeq, "etcd_seq: %d is already the number of %s (%s)", id.Seq, other.addr(), other.host.PosIn(groupName))
			ok = false
			continue
		}
		first[id.Seq] = m
	}
	return ok
}

// checkAgreement wants the parameters of the cluster to be the same at every member.
func checkAgreement(p *modules.Pass, ms []*member) bool {
	ok := true
	for _, m := range ms {
		if name, a, b := disagreement(ms[0].vars, m.vars); name != "" {
			p.Errorf(m.bound.Pos(name), CodeDisagree, "%s: %s here and %s at %s: want one value for the cluster", name, b, a, ms[0].addr())
			ok = false
		}
		if m.vars.Election < 5*m.vars.Heartbeat {
			p.Errorf(m.bound.Pos("etcd_election_timeout"), CodeTiming, "etcd_election_timeout: want at least five times etcd_heartbeat_interval (%d), got %d",
				m.vars.Heartbeat, m.vars.Election)
			ok = false
		}
	}
	return ok
}

func disagreement(a, b Vars) (name, first, second string) {
	for _, v := range []struct {
		name string
		a, b any
	}{
		{"etcd_election_timeout", a.Election, b.Election}, {"etcd_heartbeat_interval", a.Heartbeat, b.Heartbeat}, {"etcd_safeguard", a.Safeguard, b.Safeguard},
	} {
		if v.a != v.b {
			return v.name, fmt.Sprint(v.a), fmt.Sprint(v.b)
		}
	}
	if !a.Password.Equal(b.Password) {
		return "etcd_root_password", "one secret", "another"
	}
	return "", "", ""
}

func survey(inv *inventory.Inventory) []resource.ID {
	ms := read(inv)
	if len(ms) == 0 {
		return nil
	}
	ids := []resource.ID{resource.EtcdClusterOf(ms[0].vars.Cluster)}
	for _, m := range ms {
		ids = append(ids, resource.FactsOf(m.addr()), m.unitID(), m.dataID(), m.formedID())
	}
	return ids
}

// dataID is where etcd keeps its log: it exists once the member has started and belonged.
func (m *member) dataID() resource.ID { return modules.DirOf(m.vars.Data+"/member/wal", m.addr()) }

func (m *member) unitID() resource.ID { return modules.UnitOf("etcd", m.addr()) }

func (m *member) formedID() resource.ID { return modules.FileOf("/etc/etcd/formed", m.addr()) }

func places(inv *inventory.Inventory) resource.Places {
	ms := read(inv)
	if len(ms) == 0 {
		return resource.Places{}
	}
	first := ms[0].vars
	e := resource.EtcdPlace{
		At: first.Cluster, User: "root", Passwords: []resource.Secret{resource.NewSecret(first.Password.Reveal())},
		Logins: map[string]resource.Secret{"root": resource.NewSecret(first.Password.Reveal())},
	}
	for _, m := range ms {
		e.Endpoints = append(e.Endpoints, resource.Endpoint{Member: m.name, Node: m.addr(), Addr: m.clientAddr()})
	}
	for _, c := range clients(inv) {
		e.Logins[c.scope()] = c.password()
	}
	return resource.Places{Etcd: []resource.EtcdPlace{e}}
}
