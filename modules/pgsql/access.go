package pgsql

import (
	"go/token"
	"net/netip"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/modules/pgsql/hba"
)

// checkHBA judges who may connect to PostgreSQL.
func (c *cluster) checkHBA() {
	books := c.rulebooks(hba.PostgreSQL)
	if books == nil {
		return
	}
	judgeRules(books)
	c.checkReplication(books)
	for _, b := range books {
		b.checkDbsu()
		b.checkMonitor()
		b.checkAdmin()
	}
}

// checkPoolHBA judges who may connect to the pooler.
func (c *cluster) checkPoolHBA() {
	if books := c.rulebooks(hba.PgBouncer); books != nil && c.head().vars.PoolEnabled {
		judgeRules(books)
		for _, b := range books {
			v := &b.member.vars
			way := hba.Conn{Local: true, Database: "pgbouncer", User: v.MonitorUser}
			if why, out := b.lockedOut(way, v.Dbsu, false); out && v.PoolExporterEnabled && v.PoolExporterURL.IsZero() {
				b.Warnf(b.place(why), CodeMonitor, "%s: %s cannot reach the pooler's console over the socket of %s%s: nobody watches the pooler",
					b.list, v.MonitorUser, b.member.addr(), why.because())
			}
		}
	}
}

// rulebooks are those of all members; nil when one cannot be read.
func (c *cluster) rulebooks(d hba.Dialect) []*rulebook {
	var books []*rulebook
	broken := false
	for _, m := range c.members {
		b := c.rulebook(m, d)
		broken = broken || b.broken
		books = append(books, b)
	}
	if broken {
		return nil
	}
	return books
}

// judgeRules looks at what is written, rule by rule. The books of a cluster's members differ only in which
// rules hold, unless a member has rules of its own.
func judgeRules(books []*rulebook) {
	for _, b := range books {
		for i, r := range b.rules {
			if r.own {
				b.checkWords(r)
				b.checkTrust(r)
				b.checkRole(r)
				b.checkShadow(i, r, books)
			}
		}
	}
}

// checkWords wants the roles and databases of a rule to be somebody's.
func (b *rulebook) checkWords(r *rule) {
	ros := b.roster(b.member)
	for _, l := range r.lines {
		for _, t := range l.Users {
			name := t.Text
			if !t.Quoted {
				name = strings.TrimPrefix(name, "+")
			}
			if name[0] != '/' && (t.Quoted || name != "all") && !ros.has(name, b.member.vars.Version) {
				b.Warnf(r.pos, CodeHBAUnknown, "HBA rule: role %s is defined by nobody%s", name, ros.suggest(name))
			}
		}
		for _, t := range l.Databases {
			if (t.Quoted || !slices.Contains(keywords, t.Text)) && t.Text[0] != '/' && !b.hasDatabase(t.Text) {
				b.Warnf(r.pos, CodeHBAUnknown, "HBA rule: database %s is defined by nobody%s", t.Text, suggest(t.Text, b.databases()))
			}
		}
	}
}

func (b *rulebook) databases() []string {
	all := []string{"postgres", "template1", "template0", b.member.vars.PrimaryDB}
	if b.dialect == hba.PgBouncer {
		all = append(all, "pgbouncer")
	}
	for _, d := range b.member.vars.Databases {
		if d.State != "absent" {
			all = append(all, d.Name)
		}
	}
	return all
}

func (b *rulebook) hasDatabase(name string) bool { return slices.Contains(b.databases(), name) }

func (b *rulebook) checkTrust(r *rule) {
	for _, l := range r.lines {
		if l.Method == "trust" && l.Type != "local" && (!l.Addr.Prefix.IsValid() || !l.Addr.Prefix.Addr().IsLoopback()) {
			b.Warnf(r.pos, CodeTrust, "HBA rule: trust lets everybody at %s in without a password", where(l))
			return
		}
	}
}

// where is whom a line is for, in words.
func where(l *hba.Line) string {
	if l.Addr.Prefix.IsValid() {
		return l.Addr.Prefix.String()
	}
	return l.Addr.Word
}

func (b *rulebook) checkRole(r *rule) {
	if !slices.ContainsFunc(b.members, r.holds) {
		b.Warnf(r.pos, CodeHBARole, "HBA rule: is for role %s, which no member of %s has: it holds nowhere", r.Role, b.name)
	}
}

