package pgsql

import (
	"go/token"
	"slices"
	"strings"
)

// maxName is what PostgreSQL keeps of a name, in bytes.
const maxName = 63

// checkDatabases judges the databases of the cluster.
func (c *cluster) checkDatabases() {
	for _, m := range c.views("pg_databases", "pg_version") {
		first := map[string]token.Position{}
		for i := range m.vars.Databases {
			d := &m.vars.Databases[i]
			if d.Name == "" {
				continue
			}
			if before, twice := first[d.Name]; twice {
				c.Warnf(d.Pos, CodeSameDatabase, "database %s is defined a second time (first at %s): what this one sets wins", d.Name, place(before))
			}
			first[d.Name] = d.Pos
			c.checkDatabaseName(d)
			c.checkState(d)
			c.checkNewer(m, d)
			c.checkLocale(m, d)
			c.checkBaseline(d)
			c.checkSettings(m, d.Parameters, "")
			c.checkExtensions(m, d)
		}
	}
}

// checkOwnership is about the roles that databases name.
func (c *cluster) checkOwnership() {
	for _, m := range c.views("pg_databases", "pg_users", "pg_default_roles") {
		r := c.roster(m)
		for i := range m.vars.Databases {
			if d := &m.vars.Databases[i]; d.Name != "" {
				c.checkOwners(m, r, d)
			}
		}
	}
}

// keywords are words with a meaning of their own in HBA rules.
var keywords = []string{"all", "sameuser", "samerole", "samegroup", "replication"}

func (c *cluster) checkDatabaseName(d *Database) {
	switch {
	case len(d.Name) > maxName:
		c.Errorf(d.Pos, CodeDatabaseName, "database %s: the name has %d bytes, and PostgreSQL cuts it off after %d", d.Name, len(d.Name), maxName)
	case strings.ContainsFunc(d.Name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		c.Errorf(d.Pos, CodeDatabaseName, "database %q: the name has a control character", d.Name)
	case d.Name == "pgbouncer" && d.Pooled:
		c.Errorf(d.Pos, CodeDatabaseName, "database pgbouncer: the pooler keeps the name for its console: want another, or pgbouncer: false")
	case slices.Contains(keywords, d.Name):
		c.Warnf(d.Pos, CodeDatabaseName, "database %s: the name is a keyword of HBA rules, so no rule can speak of this database without quotes", d.Name)
	case d.Pooled && strings.ContainsAny(d.Name, ` ='";#%`):
		c.Warnf(d.Pos, CodeDatabaseName, "database %q: the pooler's list of databases cannot hold this name: want pgbouncer: false, or letters, digits, _ and -", d.Name)
	}
}

func (c *cluster) checkState(d *Database) {
	own := d.Name == "postgres" || d.Name == "template0" || d.Name == "template1"
	switch {
	case own && d.State != "create":
		c.Errorf(d.Pos, CodeProtected, "database %s: is PostgreSQL's own and cannot go", d.Name)
	case d.Name == "template0":
		c.Errorf(d.Pos, CodeProtected, "database template0: is PostgreSQL's own, takes no connection and must stay as it is")
	case d.State == "recreate":
		c.Warnf(d.Pos, CodeRecreate, "database %s: state recreate drops it with all its data, once, when somebody has approved that: want create when it is done", d.Name)
	}
}

func (c *cluster) checkOwners(m *member, r *roster, d *Database) {
	if d.State == "absent" {
		return
	}
	if d.Owner != "" && !r.has(d.Owner, m.vars.Version) {
		c.Errorf(d.Pos, CodeOwner, "database %s: the owner %s is in neither pg_users nor pg_default_roles%s", d.Name, d.Owner, r.suggest(d.Owner))
	}
	if d.PoolAuth != "" && !r.has(d.PoolAuth, m.vars.Version) {
		c.Warnf(d.Pos, CodeNoRole, "database %s: pool_auth_user is %s, which nobody defines%s", d.Name, d.PoolAuth, r.suggest(d.PoolAuth))
	}
	for _, v := range d.Schemas {
		s := Schema{State: "create"}
		if !c.entry(v, &s, &s.Name) {
			continue
		}
		switch {
		case len(s.Name) > maxName || strings.HasPrefix(s.Name, "pg_"):
			c.Errorf(v.Pos, CodeDatabaseName, "schema %s: want at most %d bytes that do not begin with pg_, which PostgreSQL keeps for itself", s.Name, maxName)
		case s.Owner != "" && s.State != "absent" && !r.has(s.Owner, m.vars.Version):
			c.Errorf(v.Pos, CodeOwner, "schema %s: the owner %s is in neither pg_users nor pg_default_roles%s", s.Name, s.Owner, r.suggest(s.Owner))
		}
	}
}

// checkNewer finds what the release does not know, and passes over.
func (c *cluster) checkNewer(m *member, d *Database) {
	for _, n := range []struct {
		key, value string
		since      int
	}{
		{"locale_provider", d.Provider, 15}, {"icu_locale", d.ICULocale, 15}, {"strategy", d.Strategy, 15},
		{"icu_rules", d.ICURules, 16}, {"builtin_locale", d.Builtin, 17},
	} {
		if n.value != "" && m.vars.Version < n.since {
			c.Warnf(d.Pos, CodeNewer, "database %s: %s is for PostgreSQL %d and later, and this is %d: it has no effect", d.Name, n.key, n.since, m.vars.Version)
		}
	}
}

// builtinLocales are those of PostgreSQL's own provider.
var builtinLocales = []string{"C", "C.UTF-8", "C.UTF8", "PG_UNICODE_FAST"}

func (c *cluster) checkLocale(m *member, d *Database) {
	switch {
	case d.Provider == "icu" && d.ICULocale == "" && d.Locale == "" && m.vars.Version < 16:
		c.Errorf(d.Pos, CodeLocale, "database %s: the provider icu wants an icu_locale", d.Name)
	case d.Provider == "builtin" && m.vars.Version < 17 && m.vars.Version >= 15:
		c.Errorf(d.Pos, CodeLocale, "database %s: the provider builtin is for PostgreSQL 17 and later, and this is %d", d.Name, m.vars.Version)
	case d.Builtin != "" && !slices.Contains(builtinLocales, d.Builtin):
		c.Errorf(d.Pos, CodeLocale, "database %s: builtin_locale: want one of %s, got %q", d.Name, strings.Join(builtinLocales, ", "), d.Builtin)
	case (d.Provider == "libc" || d.Provider == "builtin") && d.ICULocale != "":
		c.Errorf(d.Pos, CodeLocale, "database %s: icu_locale goes with the provider icu, not with %s", d.Name, d.Provider)
	case d.Template == "" || d.Template == "template1":
		c.checkTemplate(m, d)
	}
}

// checkTemplate finds what a copy of template1 cannot have: an encoding or sort order of its own.
func (c *cluster) checkTemplate(m *member, d *Database) {
	for _, pair := range []struct{ key, want, have string }{
		{"encoding", d.Encoding, m.vars.Encoding}, {"lc_collate", d.LCCollate, m.vars.LCCollate}, {"lc_ctype", d.LCCtype, m.vars.LCCtype},
	} {
		if pair.want != "" && plainLocale(pair.want) != plainLocale(pair.have) {
			c.Warnf(d.Pos, CodeLocale, "database %s: %s is %s, and %s in the cluster: PostgreSQL refuses that without template: template0", d.Name, pair.key, pair.want, pair.have)
			return
		}
	}
}

// plainLocale makes the spellings of an encoding or a locale one.
func plainLocale(s string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(s))
}
