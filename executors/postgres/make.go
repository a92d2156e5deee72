package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// applySchema makes a schema, or changes its owner. One with anything in it is not removed.
func (l *Look) applySchema(c diff.Change, want resource.PGSchema, have resource.Spec) error {
	database, name, ok := resource.PGInside(c.ID.Name)
	if !ok {
		return fmt.Errorf("%q does not say in which database", c.ID.Name)
	}
	if err := named(name); err != nil {
		return err
	}
	quoted := ident(name)
	if c.Action == diff.Delete {
		return l.run(database, []string{"DROP SCHEMA " + quoted + " RESTRICT"})
	}
	now, there := have.(resource.PGSchema)
	var todo statements
	if !there {
		todo.add("CREATE SCHEMA " + quoted)
	}
	if want.Owner != "" && want.Owner != now.Owner {
		if err := named(want.Owner); err != nil {
			return err
		}
		todo.add("ALTER SCHEMA " + quoted + " OWNER TO " + ident(want.Owner))
	}
	if err := comment(&todo, "SCHEMA "+quoted, want.Comment, now.Comment); err != nil {
		return err
	}
	return l.run(database, todo)
}

// applyExtension makes an extension, with what it requires, updates it or moves it.
func (l *Look) applyExtension(c diff.Change, want resource.PGExtension, have resource.Spec) error {
	database, name, ok := resource.PGInside(c.ID.Name)
	if !ok {
		return fmt.Errorf("%q does not say in which database", c.ID.Name)
	}
	if err := named(name); err != nil {
		return err
	}
	if want.Schema != "" {
		if err := named(want.Schema); err != nil {
			return err
		}
	}
	if !plain(want.Version) {
		return errZero
	}
	return l.run(database, extensionChange(c.Action, ident(name), want, have))
}

func extensionChange(a diff.Action, name string, want resource.PGExtension, have resource.Spec) (todo []string) {
	now, there := have.(resource.PGExtension)
	switch {
	case a == diff.Delete:
		return []string{"DROP EXTENSION " + name + " RESTRICT"}
	case !there:
		sql := "CREATE EXTENSION " + name
		if want.Schema != "" {
			sql += " SCHEMA " + ident(want.Schema)
		}
		if want.Version != "" {
			sql += " VERSION " + literal(want.Version)
		}
		return []string{"SET LOCAL search_path = public", sql + " CASCADE"} // where it goes of which nobody says where
	}
	if want.Schema != "" && want.Schema != now.Schema {
		todo = append(todo, "ALTER EXTENSION "+name+" SET SCHEMA "+ident(want.Schema))
	}
	if want.Version != "" && want.Version != now.Version {
		todo = append(todo, "ALTER EXTENSION "+name+" UPDATE TO "+literal(want.Version))
	}
	return todo
}

// applyPrivileges grants and revokes what differs. Rights are not taken away again because nobody asks
// for them any more: who else counts on them is not known.
func (l *Look) applyPrivileges(c diff.Change, want resource.PGPrivileges, have resource.Spec) error {
	database, _, _ := strings.Cut(c.ID.Name, "/")
	now, _ := have.(resource.PGPrivileges)
	var todo statements
	switch {
	case have == nil:
		return fmt.Errorf("there is no database %s", database)
	case c.Action == diff.Delete:
		return errStays
	}
	for _, g := range want.Expand() {
		if err := grantOne(&todo, database, now, resource.PGPrivileges{Granted: []resource.PGGrant{g}}, g, true); err != nil {
			return err
		}
	}
	for _, g := range (resource.PGPrivileges{Granted: want.Revoked}).Expand() {
		if err := grantOne(&todo, database, now, resource.PGPrivileges{Revoked: []resource.PGGrant{g}}, g, false); err != nil {
			return err
		}
	}
	return l.run(database, todo)
}

var errStays = errors.New("what was granted stays: to take it away, say so")

// grantOne adds the statement for one right, where it is one that differs.
func grantOne(todo *statements, database string, now, only resource.PGPrivileges, g resource.PGGrant, give bool) error {
	o, ok := resource.ParsePGObject(g.On)
	switch {
	case !ok:
		return fmt.Errorf("%q is nothing that a right can be on", g.On)
	case len(only.Compare(now)) == 0:
		return nil
	}
	right, err := keyword(g.Right, append(slices.Clone(resource.PGRights(o)), "MAINTAIN"))
	if err != nil {
		return err
	}
	if err := named(g.Grantee); err != nil {
		return err
	}
	todo.add(prefix(o) + verb(give, g.Option) + right + " ON " + target(o, database) + toWhom(give, g.Grantee) + option(give, g.Option))
	return nil
}

func prefix(o resource.PGObject) string {
	if o.Class != "default" {
		return ""
	}
	sql := "ALTER DEFAULT PRIVILEGES FOR ROLE " + ident(o.Role) + " "
	if o.Schema != "" {
		sql += "IN SCHEMA " + ident(o.Schema) + " "
	}
	return sql
}

func verb(give, option bool) string {
	switch {
	case give:
		return "GRANT "
	case option:
		return "REVOKE GRANT OPTION FOR "
	}
	return "REVOKE "
}

func target(o resource.PGObject, database string) string {
	switch o.Class {
	case "default":
		return strings.ToUpper(o.Objects)
	case "schema":
		return "SCHEMA " + ident(o.Schema)
	}
	return "DATABASE " + ident(database)
}

