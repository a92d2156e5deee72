package pgsql

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/resource"
)

// inside declares what is in the cluster: it is the same on every member, and is changed where somebody
// leads. A standby cluster gets it from the one it follows.
func (c *cluster) inside(whole resource.ID) {
	if c.standby() {
		return
	}
	c = c.guarded()
	c.roles(whole)
	templates := c.templates(c.grantees(whole))
	var all, gone []*Database
	for _, d := range c.databases() {
		if d.State == "absent" {
			gone = append(gone, d)
			continue
		}
		all = append(all, d)
	}
	made := map[string][]resource.ID{}
	for _, d := range copiesLast(all) {
		after := slices.Concat(c.grantees(whole, d.owners(c)...), templates, made[d.Template])
		made[d.Name] = c.database(d, after)
	}
	c.gone(gone, whole)
}

// gone declares what is to go: it is switched off first, and has gone later where there is a quarantine. Nothing else
// comes after it: most of it waits until somebody approves.
func (c *cluster) gone(databases []*Database, whole resource.ID) {
	m, after := c.head(), []resource.ID{whole}
	for _, d := range databases {
		id := resource.PGAbsentOf(resource.KindPGDatabase, d.Name, c.name)
		off := c.Keep(d.Pos, resource.PGOffOf(resource.KindPGDatabase, d.Name, c.name), resource.PGOff{}, whole)
		after = append(after, c.Keep(d.Pos, id, resource.PGAbsent{Force: true}, off))
	}
	for _, u := range c.users() {
		if u.State == "absent" {
			id := resource.PGAbsentOf(resource.KindPGRole, u.Name, c.name)
			off := c.Keep(m.at(u.Pos), resource.PGOffOf(resource.KindPGRole, u.Name, c.name), resource.PGOff{}, whole)
			c.Keep(m.at(u.Pos), id, resource.PGAbsent{Heir: m.vars.Dbsu, Force: true}, slices.Concat(after, []resource.ID{off})...)
		}
	}
}

// users are the roles of both lists, each once: of several definitions the last one counts.
func (c *cluster) users() []*User {
	m := c.head()
	var all []*User
	for _, list := range [][]User{m.vars.DefaultRoles, m.vars.Users} {
		for i := range list {
			u := &list[i]
			if at := slices.IndexFunc(all, func(o *User) bool { return o.Name == u.Name }); at >= 0 {
				all[at] = u
				continue
			}
			all = append(all, u)
		}
	}
	return all
}

