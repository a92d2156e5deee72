package pgsql

import (
	"go/token"
	"slices"
	"strconv"
	"strings"

	"github.com/pigsync/pigsync/inventory"
)

// checkServices judges the services of both lists.
func (c *cluster) checkServices() {
	for _, m := range c.views("pg_services", "pg_default_services") {
		first := map[string]token.Position{}
		for i, list := range [][]Service{m.vars.DefaultServices, m.vars.Services} {
			for j := range list {
				s := &list[j]
				if before, twice := first[s.Name]; twice && s.Name != "" {
					c.Errorf(m.at(s.Pos), CodeSameTwice, "service %s: the name is already that of another one (%s): both would be %s-%s", s.Name, place(m.at(before)), c.name, s.Name)
				}
				first[s.Name] = s.Pos
				c.checkService(m, s, i == 1)
			}
		}
	}
	for _, m := range c.views("pg_service_provider") {
		if g := m.vars.Provider; g != "" && len(c.fleet.providers(g)) == 0 {
			c.Errorf(m.pos("pg_service_provider"), CodeProvider, "pg_service_provider: there is no group %s with hosts%s", g, suggest(g, c.fleet.groups()))
		}
	}
}

func (f *fleet) groups() (names []string) {
	for _, g := range f.Inventory.Groups() {
		names = append(names, g.Name)
	}
	return names
}

// providers are the hosts of a group of load balancers.
func (f *fleet) providers(group string) []*inventory.Host {
	if g := f.Inventory.Group(group); g != nil {
		return g.Hosts()
	}
	return nil
}

// checkPaths are the questions that Patroni answers.
var checkPaths = []string{
	"/", "/primary", "/master", "/replica", "/read-only", "/read-write", "/leader", "/standby-leader", "/standby_leader", "/sync", "/synchronous",
	"/async", "/asynchronous", "/quorum", "/read-only-sync", "/read-only-quorum", "/read-only-async", "/health", "/liveness", "/readiness", "/patroni",
}

// balances are the ways HAProxy knows to pick a server.
var balances = []string{"roundrobin", "static-rr", "leastconn", "first", "source", "random", "hash", "hdr", "uri", "url_param", "rdp-cookie", "log-hash", "sticky"}

func (c *cluster) checkService(m *member, s *Service, own bool) {
	if s.Name == "" {
		return
	}
	pos := m.at(s.Pos)
	if port, err := strconv.Atoi(s.Dest); err == nil && port > 1<<16-1 {
		c.Errorf(pos, inventory.CodeRange, "service %s: dest: want default, postgres, pgbouncer or a port in 1..65535, got %s", s.Name, s.Dest)
	}
	if path, _, _ := strings.Cut(s.Check, "?"); !slices.Contains(checkPaths, path) && s.Check != "" {
		c.Warnf(pos, CodeCheckPath, "service %s: Patroni does not answer %s, so every server will count as down%s", s.Name, path, suggest(path, checkPaths))
	}
	if way, _, _ := strings.Cut(strings.ReplaceAll(s.Balance, " ", "("), "("); !slices.Contains(balances, way) {
		c.Warnf(pos, CodeBalance, "service %s: HAProxy cannot balance by %s%s", s.Name, way, suggest(way, balances))
	}
	picked, ok := c.selects(pos, s.Name, "selector", s.Selector)
	spare, fine := c.selects(pos, s.Name, "backup", s.Backup)
	if ok && fine && own && picked+spare == 0 {
		c.Warnf(pos, CodeNobody, "service %s: the selector picks no member of %s: the service would have no servers", s.Name, c.name)
	}
}

// selects counts the members that an expression picks.
func (c *cluster) selects(pos token.Position, service, field, expression string) (n int, ok bool) {
	if expression == "" {
		return 0, true
	}
	sel, offset, err := compileSelector(expression)
	if err != nil {
		c.Errorf(pos, CodeSelector, "service %s: %s: at byte %d of %q: %v", service, field, offset+1, expression, err)
		return 0, false
	}
	found, err := sel.query.Search(c.hostvars())
	if err != nil {
		c.Errorf(pos, CodeSelector, "service %s: %s: %q cannot be answered: %v", service, field, expression, err)
		return 0, false
	}
	list, isList := found.([]any)
	if found != nil && !isList {
		c.Errorf(pos, CodeSelector, "service %s: %s: %q answers with something else than a list of members: want it to begin with [", service, field, expression)
		return 0, false
	}
	return len(list), true
}

// hostvars are the members as selectors see them: with what the inventory says of them, and no defaults.
func (c *cluster) hostvars() []any {
	if c.selectable == nil {
		for _, m := range c.members {
			vars := map[string]any{"inventory_hostname": m.addr()}
			for _, name := range m.host.Names() {
				if v, ok := m.host.Lookup(name); ok {
					vars[name] = asJSON(v.Any())
				}
			}
			c.selectable = append(c.selectable, vars)
		}
	}
	return c.selectable
}

// asJSON makes whole numbers what JMESPath compares numbers with.
func asJSON(v any) any {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case []any:
		for i := range v {
			v[i] = asJSON(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = asJSON(v[k])
		}
	}
	return v
}
