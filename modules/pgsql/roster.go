package pgsql

import (
	"errors"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules/pgsql/catalog"
)

// roster is every role that a cluster has as one of its members reads the inventory.
type roster struct {
	names  map[string]bool
	in     map[string][]string // the roles a role is in
	absent map[string]bool
}

// roster gathers the roles of the lists; those that go are no longer there.
func (c *cluster) roster(m *member) *roster {
	r := &roster{names: map[string]bool{}, in: map[string][]string{}, absent: map[string]bool{}}
	for _, u := range slices.Concat(m.vars.DefaultRoles, m.vars.Users) {
		r.absent[u.Name] = u.State == "absent"
		r.names[u.Name] = u.Name != "" && u.State != "absent"
		for _, v := range u.Roles {
			if g := membership(v); g.State == "grant" {
				r.in[u.Name] = append(r.in[u.Name], g.Name)
			}
		}
	}
	r.names[m.vars.Dbsu] = true
	return r
}

// has tells whether somebody defines the role: the inventory, or PostgreSQL of that release.
func (r *roster) has(role string, major int) bool {
	first, predefined := catalog.Predefined(role)
	return r.names[role] || predefined && first <= major
}

// is tells whether user is the role or, through others too, in it.
func (r *roster) is(user, role string) bool {
	seen := map[string]bool{}
	next := []string{user}
	for len(next) > 0 {
		at := next[0]
		next = next[1:]
		if at == role {
			return true
		}
		if !seen[at] {
			seen[at] = true
			next = append(next, r.in[at]...)
		}
	}
	return false
}

// suggest is the end of a message that names the role that was probably meant.
func (r *roster) suggest(name string) string {
	var all []string
	for n, there := range r.names {
		if there {
			all = append(all, n)
		}
	}
	slices.Sort(all)
	return suggest(name, all)
}

func suggest(name string, all []string) string {
	if near, ok := inventory.Nearest(name, all); ok {
		return ": did you mean " + near + "?"
	}
	return ""
}

// membership reads an entry of a user's roles; what is wrong with it, checkMemberships tells.
func membership(v inventory.Value) Membership {
	var g Membership
	if v.Kind() == inventory.Map {
		inventory.Bind(v, &g)
		return g
	}
	g.Name, _ = v.Text()
	g.State, g.Pos = "grant", v.Pos
	return g
}

// entry reads an item of a list that is a name, or an object that is bound to into. It reports what is
// wrong, and is false when nothing can be said of the item.
func (c *cluster) entry(v inventory.Value, into any, name *string) bool {
	if v.Kind() == inventory.Map {
		return c.Bound(inventory.Bind(v, into).Problems)
	}
	text, err := v.Text()
	var p inventory.Problem
	switch {
	case errors.As(err, &p):
		return c.Bound([]inventory.Problem{p})
	case text == "":
		c.Errorf(v.Pos, inventory.CodeRequired, "%s: is a name, but empty", v.Name())
		return false
	}
	*name = text
	return true
}

// system are the roles every cluster lives by.
func (m *member) system() map[string]string {
	return map[string]string{
		m.vars.Dbsu: "pg_dbsu", m.vars.ReplUser: "pg_replication_username",
		m.vars.AdminUser: "pg_admin_username", m.vars.MonitorUser: "pg_monitor_username",
	}
}

// words splits a text at commas and blanks.
func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' })
}
