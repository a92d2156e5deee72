package pgsql

import (
	"cmp"
	"errors"
	"go/token"
	"net/netip"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules/pgsql/hba"
)

// rule is an entry of the lists of HBA rules, with the lines it becomes on a member.
type rule struct {
	*HBARule
	pos   token.Position
	own   bool // written in the inventory, rather than a default
	lines []*hba.Line
	texts []string // the lines as the file has them
}

// rulebook is all that a member's pg_hba.conf, or its pooler's, consists of.
type rulebook struct {
	*cluster
	member  *member
	dialect hba.Dialect
	list    string // the parameter with the cluster's rules
	rules   []*rule
	roles   hba.Roles
	broken  bool // a rule could not be read, so nobody knows what the file says
}

// rulebook reads the rules of a member in the order in which they stand in the file. What is wrong is
// reported by the way.
func (c *cluster) rulebook(m *member, d hba.Dialect) *rulebook {
	b := &rulebook{cluster: c, member: m, dialect: d, list: "pg_hba_rules"}
	lists, defaults := [][]HBARule{m.vars.DefaultHBA, m.vars.HBA}, "pg_default_hba_rules"
	if d == hba.PgBouncer {
		b.list, defaults = "pgb_hba_rules", "pgb_default_hba_rules"
		lists = [][]HBARule{m.vars.DefaultPoolHBA, m.vars.PoolHBA}
	}
	b.roles = c.roster(m).is
	if d == hba.PgBouncer {
		b.roles = func(user, role string) bool { return user == role }
	}
	for i, list := range lists {
		for j := range list {
			r := &rule{HBARule: &list[j], pos: m.at(list[j].Pos), own: i == 1 || m.bound.Has(defaults)}
			b.read(r)
			b.rules = append(b.rules, r)
		}
	}
	slices.SortStableFunc(b.rules, func(x, y *rule) int { return cmp.Compare(x.rank(), y.rank()) })
	return b
}

// rank puts rules with an order first.
func (r *rule) rank() int {
	if r.Order == nil {
		return int(^uint(0) >> 1)
	}
	return *r.Order
}

// holds tells whether the rule is in force on a member.
func (r *rule) holds(m *member) bool { return r.holdsAs(m.vars.Role, m) }

// holdsAs tells it of a member that plays a role now.
func (r *rule) holdsAs(role string, m *member) bool {
	return r.Role == "default" || r.Role == "common" || r.Role == role || r.Role == "offline" && m.vars.Offline
}

func (b *rulebook) fail(pos token.Position, format string, args ...any) {
	b.broken = true
	b.Errorf(pos, CodeHBA, format, args...)
}

func (b *rulebook) read(r *rule) {
	switch {
	case len(r.Rules) > 0:
		for _, v := range r.Rules {
			b.readRaw(r, v)
		}
	case r.Addr == "":
		b.fail(r.pos, "HBA rule: has neither addr nor rules: want one of them")
	default:
		b.readAliases(r)
	}
}

// readRaw reads a line as it stands, and points into it.
func (b *rulebook) readRaw(r *rule, v inventory.Value) {
	text, err := v.Text()
	var p inventory.Problem
	if errors.As(err, &p) {
		b.broken = true
		b.Bound([]inventory.Problem{p})
		return
	}
	for line := range strings.Lines(text) {
		parsed, err := b.parse(line)
		var bad *hba.Error
		if errors.As(err, &bad) {
			b.fail(v.Pos, "%s: at byte %d of the line: %s", v.Name(), bad.Offset+1, bad.Msg)
			continue
		}
		b.keep(r, parsed, line)
	}
}

// parse reads a line. Most members have the same ones.
func (b *rulebook) parse(text string) (*hba.Line, error) {
	key := hbaText{b.dialect, text}
	if found, ok := b.fleet.parsed[key]; ok {
		return found, nil
	}
	l, err := hba.Parse(text, b.dialect)
	if err == nil {
		b.fleet.parsed[key] = l
	}
	return l, err
}

