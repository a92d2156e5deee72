package pgsql

import (
	"go/token"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules/pgsql/catalog"
)

// roleName is what Pigsty takes for the name of a role.
var roleName = regexp.MustCompile(`^[a-z_][a-z0-9_@.-]{0,62}$`)

// reservedRoles are words that PostgreSQL keeps for itself.
var reservedRoles = []string{"public", "none", "current_user", "current_role", "session_user"}

// checkRoles judges the roles of both lists.
func (c *cluster) checkRoles() {
	for _, m := range c.views("pg_users", "pg_default_roles") {
		r := c.roster(m)
		for _, list := range [][]User{m.vars.DefaultRoles, m.vars.Users} {
			first := map[string]token.Position{}
			for i := range list {
				if list[i].Name != "" {
					c.checkRole(m, r, &list[i], first)
				}
			}
		}
		c.checkRoleCircle(m, r)
		c.checkSystem(m, r)
	}
}

func (c *cluster) checkRole(m *member, r *roster, u *User, first map[string]token.Position) {
	pos := m.at(u.Pos)
	switch before, twice := first[u.Name]; {
	case twice && before.Filename != "":
		c.Warnf(pos, CodeSameRole, "role %s is defined a second time (first at %s): what this one sets wins", u.Name, place(before))
	case twice:
	case strings.HasPrefix(u.Name, "pg_") || slices.Contains(reservedRoles, u.Name):
		c.Errorf(pos, CodeReserved, "role %s: the name belongs to PostgreSQL, which refuses it", u.Name)
	case !roleName.MatchString(u.Name):
		c.Errorf(pos, CodeRoleName, "role %q: want at most 63 bytes of a-z, 0-9, _ @ . -, beginning with a letter or _", u.Name)
	}
	first[u.Name] = u.Pos
	if name, ok := m.system()[u.Name]; ok && u.State == "absent" {
		c.Errorf(pos, CodeProtected, "role %s: is the system role %s and cannot go", u.Name, name)
	}
	c.checkPassword(m, u, pos)
	c.checkExpiry(m, u)
	c.checkMemberships(m, r, u)
	c.checkSettings(m, u.Parameters, "")
}

func (c *cluster) checkPassword(m *member, u *User, pos token.Position) {
	_, system := m.system()[u.Name]
	switch {
	case u.State == "absent" || system || u.Pos.Filename == "":
		return // the passwords of the default roles are parameters of their own
	case u.Password.IsZero() && u.Pooled && m.vars.PoolEnabled && !m.vars.PoolAuthQuery:
		c.Warnf(pos, CodePoolPassword, "role %s: has pgbouncer: true and no password, so it cannot log in through the pooler", u.Name)
	case !u.Password.IsZero() && strings.EqualFold(u.Password.Reveal(), u.Name):
		c.Warnf(pos, CodeNamePassword, "role %s: the password is the name of the role, the first that anybody would try", u.Name)
	}
}

func (c *cluster) checkExpiry(m *member, u *User) {
	if u.ExpireAt == "" {
		return
	}
	pos := m.at(u.Pos)
	if u.ExpireIn != nil {
		c.Warnf(pos, CodeExpiry, "role %s: expire_in is stronger, so expire_at has no effect: want one of them", u.Name)
	}
	if date := u.ExpireAt; date != "infinity" && !isDate(date) {
		c.Errorf(pos, CodeExpiry, "role %s: expire_at: want a date such as 2030-12-31, or infinity, got %q", u.Name, date)
	}
}

func isDate(s string) bool {
	for _, layout := range []string{time.DateOnly, time.DateTime, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05-07", time.RFC3339, "2006-01-02 15:04"} {
		if _, err := time.Parse(layout, s); err == nil {
			return true
		}
	}
	return false
}

func (c *cluster) checkMemberships(m *member, r *roster, u *User) {
	for _, v := range u.Roles {
		g := Membership{State: "grant"}
		if !c.entry(v, &g, &g.Name) {
			continue
		}
		pos := m.at(v.Pos)
		if !r.has(g.Name, m.vars.Version) && g.State == "grant" && u.State != "absent" {
			c.Warnf(pos, CodeNoRole, "role %s is to be in %s, which nobody defines%s", u.Name, g.Name, r.suggest(g.Name))
		}
		if (g.Set != nil || g.Inherit != nil) && m.vars.Version < 16 {
			c.Warnf(pos, CodeNewer, "role %s: set and inherit of a membership are for PostgreSQL 16 and later, and this is %d", u.Name, m.vars.Version)
		}
	}
}