// grantees are the roles that every database has to do with, and those named: what fails of another role
// holds up no database.
func (c *cluster) grantees(whole resource.ID, more ...string) []resource.ID {
	ids := []resource.ID{whole}
	for _, u := range c.users() {
		own := slices.ContainsFunc(c.head().vars.DefaultRoles, func(d User) bool { return d.Name == u.Name })
		if id := resource.PGRoleOf(u.Name, c.name); (own || slices.Contains(more, u.Name)) && c.Declared(id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// owners are the roles that own the database and its schemas.
func (d *Database) owners(c *cluster) []string {
	all := []string{d.Owner}
	for _, v := range d.Schemas {
		var s Schema
		if c.entry(v, &s, &s.Name) {
			all = append(all, s.Owner)
		}
	}
	return all
}

func (c *cluster) roles(whole resource.ID) {
	m := c.head()
	users := c.users()
	there := map[string]bool{}
	for _, u := range users {
		there[u.Name] = u.State != "absent"
	}
	for _, u := range users {
		pos := m.at(u.Pos)
		if !there[u.Name] {
			continue
		}
		spec, after := c.roleOf(u), []resource.ID{whole}
		for _, in := range spec.MemberOf {
			if there[in.Role] && in.Role != u.Name {
				after = append(after, resource.PGRoleOf(in.Role, c.name))
			}
		}
		c.Keep(pos, resource.PGRoleOf(u.Name, c.name), spec, after...)
	}
}

// roleOf is a role as it should be.
func (c *cluster) roleOf(u *User) resource.PGRole {
	m := c.head()
	r := resource.PGRole{
		Name: u.Name, Is: map[string]bool{resource.PGLogin: true}, Limit: u.ConnLimit, Until: u.ExpireAt, Days: u.ExpireIn,
		Password: secretOf(c.passwordOf(u)), MD5: m.vars.PwdEnc == "md5", Settings: settings(u.Parameters), Comment: u.Comment,
	}
	for name, is := range map[string]*bool{
		resource.PGLogin: u.Login, resource.PGSuperuser: u.Superuser, resource.PGCreateDB: u.CreateDB, resource.PGCreateRole: u.CreateRole,
		resource.PGInherit: u.Inherit, resource.PGReplication: u.Replicate, resource.PGBypassRLS: u.BypassRLS,
	} {
		if is != nil {
			r.Is[name] = *is
		}
	}
	for _, v := range u.Roles {
		g := membership(v)
		r.MemberOf = append(r.MemberOf, resource.PGMembership{Role: g.Name, Admin: g.Admin, Inherit: g.Inherit, Set: g.Set, Not: g.State != "grant"})
	}
	return r
}

// passwordOf is the password of a role: those of the system roles are parameters of their own.
func (c *cluster) passwordOf(u *User) inventory.Secret {
	v := &c.head().vars
	switch u.Name {
	case v.Dbsu:
		return v.DbsuPassword
	case v.ReplUser:
		return v.ReplPassword
	case v.AdminUser:
		return v.AdminPassword
	case v.MonitorUser:
		return v.MonitorPassword
	}
	return u.Password
}

func secretOf(s inventory.Secret) resource.Secret {
	if s.IsZero() {
		return resource.Secret{}
	}
	return resource.NewSecret(s.Reveal())
}

func settings(params map[string]inventory.Value) map[string]string {
	if len(params) == 0 {
		return nil
	}
	out := map[string]string{}
	for _, s := range written(params) {
		out[s.name] = s.value
	}
	return out
}

// templates are the databases of which all later ones are copies, and PostgreSQL's own.
func (c *cluster) templates(after []resource.ID) (ids []resource.ID) {
	v := &c.head().vars
	pos := c.head().pos("pg_default_schemas")
	if !v.Provision.Provision {
		return nil
	}
	for _, db := range []string{"template1", "postgres"} {
		var schemas []resource.ID
		for _, s := range v.DefaultSchemas {
			schemas = append(schemas, c.Keep(c.head().at(pos), c.in(resource.KindPGSchema, db, s), resource.PGSchema{}, after...))
		}
		ids = append(ids, schemas...)
		ids = append(ids, c.extensions(db, c.creatable(v.DefaultExtensions), slices.Concat(after, schemas))...)
		var grants []resource.PGGrant
		for _, maker := range []string{v.Dbsu, v.AdminUser, "dbrole_admin"} {
			grants = append(grants, c.defaults(maker)...)
		}
		id := resource.ID{Kind: resource.KindPGPrivileges, Name: db, At: c.name}
		ids = append(ids, c.Keep(c.head().at(c.head().pos("pg_default_privileges")), id, resource.PGPrivileges{Granted: grants}, slices.Concat(after, schemas)...))
	}
	return ids
}

// in is the id of something in a database.
func (c *cluster) in(k resource.Kind, database, name string) resource.ID {
	return resource.ID{Kind: k, Name: resource.PGIn(database, name), At: c.name}
}

// defaults are the rights on what a role will make, as pg_default_privileges has them.
func (c *cluster) defaults(maker string) (grants []resource.PGGrant) {
	for _, line := range c.head().vars.DefaultPrivileges {
		rights, rest, ok := strings.Cut(strings.TrimSpace(line), " ON ")
		objects, to, also := strings.Cut(rest, " TO ")
		if !ok || !also {
			continue // the check of privileges reports it
		}
		for right := range strings.SplitSeq(strings.TrimPrefix(rights, "GRANT "), ",") {
			for grantee := range strings.SplitSeq(to, ",") {
				grants = append(grants, resource.PGGrant{
					On:      resource.PGOnDefault(maker, "", strings.ToLower(strings.TrimSpace(objects))),
					Grantee: strings.Trim(strings.TrimSpace(grantee), `"`), Right: strings.ToUpper(strings.TrimSpace(right)),
				})
			}
		}
	}
	return grants
}

// extensions are those of a database, created or gone.
func (c *cluster) extensions(db string, list []inventory.Value, after []resource.ID) (ids []resource.ID) {
	for _, v := range list {
		e := Extension{State: "create"}
		if !c.entry(v, &e, &e.Name) {
			continue
		}
		pos := c.head().at(v.Pos)
		if e.State == "absent" {
			id := resource.PGAbsentOf(resource.KindPGExtension, resource.PGIn(db, e.Name), c.name)
			ids = append(ids, c.Keep(pos, id, resource.PGAbsent{Force: true}, after...))
			continue
		}
		if id := c.in(resource.KindPGExtension, db, e.Name); !c.Declared(id) {
			ids = append(ids, c.Keep(pos, id, resource.PGExtension{Schema: e.Schema, Version: e.Version}, after...))
		}
	}
	return ids
}

// databases are those of the list, each once: of several definitions the last one counts.
func (c *cluster) databases() []*Database {
	byName := map[string]*Database{}
	list := c.head().vars.Databases
	for i := range list {
		byName[list[i].Name] = &list[i]
	}
	var all []*Database
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		all = append(all, byName[name])
	}
	return all
}

// copiesLast puts those that are copies of others behind them.
func copiesLast(all []*Database) []*Database {
	byName := map[string]*Database{}
	for _, d := range all {
		byName[d.Name] = d
	}
	depth := func(d *Database) (n int) {
		for n < len(all) && byName[d.Template] != nil {
			d, n = byName[d.Template], n+1
		}
		return n
	}
	slices.SortStableFunc(all, func(a, b *Database) int { return cmp.Compare(depth(a), depth(b)) })
	return all
}

// database declares one with all that is in it, and gives what that is.
func (c *cluster) database(d *Database, after []resource.ID) []resource.ID {
	id := c.Keep(d.Pos, resource.PGDatabaseOf(d.Name, c.name), resource.PGDatabase{
		Owner: d.Owner, Tablespace: d.Tablespace, IsTemplate: d.IsTemplate, AllowConn: d.AllowConn, Limit: d.ConnLimit,
		Comment: d.Comment, Settings: settings(d.Parameters), Again: d.State == "recreate", Baseline: d.Baseline != "", PGCreation: resource.PGCreation{
			Template: d.Template, Strategy: strings.ToUpper(d.Strategy), Encoding: d.Encoding, Collate: first(d.LCCollate, d.Locale), CType: first(d.LCCtype, d.Locale),
			Provider: d.Provider, Locale: first(d.ICULocale, d.Builtin), Rules: d.ICURules,
		},
	}, after...)
	if d.AllowConn != nil && !*d.AllowConn {
		return []resource.ID{id} // nobody can look inside
	}
	schemas := c.schemas(d, id)
	made := c.extensions(d.Name, d.Extensions, append(schemas, id))
	rights := resource.ID{Kind: resource.KindPGPrivileges, Name: d.Name, At: c.name}
	c.Keep(d.Pos, rights, c.rights(d), append(schemas, id)...)
	all := slices.Concat(schemas, made, []resource.ID{id, rights})
	return append(all, c.baseline(d, all)...)
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func (c *cluster) schemas(d *Database, after resource.ID) (ids []resource.ID) {
	for _, v := range d.Schemas {
		s := Schema{State: "create"}
		if !c.entry(v, &s, &s.Name) {
			continue
		}
		if s.State == "absent" {
			gone := resource.PGAbsentOf(resource.KindPGSchema, resource.PGIn(d.Name, s.Name), c.name)
			ids = append(ids, c.Keep(v.Pos, gone, resource.PGAbsent{Force: true}, after))
			continue
		}
		if id := c.in(resource.KindPGSchema, d.Name, s.Name); !c.Declared(id) {
			ids = append(ids, c.Keep(v.Pos, id, resource.PGSchema{Owner: s.Owner}, after))
		}
	}
	return ids
}

// rights are what every database of an application has: its administrators make objects in it, and nobody
// else does.
func (c *cluster) rights(d *Database) resource.PGPrivileges {
	v := &c.head().vars
	public := resource.PGOnSchema("public")
	p := resource.PGPrivileges{
		Granted: []resource.PGGrant{
			{On: resource.PGOnDatabase, Grantee: "dbrole_admin", Right: "CREATE"}, {On: public, Grantee: "dbrole_admin", Right: "CREATE"},
		},
		Revoked: []resource.PGGrant{
			{On: resource.PGOnDatabase, Grantee: "public", Right: "CREATE"}, {On: public, Grantee: "public", Right: "CREATE"},
		},
	}
	if d.Owner != "" {
		p.Granted = append(p.Granted, resource.PGGrant{On: resource.PGOnDatabase, Grantee: d.Owner, Right: "ALL"})
		p.Granted = append(p.Granted, c.defaults(d.Owner)...)
	}
	if d.RevokeConn == nil {
		return p
	}
	connect := resource.PGGrant{On: resource.PGOnDatabase, Grantee: "public", Right: "CONNECT"}
	if !*d.RevokeConn {
		p.Granted = append(p.Granted, connect)
		return p
	}
	p.Revoked = append(p.Revoked, connect)
	for _, who := range []string{v.ReplUser, v.MonitorUser, v.AdminUser, d.Owner} {
		if who != "" {
			p.Granted = append(p.Granted, resource.PGGrant{On: resource.PGOnDatabase, Grantee: who, Right: "CONNECT", Option: who == v.AdminUser || who == d.Owner})
		}
	}
	return p
}
