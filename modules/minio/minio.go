package minio

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/notation"
)

// Module is the MINIO module.
var Module = &modules.Module{
	Name: "minio", Doc: "object stores, among others for the backups of PostgreSQL",
	Vars: Vars{}, Compile: compile,
}

func compile(p *modules.Pass) {
	if v, ok := p.Inventory.All().Lookup("minio_cluster"); ok && !v.IsNull() {
		p.For("minio/"+v.String()).Errorf(v.KeyPos(), CodeGlobal, "minio_cluster: makes a member of every host here: want it in the group of the store")
		return
	}
	stores := read(p)
	for _, name := range slices.Sorted(maps.Keys(stores)) {
		members := stores[name]
		checkSeqs(members)
		checkAgreement(members)
		for _, m := range members {
			m.check(len(members))
		}
	}
}

// member is a host of a store.
type member struct {
	*modules.Pass
	host  *inventory.Host
	vars  Vars
	bound *inventory.Bound
}

// read binds every host that names a store, in the order of their numbers; one that cannot be
// read is left out.
func read(p *modules.Pass) map[string][]*member {
	stores := map[string][]*member{}
	for _, h := range p.Inventory.Hosts() {
		name, ok := h.Lookup("minio_cluster")
		if !ok || name.IsNull() {
			continue
		}
		m := &member{Pass: p.For("minio/" + name.String()), host: h}
		m.bound = inventory.Bind(h, &m.vars)
		if m.Bound(m.bound.Problems) {
			stores[m.vars.Cluster] = append(stores[m.vars.Cluster], m)
		}
	}
	for _, members := range stores {
		slices.SortStableFunc(members, func(a, b *member) int { return cmp.Compare(a.vars.Seq, b.vars.Seq) })
	}
	return stores
}

// checkSeqs wants the numbers to be one after the other: the volumes are written as a range, and a
// number that is missing is a host that does not exist.
func checkSeqs(members []*member) {
	for i, m := range members[1:] {
		before := members[i]
		switch pos := m.bound.Pos("minio_seq"); {
		case m.vars.Seq == before.vars.Seq:
			m.Errorf(pos, CodeSameSeq, "minio_seq: %d is already the number of %s (%s)", m.vars.Seq, before.host.Addr, before.bound.Pos("minio_seq"))
		case m.vars.Seq != before.vars.Seq+1 && m.vars.Volumes == "":
			m.Errorf(pos, CodeGap, "minio_seq: want %d, as the number after %d of %s, got %d: a gap stands for a member that does not exist",
				before.vars.Seq+1, before.vars.Seq, before.host.Addr, m.vars.Seq)
		}
	}
}

// checkAgreement wants what makes members one store to be the same at each.
func checkAgreement(members []*member) {
	first := members[0]
	for _, m := range members[1:] {
		name, there, here := difference(&first.vars, &m.vars)
		if name != "" {
			m.Errorf(m.bound.Pos(name), CodeDisagree, "%s: %s here and %s at %s: want one value for the store", name, here, there, first.host.Addr)
		}
	}
}

func difference(a, b *Vars) (name, first, second string) {
	for _, v := range []struct{ name, a, b string }{
		{"minio_data", a.Data, b.Data},
		{"minio_volumes", strconv.Quote(a.Volumes), strconv.Quote(b.Volumes)},
		{"minio_port", strconv.Itoa(a.Port), strconv.Itoa(b.Port)},
		{"minio_https", strconv.FormatBool(a.HTTPS), strconv.FormatBool(b.HTTPS)},
		{"minio_node", a.Node, b.Node},
		{"minio_access_key", a.AccessKey, b.AccessKey},
	} {
		if v.a != v.b {
			return v.name, v.a, v.b
		}
	}
	if !a.SecretKey.Equal(b.SecretKey) {
		return "minio_secret_key", "another", "one secret"
	}
	return "", "", ""
}

// check reports what is wrong with one member of a store of so many.
func (m *member) check(members int) {
	if m.vars.Volumes == "" {
		m.checkData()
		m.checkNode(members)
	}
	if err := notation.HostName(m.vars.Domain); err != nil {
		m.Errorf(m.bound.Pos("minio_domain"), CodeNode, "minio_domain: %q %v", m.vars.Domain, err)
	}
	m.checkBuckets()
	m.checkUsers()
}

func (m *member) checkData() {
	paths, err := notation.Braces(m.vars.Data)
	switch pos := m.bound.Pos("minio_data"); {
	case err != nil:
		m.Errorf(pos, CodeData, "minio_data: %v", err)
	case len(paths) == 1 && (paths[0] == "/" || paths[0] == "/data" || paths[0] == "/data/"):
		m.Errorf(pos, CodeData, "minio_data: is %s, which other modules share and removing the store would empty: want a directory of its own such as /data/minio", paths[0])
	}
}

// checkNode wants the pattern to make a different name of each member, which DNS would take.
func (m *member) checkNode(members int) {
	pos := m.bound.Pos("minio_node")
	name := inventory.Expand(m.vars.Node, map[string]string{"minio_cluster": m.vars.Cluster, "minio_seq": strconv.Itoa(m.vars.Seq)})
	if err := notation.HostName(name); err != nil && len(notation.Placeholders(name)) == 0 {
		m.Errorf(pos, CodeNode, "minio_node: makes the name %q, which %v", name, err)
	}
	if members > 1 && !slices.Contains(notation.Placeholders(m.vars.Node), "minio_seq") {
		m.Errorf(pos, CodeNode, "minio_node: makes one name for all %d members: want ${minio_seq} in it", members)
	}
}