// checkRoleCircle reports each circle once, at the first of its roles in the list.
func (c *cluster) checkRoleCircle(m *member, r *roster) {
	reported := map[string]bool{}
	for _, u := range slices.Concat(m.vars.DefaultRoles, m.vars.Users) {
		for _, g := range r.in[u.Name] {
			if reported[u.Name] || !r.is(g, u.Name) {
				continue
			}
			c.Errorf(m.at(u.Pos), CodeRoleCircle, "role %s is in %s, and through it in itself, which PostgreSQL refuses", u.Name, g)
			for name := range r.names {
				reported[name] = reported[name] || r.is(name, u.Name) && r.is(u.Name, name)
			}
		}
	}
}

// checkSystem wants the system roles among those that are made.
func (c *cluster) checkSystem(m *member, r *roster) {
	for _, name := range []string{m.vars.ReplUser, m.vars.AdminUser, m.vars.MonitorUser} {
		param := m.system()[name]
		if !r.names[name] && !r.absent[name] {
			c.Errorf(m.pos(param), CodeNoRole, "%s: role %s is in neither pg_default_roles nor pg_users, so nobody makes it", param, name)
		}
	}
}

// unquoted are settings whose value is a list and is written as it is.
var unquoted = []string{
	"search_path", "temp_tablespaces", "local_preload_libraries", "session_preload_libraries", "shared_preload_libraries",
	"log_destination", "unix_socket_directories", "debug_io_direct",
}

// checkSettings judges the settings of a role or database, or with why not empty those of all members.
func (c *cluster) checkSettings(m *member, settings map[string]inventory.Value, why string) {
	for name, v := range settings {
		pos := m.at(v.Pos)
		if v.KeyPos().Filename != "" {
			pos = v.KeyPos()
		}
		span, known := catalog.Setting(name)
		switch {
		case strings.Contains(name, "."):
			continue // an extension's
		case !known:
			c.Warnf(pos, CodeSetting, "%s: PostgreSQL has no setting %s%s%s", v.Name(), name, why, suggest(name, catalog.Settings()))
		case !span.Has(m.vars.Version) && catalog.First <= m.vars.Version && m.vars.Version <= catalog.Last:
			c.Warnf(pos, CodeSetting, "%s: PostgreSQL %d has no setting %s%s: it is of %d to %d", v.Name(), m.vars.Version, name, why, span.From, span.To)
		case v.Kind() == inventory.List && !slices.Contains(unquoted, strings.ToLower(name)):
			c.Errorf(pos, CodeSetting, "%s: %s takes one value, got a list", v.Name(), name)
		case v.Kind() == inventory.Map:
			c.Errorf(pos, CodeSetting, "%s: want a value, got a mapping", v.Name())
		}
	}
}

// byPatroni are settings that Patroni gives on the command line, which is stronger than any file, and takes
// from what it keeps for the whole cluster.
var byPatroni = []string{
	"max_connections", "max_locks_per_transaction", "max_worker_processes", "max_prepared_transactions", "wal_level",
	"max_wal_senders", "max_replication_slots", "track_commit_timestamp", "wal_log_hints",
}

// patronisOwn are those that it makes itself of something else.
var patronisOwn = []string{"hot_standby", "cluster_name", "port", "listen_addresses"}

// checkParameters judges pg_parameters.
func (c *cluster) checkParameters() {
	for _, m := range c.views("pg_parameters") {
		c.checkSettings(m, m.vars.Parameters, ", and does not start with one it does not know")
		for name, v := range m.vars.Parameters {
			c.checkShared(v, strings.ToLower(name))
		}
	}
}

// checkShared finds what Patroni would pass over.
func (c *cluster) checkShared(v inventory.Value, name string) {
	switch {
	case slices.Contains(patronisOwn, name):
		c.Warnf(v.KeyPos(), CodeSetting, "%s: has no effect here: Patroni gives %s on the command line, and makes it of other parameters", v.Name(), name)
	case slices.Contains(byPatroni, name) && !slices.ContainsFunc(written(c.head().vars.Parameters), func(s setting) bool { return strings.EqualFold(s.name, name) && c.alike(s) }):
		c.Errorf(v.KeyPos(), CodeSetting, "%s: Patroni gives %s the same value on every member: want it for the whole cluster", v.Name(), name)
	}
}
