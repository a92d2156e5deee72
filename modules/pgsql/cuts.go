package pgsql

import (
	"net/netip"
	"slices"

	"github.com/pigsync/pigsync/modules/pgsql/hba"
	"github.com/pigsync/pigsync/resource"
)

func rulesOf(instance, node string) resource.ID {
	return resource.ID{Kind: resource.KindPGRules, Name: instance, At: node}
}

// rules wants who may connect to a server that runs, with the names of those whom that would lock out. It
// comes before Patroni's configuration, which has the same lines: what PostgreSQL would refuse, or nobody has
// approved, Patroni does not learn either.
func (i *instance) rules(whole resource.ID) []resource.ID {
	info, known := i.seen.Member(i.member.name())
	if !known || info.Cluster == "" || !info.Runs() {
		return nil
	}
	id := rulesOf(i.member.name(), i.addr())
	want := resource.PGRules{Lines: i.hbaLines(i.member)}
	if seen, ok := i.Known[id].Spec.(resource.PGRules); ok {
		want.Cuts = i.cuts(seen, want.Lines)
	}
	return []resource.ID{i.keep(id, want, whole)}
}

// caller is somebody who connects, or may have to.
type caller struct {
	who      string
	ways     []hba.Conn // one of them is enough
	account  string     // of the operating system, where the client runs on the same host
	hasACert bool
}

// cuts names those whom the rules that are in force let in and the new ones refuse for certain: who is
// connected now, and those without whom nobody replicates, watches or administers.
func (i *instance) cuts(seen resource.PGRules, lines []string) (out []string) {
	b := i.rulebook(i.member, hba.PostgreSQL)
	is, ok := parsed(seen.Lines)
	want, also := parsed(lines)
	if !ok || !also {
		return nil // what cannot be read, PostgreSQL did not read either
	}
	for _, c := range slices.Concat(i.connected(seen.Clients), i.indispensable()) {
		if !b.refuses(is, c) && b.refuses(want, c) {
			out = append(out, c.who)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func parsed(lines []string) (all []*hba.Line, ok bool) {
	for _, text := range lines {
		l, err := hba.Parse(text, hba.PostgreSQL)
		if err != nil {
			return nil, false
		}
		if l != nil {
			all = append(all, l)
		}
	}
	return all, true
}

// refuses tells whether none of the ways leads in, for certain.
func (b *rulebook) refuses(lines []*hba.Line, c caller) bool {
	return !slices.ContainsFunc(c.ways, func(way hba.Conn) bool {
		n, sure := hba.Decide(lines, way, b.roles)
		if n < 0 {
			return !sure
		}
		return !sure || b.admits(lines[n], way.User, c.account, c.hasACert)
	})
}

// connected are the clients as they connected. One over the socket runs as whom it says it is, as far as
// anybody knows.
func (i *instance) connected(clients []resource.PGClient) (all []caller) {
	for _, c := range clients {
		way := hba.Conn{Local: c.Address == "", TLS: c.TLS, Replication: c.Replication, Database: c.Database, User: c.User}
		where := " over the socket"
		if !way.Local {
			way.Addr, _ = netip.ParseAddr(c.Address) // the server wrote it
			where = " from " + c.Address
		}
		what := " to " + c.Database
		if c.Replication {
			what = " for replication"
		}
		all = append(all, caller{c.User + what + where, []hba.Conn{way}, c.User, true})
	}
	return all
}

// indispensable are those whom the cluster lives by, whether they are connected now or not.
func (i *instance) indispensable() (all []caller) {
	v := &i.vars
	all = append(all,
		caller{"the superuser " + v.Dbsu + " over the socket", []hba.Conn{{Local: true, Database: "postgres", User: v.Dbsu}}, v.Dbsu, false},
		caller{"the monitoring role " + v.MonitorUser + " over the socket", []hba.Conn{{Local: true, Database: "postgres", User: v.MonitorUser}}, v.Dbsu, false})
	for _, o := range i.followers(i.member) {
		all = append(all, caller{"replication by " + v.ReplUser + " from " + o.addr(), twoWays(hba.Conn{Addr: o.host.IP, Replication: true, User: v.ReplUser}), "", false})
	}
	for _, h := range i.fleet.watchers() {
		all = append(all, caller{"the monitoring role " + v.MonitorUser + " from " + h.Addr, twoWays(from(h.IP, v.MonitorUser)), "", false})
	}
	if a, err := netip.ParseAddr(i.around.AdminIP); err == nil {
		all = append(all, caller{"the administrator " + v.AdminUser + " from " + a.String(), twoWays(from(a, v.AdminUser)), "", true})
	}
	return all
}

// twoWays are with TLS and without, which clients try in turn.
func twoWays(c hba.Conn) []hba.Conn {
	with := c
	with.TLS = true
	return []hba.Conn{with, c}
}
