package pgsql

import (
	"slices"
	"strings"

	"github.com/pigsync/pigsync/resource"
)

// ledger is what the members should run with. It is worked out once, when it is known for which machines: much
// asks for it.
type ledger struct {
	tuned    []setting                     // what is there without being asked for
	shared   []setting                     // what Patroni keeps for all members
	own      map[*member][]setting         // what is in a member's local configuration
	of       map[*member]map[string]string // all of a member's, by name
	up, down map[string]bool               // of what a standby needs, what some member is to have more or less of
}

func (c *cluster) reckon() ledger {
	l := ledger{tuned: c.tune(), own: map[*member][]setting{}, of: map[*member]map[string]string{}, up: map[string]bool{}, down: map[string]bool{}}
	l.shared = c.sharing(l.tuned)
	for _, m := range c.members {
		l.own[m], l.of[m] = c.ownParameters(m), map[string]string{}
		for _, s := range slices.Concat(l.shared, l.own[m]) {
			l.of[m][s.name] = s.value
		}
	}
	for _, name := range resource.PGStandbyNeeds {
		l.up[name], l.down[name] = c.direction(l, name)
	}
	return l
}

// tune gives the parameters that are there without being asked for.
func (c *cluster) tune() []setting {
	v := &c.head().vars
	return slices.Concat(v.fixed(), v.tune(c.size), []setting{{"archive_command", c.archiveCommand()}})
}

// sharing gives the parameters that Patroni keeps for all members: what the cluster is tuned to, and over that
// what pg_parameters says alike for every member.
func (c *cluster) sharing(tuned []setting) []setting {
	all := slices.Clone(tuned)
	for _, s := range written(c.head().vars.Parameters) {
		s.name = strings.ToLower(s.name)
		if !c.alike(s) && !slices.Contains(byPatroni, s.name) {
			continue
		}
		all = slices.DeleteFunc(all, func(o setting) bool { return o.name == s.name })
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b setting) int { return strings.Compare(a.name, b.name) })
	return all
}

// alike tells whether pg_parameters says the same of a parameter for every member.
func (c *cluster) alike(s setting) bool {
	return !slices.ContainsFunc(c.members, func(m *member) bool {
		return !slices.ContainsFunc(written(m.vars.Parameters), func(o setting) bool {
			return strings.EqualFold(o.name, s.name) && o.value == s.value
		})
	})
}

// ownParameters are those of pg_parameters that hold for this member and not for all: they are in its local
// configuration, which is stronger. What Patroni gives on the command line cannot be there.
func (c *cluster) ownParameters(m *member) (own []setting) {
	for _, s := range written(m.vars.Parameters) {
		s.name = strings.ToLower(s.name)
		if !slices.Contains(byPatroni, s.name) && !c.alike(s) {
			own = append(own, s)
		}
	}
	return own
}

// parametersOf is what a member should run with, by name.
func (c *cluster) parametersOf(m *member) map[string]string { return c.ledger.of[m] }

// asked tells whether a parameter is one that pg_parameters has put beside those the cluster is tuned to: it
// goes with its line.
func (c *cluster) asked(name string) bool {
	return !slices.ContainsFunc(c.ledger.tuned, func(s setting) bool { return s.name == name })
}

// autos are the parameters of which the server itself makes another value than was written.
var autos = []string{
	"wal_buffers", "commit_timestamp_buffers", "transaction_buffers", "subtransaction_buffers", "notify_buffers",
	"serializable_buffers", "multixact_member_buffers", "multixact_offset_buffers", "listen_addresses", "port", "cluster_name",
	"hot_standby", "autovacuum_worker_slots",
}

// started is what a member should have started with, of what the server said it takes at a start.
func (c *cluster) started(m *member, info resource.PGMemberInfo) map[string]resource.PGSetting {
	out := map[string]resource.PGSetting{}
	for name, value := range c.parametersOf(m) {
		if _, known := info.Settings[name]; known && !slices.Contains(autos, name) && !c.postponed(name) {
			out[name] = resource.PGSetting{Value: value}
		}
	}
	return out
}

// moves tells in which directions the five parameters are to go of which a standby must not have less than
// its leader.
func (c *cluster) moves() (up, down bool) {
	for _, name := range resource.PGStandbyNeeds {
		up, down = up || c.ledger.up[name], down || c.ledger.down[name]
	}
	return up, down
}

// direction tells whether some member is to have more of a parameter, or less, than it has.
func (c *cluster) direction(l ledger, name string) (up, down bool) {
	for _, m := range c.members {
		info, _ := c.seen.Member(m.name())
		have, known := info.Settings[name]
		now, ok := have.Number()
		want, also := resource.PGSetting{Value: l.of[m][name], PGType: have.PGType}.Number()
		if known && ok && also {
			up, down = up || want > now, down || want < now
		}
	}
	return up, down
}

// postponed tells whether a parameter waits for the next round: where some of the five go up and others down,
// no order of restarts is right for all of them.
func (c *cluster) postponed(name string) bool {
	up, down := c.moves()
	return up && down && c.ledger.down[name]
}
