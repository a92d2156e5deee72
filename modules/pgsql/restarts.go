package pgsql

import (
	"cmp"
	"regexp"
	"slices"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

// restarts lets the members run with what the inventory says of the parameters that take effect at a start:
// one after the other, and only where something differs. Before it stands all that they would start with.
func (c *cluster) restarts(whole resource.ID, keys []resource.ID) {
	before := append(slices.Clone(keys), whole)
	for _, m := range c.queue() {
		i := instance{c, m}
		if id, ok := i.restarted(slices.Concat(before, c.yields(m, before))); ok {
			before = append(before, id)
		}
	}
	c.favours(before)
}

// queue is the order of the restarts: replicas before the one that leads, and those that follow a replica
// before it; the other way round where a standby would have less of something than its leader still has.
func (c *cluster) queue() []*member {
	order := -1 // the farthest first
	if up, down := c.moves(); down && !up {
		order = 1
	}
	all := slices.Clone(c.members)
	slices.SortStableFunc(all, func(a, b *member) int { return order * cmp.Compare(c.depth(a), c.depth(b)) })
	return all
}

// depth is how many servers are between a member and the writes: 0 for the leader.
func (c *cluster) depth(m *member) int {
	if m.name() == c.seen.Leader {
		return 0
	}
	n := 1
	for up := c.at(m.vars.Up); up != nil && up != m && n <= len(c.members); up = c.at(up.vars.Up) {
		n++
	}
	return n
}

// restarted wants a member that runs in its cluster with what it should have started with.
func (i *instance) restarted(after []resource.ID) (resource.ID, bool) {
	info, known := i.seen.Member(i.member.name())
	if !known || info.Cluster == "" || info.System == "" {
		return resource.ID{}, false
	}
	spec := resource.PGMember{
		Cluster: i.scope(), Pending: info.Pending && !i.due(info), Settings: i.started(i.member, info), Replaced: info.Replaced && !i.renewed(),
		Patroni: i.pinned(isPatroni),
	}
	if spec.Replaced && i.pinned(isServer) == "" {
		i.Warnf(i.here(), CodePending, "%s: the program of %s was replaced, and the old one still runs: pigsync restarts it where pg_packages names a version", i.addr(), i.member.name())
	}
	if spec.Pending && !i.differs(info) {
		i.Warnf(i.here(), CodePending, "%s: %s waits for a restart that the inventory has not asked for%s", i.addr(), i.member.name(), because(info.Reasons))
	}
	return i.keep(resource.PGMemberOf(i.member.name(), i.addr()), spec, after...), true
}

// serverPackage is what Debian and EL call the package of the server.
var serverPackage = regexp.MustCompile(`^postgresql-?[0-9]+(-server)?$`)

func isServer(name string) bool { return serverPackage.MatchString(name) }

func isPatroni(name string) bool { return name == "patroni" }

// pinned is the version of a package that the inventory asks for, which is then also what should run; "" when it
// leaves that open.
func (i *instance) pinned(which func(name string) bool) string {
	for _, p := range i.resolved {
		if p.Version != "" && which(p.Name) {
			return p.Version
		}
	}
	return ""
}

// renewed tells whether a server whose program was replaced is to take it up: where the inventory names its version, and
// once all members have theirs. Else the one that leads would be restarted before a replica whose package is still to come.
func (i *instance) renewed() bool {
	if i.pinned(isServer) == "" {
		return false
	}
	for _, m := range i.members {
		if other := (instance{i.cluster, m}); !other.has(isServer, other.pinned(isServer)) {
			return false
		}
	}
	return true
}

// has tells whether a member has a package, in that version unless it is "", as far as anybody knows.
func (i *instance) has(which func(name string) bool, version string) bool {
	for _, p := range i.resolved {
		if !which(p.Name) {
			continue
		}
		have, known := i.Known[modules.PackageOf(p.Name, i.addr())]
		if known && have.Err == nil && (have.Spec == nil || len(resource.Package{Version: version}.Compare(have.Spec)) > 0) {
			return false
		}
	}
	return true
}

// due tells whether a pending restart is ours: not when somebody else has put a parameter beside ours, and not
// when what waits for it is taken back before.
func (i *instance) due(info resource.PGMemberInfo) bool {
	wanted := i.parametersOf(i.member)
	for _, name := range info.Reasons {
		_, ours := wanted[name]
		altered := slices.Contains(info.Altered, name)
		if !ours && (altered || slices.Contains(i.seen.Configured, name)) || ours && altered {
			return false
		}
	}
	return len(info.Reasons) > 0
}

// differs tells whether the member runs with something else than it should.
func (i *instance) differs(info resource.PGMemberInfo) bool {
	for name, want := range i.started(i.member, info) {
		if have := info.Settings[name]; !have.Same(name, have.Value, want.Value) {
			return true
		}
	}
	return false
}

// yields lets another one lead before the leader restarts, where the inventory asks for that.
func (c *cluster) yields(m *member, after []resource.ID) []resource.ID {
	info, known := c.seen.Member(m.name())
	i := instance{c, m}
	if !known || c.seen.Leader != m.name() || len(c.members) < 2 || m.vars.LeaderRestart != "switchover" || !i.differs(info) && !(info.Pending && i.due(info)) && !(info.Replaced && i.renewed()) {
		return nil
	}
	return []resource.ID{c.Keep(m.pos("pg_leader_restart"), c.leadingID(), resource.PGLeading{Not: m.name()}, after...)}
}

// freed wants postgresql.auto.conf to say nothing of what the inventory says.
func (i *instance) freed(after ...resource.ID) resource.ID {
	var names []string
	for name := range i.parametersOf(i.member) {
		names = append(names, name)
	}
	slices.Sort(names)
	names = append(names, "listen_addresses", "port", "cluster_name", "hot_standby")
	return i.keep(i.id(resource.KindPGAltered, i.member.name()), resource.PGAltered{Free: names}, after...)
}

// undrained wants every balancer to lead clients to all members again, whatever became of us meanwhile.
func (c *cluster) undrained() {
	for _, h := range c.balancers() {
		id := resource.ID{Kind: resource.KindPGDrained, Name: c.name, At: h.Addr}
		if !c.Declared(id) {
			c.Keep(h.Pos, id, resource.PGDrained{})
		}
	}
}