// checkShadow finds a rule that earlier ones leave nothing to, wherever it holds.
func (b *rulebook) checkShadow(i int, r *rule, books []*rulebook) {
	var by refusal
	for _, other := range books {
		if !r.holds(other.member) {
			continue
		}
		if by = other.coveredBy(i, r); by.rule == nil {
			return
		}
	}
	if by.rule == nil {
		return
	}
	earlier := "a default rule"
	if by.rule.own {
		earlier = "the rule at " + place(by.rule.pos)
	}
	if by.method == r.lines[0].Method {
		b.Warnf(r.pos, CodeShadowed, "HBA rule: adds nothing, %s answers all that it speaks of in the same way", earlier)
		return
	}
	b.Warnf(r.pos, CodeShadowed, "HBA rule: can never match, %s answers all that it speaks of with %s", earlier, by.method)
}

// coveredBy is an earlier rule that takes part of r's connections away, when together they take all.
func (b *rulebook) coveredBy(i int, r *rule) (by refusal) {
	if i >= len(b.rules) || b.rules[i].pos != r.pos {
		return refusal{}
	}
	for _, l := range b.rules[i].lines {
		if by = b.covering(l, b.rules[:i]); by.rule == nil {
			return by
		}
	}
	return by
}

func (b *rulebook) covering(l *hba.Line, earlier []*rule) refusal {
	for _, e := range earlier {
		if !e.holds(b.member) {
			continue
		}
		if j := slices.IndexFunc(e.lines, func(o *hba.Line) bool { return o.Covers(l, b.roles) }); j >= 0 {
			return refusal{e, e.lines[j].Method}
		}
	}
	return refusal{}
}

// refusal is what decides, and how; no rule when none does.
type refusal struct {
	rule   *rule
	method string
}

func (r refusal) because() string {
	switch {
	case r.rule == nil:
		return ": no rule lets it in"
	case r.rule.own:
		return ": this rule decides, with " + r.method
	}
	return ": a default rule decides, with " + r.method
}

// place is the line to change.
func (b *rulebook) place(why refusal) token.Position {
	if why.rule != nil && why.rule.own {
		return why.rule.pos
	}
	if b.member.bound.Has(b.list) || b.list != "pg_hba_rules" {
		return b.member.pos(b.list)
	}
	return b.member.pos("pg_default_hba_rules")
}

// lockedOut tells whether a connection is refused for certain. Clients try with TLS first, and then
// without; account is the one of the operating system that a client on the same host runs as, and certified
// tells whether the client has a certificate.
func (b *rulebook) lockedOut(c hba.Conn, account string, certified bool) (why refusal, out bool) {
	if c.Local {
		return b.decide(c, account, certified)
	}
	c.TLS = true
	if why, out = b.decide(c, account, certified); !out {
		return why, false
	}
	c.TLS = false
	_, out = b.decide(c, account, certified)
	return why, out
}

func (b *rulebook) decide(c hba.Conn, account string, certified bool) (why refusal, out bool) {
	var lines []*hba.Line
	var rules []*rule
	for _, r := range b.rules {
		for _, l := range r.lines {
			if r.holds(b.member) {
				lines, rules = append(lines, l), append(rules, r)
			}
		}
	}
	i, sure := hba.Decide(lines, c, b.roles)
	if i < 0 {
		return refusal{}, sure
	}
	return refusal{rules[i], lines[i].Method}, sure && !b.admits(lines[i], c.User, account, certified)
}

// admits tells whether the method lets a client in that has a password, and what else is said of it.
func (b *rulebook) admits(l *hba.Line, user, account string, certified bool) bool {
	switch l.Method {
	case "reject":
		return false
	case "peer":
		return user == account || l.Options["map"] != ""
	case "ident":
		return l.Options["map"] != "" // nobody answers ident today, unless somebody set it up
	case "cert":
		return certified
	case "scram-sha-256", "md5", "password":
		return user != b.member.vars.Dbsu || !b.member.vars.DbsuPassword.IsZero()
	}
	return true
}

// from is a connection of a host's, to the database that every server has.
func from(addr netip.Addr, user string) hba.Conn {
	return hba.Conn{Addr: addr, Database: "postgres", User: user}
}
