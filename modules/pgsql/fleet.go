package pgsql

import (
	"cmp"
	"go/token"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/distro"
	"github.com/pigsync/pigsync/modules/pgsql/hba"
	"github.com/pigsync/pigsync/resource"
)

// fleet is every PostgreSQL cluster of the inventory.
type fleet struct {
	*modules.Pass
	clusters []*cluster // sorted by name
	byAddr   map[netip.Addr]*member
	parsed   map[hbaText]*hba.Line // lines that were read, which nobody changes
}

// cluster is the hosts with one pg_cluster.
type cluster struct {
	*modules.Pass // speaks for the cluster
	fleet         *fleet
	name          string
	members       []*member // in the order of their numbers
	selectable    []any     // the members as JMESPath sees them, once somebody asked
	seen          resource.PGCluster
	phase         phase
	released      bool // it is known of which release of PostgreSQL it is
	size          size
	ledger        ledger
	stanzas       []resource.ID // where the leader's backups go
}

// member is one host of a cluster, and what the inventory says of it.
type member struct {
	host     *inventory.Host
	bound    *inventory.Bound
	vars     Vars
	around   around
	seq      int              // -1 when it has none
	bad      map[string]bool  // variables that could not be bound
	resolved []distro.Package // what packages resolved, for what is restarted after them
}

// naming is what says who an instance is.
type naming struct {
	Cluster string `var:"pg_cluster" pattern:"[A-Za-z0-9-]+" like:"pg-test"`
	Seq     int    `var:"pg_seq" required:"true" min:"0"`
}

// read binds every host that names a cluster.
func read(p *modules.Pass) *fleet {
	f := &fleet{Pass: p, byAddr: map[netip.Addr]*member{}, parsed: map[hbaText]*hba.Line{}}
	byName := map[string]*cluster{}
	for _, h := range p.Inventory.Hosts() {
		if !isMember(h) {
			continue
		}
		m, id := f.readMember(h)
		c := byName[id.Cluster]
		if c == nil {
			c = &cluster{Pass: p.For(owner(id.Cluster)), fleet: f, name: id.Cluster}
			byName[id.Cluster] = c
			f.clusters = append(f.clusters, c)
		}
		c.add(m)
	}
	slices.SortFunc(f.clusters, func(a, b *cluster) int { return cmp.Compare(a.name, b.name) })
	return f
}

// isWatched tells whether a host runs Greenplum, which is only watched.
func isWatched(h *inventory.Host) bool {
	kind, ok := h.Lookup("gp_role")
	return ok && !kind.IsNull()
}

// isMember tells whether a host names a cluster, and runs PostgreSQL.
func isMember(h *inventory.Host) bool {
	v, ok := h.Lookup("pg_cluster")
	return ok && !isWatched(h) && (v.Unevaluated() || !v.IsNull() && (v.Kind() != inventory.String || v.String() != ""))
}

// owner is whom a cluster's problems and resources belong to.
func owner(cluster string) string { return "pgsql/" + cluster }

func (f *fleet) readMember(h *inventory.Host) (*member, naming) {
	m := &member{host: h, seq: -1}
	var id naming
	b := inventory.Bind(h, &id)
	if f.For(owner(id.Cluster)).Identified(b.Problems) {
		m.seq = id.Seq
	}
	m.bound = inventory.Bind(h, &m.vars)
	inventory.Bind(h, &m.around) // what is wrong there, its own module reports
	m.bad = unbound(m.bound.Problems)
	f.byAddr[h.IP] = m
	return m, id
}

// unbound names the variables with an error.
func unbound(problems []inventory.Problem) map[string]bool {
	bad := map[string]bool{}
	for _, p := range problems {
		if i := strings.IndexAny(p.Msg, ":.["); i > 0 && p.Severity == inventory.Error {
			bad[p.Msg[:i]] = true
		}
	}
	return bad
}

func (c *cluster) add(m *member) {
	c.Bound(m.bound.Problems)
	c.members = append(c.members, m)
	slices.SortStableFunc(c.members, func(a, b *member) int { return cmp.Compare(a.seq, b.seq) })
}

// bound tells whether every member could be read as far as the variables go.
func (c *cluster) bound(names ...string) bool {
	return !slices.ContainsFunc(c.members, func(m *member) bool {
		return slices.ContainsFunc(names, func(n string) bool { return m.bad[n] })
	})
}

// views are the members among whom every value that the variables have in the cluster is met once:
// mostly one, because most values are written for the cluster.
func (c *cluster) views(names ...string) []*member {
	var out []*member
	seen := map[string]bool{}
	for _, m := range c.members {
		var key strings.Builder
		for _, n := range names {
			if m.bound.Has(n) {
				key.WriteString(m.bound.Pos(n).String())
			}
			key.WriteByte('|')
		}
		if !seen[key.String()] {
			seen[key.String()] = true
			out = append(out, m)
		}
	}
	return out
}

// primary is the member that leads at first; nil when it is not exactly one.
func (c *cluster) primary() *member {
	var found *member
	for _, m := range c.members {
		if m.vars.Role != "primary" {
			continue
		}
		if found != nil {
			return nil
		}
		found = m
	}
	return found
}

// head is the member that stands for the cluster: its primary, or else the first.
func (c *cluster) head() *member {
	if m := c.primary(); m != nil {
		return m
	}
	return c.members[0]
}

// standby tells whether the cluster follows another one.
func (c *cluster) standby() bool {
	m := c.primary()
	return m != nil && m.vars.Up.IsValid()
}

// has tells whether the address is a member's.
func (c *cluster) has(a netip.Addr) bool {
	return slices.ContainsFunc(c.members, func(m *member) bool { return m.host.IP == a })
}

func (m *member) pos(name string) token.Position { return m.bound.Pos(name) }

func (m *member) addr() string { return m.host.Addr }

func (m *member) name() string { return m.vars.Cluster + "-" + strconv.Itoa(m.seq) }

// at is where a value is written, or for one that is a default the host.
func (m *member) at(pos token.Position) token.Position {
	if pos.Filename == "" {
		return m.host.Pos
	}
	return pos
}

// place is another place as messages name it.
func place(p token.Position) string { return p.String() }