func toWhom(give bool, grantee string) string {
	who := "PUBLIC"
	if grantee != resource.PGPublic {
		who = ident(grantee)
	}
	if give {
		return " TO " + who
	}
	return " FROM " + who
}

func option(give, option bool) string {
	if give && option {
		return " WITH GRANT OPTION"
	}
	return ""
}

// applyAbsent drops what should be gone.
func (l *Look) applyAbsent(c diff.Change, want resource.PGAbsent) error {
	kind, name, _ := strings.Cut(c.ID.Name, "/")
	switch {
	case c.Action != diff.Update:
		return errNotMade
	case resource.Kind(kind) == resource.KindPGRole:
		return l.dropRole(name, want.Heir)
	case resource.Kind(kind) == resource.KindPGDatabase:
		return l.dropDatabase(name, want.Force)
	}
	database, inside, ok := resource.PGInside(name)
	if !ok {
		return fmt.Errorf("%q does not say in which database", name)
	}
	how := map[bool]string{true: " CASCADE", false: " RESTRICT"}[want.Force]
	switch resource.Kind(kind) {
	case resource.KindPGSchema:
		return l.run(database, []string{"DROP SCHEMA " + ident(inside) + how})
	case resource.KindPGExtension:
		return l.run(database, []string{"DROP EXTENSION " + ident(inside) + how})
	}
	return fmt.Errorf("nothing of the kind %q can be wished gone", kind)
}

// applyOff takes a role its login, and a database its connections.
func (l *Look) applyOff(c diff.Change) error {
	kind, name, _ := strings.Cut(c.ID.Name, "/")
	switch {
	case c.Action != diff.Update:
		return errNotMade
	case resource.Kind(kind) == resource.KindPGRole:
		if err := l.mayGo(name); err != nil {
			return err
		}
		return l.quarantine(name)
	case resource.Kind(kind) == resource.KindPGDatabase:
		return l.closeDatabase(name)
	}
	return fmt.Errorf("nothing of the kind %q can be switched off", kind)
}

// owned lists the databases in which something depends on a role, "" for what all databases share, with how
// many things.
const owned = `SELECT coalesce(json_agg(json_build_object('database', x.datname, 'things', x.n, 'owns', x.owns)), '[]') FROM (
  SELECT coalesce(d.datname, '') AS datname, count(*) AS n, count(*) FILTER (WHERE s.deptype = 'o') AS owns
    FROM pg_shdepend s LEFT JOIN pg_database d ON d.oid = s.dbid JOIN pg_authid a ON a.oid = s.refobjid
    WHERE s.refclassid = 'pg_authid'::regclass AND a.rolname = $1 GROUP BY 1 ORDER BY 1) x`

// dropRole drops a role. What it owns goes to the heir, in every database; without one, a role that owns
// something stays. Its sessions end with it.
func (l *Look) dropRole(name, heir string) error {
	if err := l.mayGo(name); err != nil {
		return err
	}
	if _, err := l.belongings(name, heir); err != nil {
		return err
	}
	if err := l.quarantine(name); err != nil {
		return err
	}
	things, err := l.belongings(name, heir) // nothing more comes to it from here on
	if err != nil {
		return err
	}
	for _, t := range things {
		if err := l.inherit(t.Database, name, heir); err != nil {
			return err
		}
	}
	return l.run(maintenance, []string{"DROP ROLE " + ident(name)})
}

// mayGo refuses what the server needs.
func (l *Look) mayGo(role string) error {
	if err := named(role); err != nil {
		return err
	}
	if role == l.seat.DBSU || strings.HasPrefix(role, "pg_") {
		return fmt.Errorf("the role %s stays: the server needs it", role)
	}
	return nil
}

// belonging is what depends on a role in one database.
type belonging struct {
	Database     string
	Things, Owns int
}

// belongings lists what depends on a role. Without an heir it must own nothing.
func (l *Look) belongings(name, heir string) (things []belonging, err error) {
	err = l.leading(maintenance, func(ctx context.Context, s *session) error { return s.ask(ctx, &things, owned, name) })
	if err != nil || heir != "" {
		return things, err
	}
	var whose []string
	for _, t := range things {
		if t.Owns > 0 {
			whose = append(whose, strconv.Itoa(t.Owns)+" in "+strconv.Quote(t.Database))
		}
	}
	if len(whose) > 0 {
		return nil, fmt.Errorf("it owns things, and nobody is named to whom they go: %s", strings.Join(whose, ", "))
	}
	return things, nil
}

// quarantine lets nobody be the role any more, and ends the sessions of those who are.
func (l *Look) quarantine(name string) error {
	return l.run(maintenance, []string{
		"ALTER ROLE " + ident(name) + " NOLOGIN", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = " + literal(name),
	})
}

// inherit gives what a role owns in a database to the heir, and then takes away the rights it has there. In
// the other order its tables would be gone.
func (l *Look) inherit(database, name, heir string) error {
	if database == "" {
		database = maintenance // what all share is reached from anywhere
	}
	var todo statements
	if heir != "" {
		if err := named(heir); err != nil {
			return err
		}
		todo.add("REASSIGN OWNED BY " + ident(name) + " TO " + ident(heir))
	}
	todo.add("DROP OWNED BY " + ident(name))
	return l.run(database, todo)
}