// hbaText is a line as it is written for one of the programs.
type hbaText struct {
	dialect hba.Dialect
	text    string
}

func (b *rulebook) keep(r *rule, l *hba.Line, text string) {
	if l == nil {
		return
	}
	if b.dialect == hba.PgBouncer && slices.ContainsFunc(l.Databases, func(t hba.Token) bool { return !t.Quoted && t.Text == "replication" }) {
		b.fail(r.pos, "HBA rule: the pooler takes no connections for replication: want names of databases, or all")
		return
	}
	r.lines, r.texts = append(r.lines, l), append(r.texts, strings.TrimSpace(text))
}

// readAliases makes lines of a rule that is written with aliases.
func (b *rulebook) readAliases(r *rule) {
	addrs, ok := b.addresses(r.Addr)
	if !ok {
		b.fail(r.pos, "HBA rule: addr: want local, localhost, admin, infra, cluster, intra, world, or an address with mask, got %q", r.Addr)
		return
	}
	kind, method := b.method(r.Auth)
	for _, a := range addrs {
		text := strings.Join([]string{kind, r.DB, b.user(r.User), a, method}, " ")
		if a == "" {
			text = strings.Join([]string{"local", r.DB, b.user(r.User), method}, " ")
		}
		l, err := b.parse(text)
		if err != nil {
			b.fail(r.pos, "HBA rule: becomes %q: %v", text, err)
			return
		}
		b.keep(r, l, text)
	}
}

// user puts the system roles for their placeholders.
func (b *rulebook) user(s string) string {
	v := &b.member.vars
	switch s {
	case "${dbsu}":
		return v.Dbsu
	case "${repl}":
		return v.ReplUser
	case "${admin}":
		return v.AdminUser
	case "${monitor}":
		return v.MonitorUser
	}
	return s
}

// method is what an alias stands for, and the type of lines it needs.
func (b *rulebook) method(auth string) (kind, method string) {
	kind, method = "host", auth
	switch auth {
	case "deny":
		method = "reject"
	case "pwd", "ssl":
		method = b.member.vars.PwdEnc
	case "sha", "ssl-sha":
		method = "scram-sha-256"
	case "ssl-md5":
		method = "md5"
	case "os", "ident":
		method = "ident"
		if b.dialect == hba.PgBouncer {
			method = "peer"
		}
	}
	if auth == "cert" || strings.HasPrefix(auth, "ssl") {
		kind = "hostssl"
	}
	return kind, method
}

// addresses are what an alias stands for; the empty one is the socket.
func (b *rulebook) addresses(alias string) (all []string, ok bool) {
	switch alias {
	case "local":
		return []string{""}, true
	case "localhost":
		return []string{"", "127.0.0.1/32", "::1/128"}, true
	case "admin":
		return []string{single(b.member.around.AdminIP)}, true
	case "infra":
		return b.fleet.infra(), true
	case "cluster":
		for _, m := range b.members {
			all = append(all, single(m.addr()))
		}
		return all, true
	case "intra", "intranet":
		return b.member.around.Intranet, true
	case "world", "all":
		return []string{"0.0.0.0/0", "::/0"}, true
	}
	if strings.Contains(alias, "/") {
		_, err := netip.ParsePrefix(alias)
		return []string{alias}, err == nil
	}
	_, err := netip.ParseAddr(alias)
	return []string{single(alias)}, err == nil
}

// single is the network of one host.
func single(addr string) string {
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return addr
	}
	return netip.PrefixFrom(a, a.BitLen()).String()
}

// infra are the hosts that watch.
func (f *fleet) infra() (all []string) {
	if g := f.Inventory.Group("infra"); g != nil {
		for _, h := range g.Hosts() {
			all = append(all, single(h.Addr))
		}
	}
	return all
}
