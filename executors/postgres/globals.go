package postgres

import (
	"context"
	"strconv"
	"strings"

	"github.com/pigsync/pigsync/resource"
)

// expireIn is the setting of a role with which it is remembered in how many days it was to expire, so that
// the day does not move. Nothing reads it but us; the catalog keeps it wherever the leader is.
const expireIn = "pigsync.expire_in"

// globals are what all databases of a server share, as one transaction saw it.
type globals struct {
	Recovery  bool
	Version   int // 170002
	Roles     []role
	Databases []database
	Types     map[string]resource.PGType
}

type role struct {
	Name     string
	OID      string
	Is       map[string]bool
	Limit    int
	Until    string
	Password string
	Comment  string
	Settings []string
	Member   []membership
}

type membership struct {
	Role                string
	Admin, Inherit, Set *bool
}

type database struct {
	Name, Owner, Tablespace, Comment                  string
	Encoding, Collate, CType, Provider, Locale, Rules string
	IsTemplate, AllowConn                             bool
	Limit                                             int
	Settings                                          []string
}

// The list of names comes as JSON, so that nothing need be quoted. Columns that an older server lacks are
// read by to_jsonb, which does not mind.
const askGlobals = `SELECT json_build_object(
 'recovery', pg_is_in_recovery(),
 'version', current_setting('server_version_num')::int,
 'types', (SELECT coalesce(json_object_agg(lower(name), json_build_object('Type', vartype, 'Unit', unit, 'Context', context)), '{}')
   FROM pg_settings WHERE lower(name) IN (SELECT json_array_elements_text($3::json))),
 'roles', (SELECT coalesce(json_agg(json_build_object(
   'name', a.rolname, 'oid', a.oid::text, 'is', json_build_object('login', a.rolcanlogin, 'superuser', a.rolsuper, 'createdb', a.rolcreatedb,
     'createrole', a.rolcreaterole, 'inherit', a.rolinherit, 'replication', a.rolreplication, 'bypassrls', a.rolbypassrls),
   'limit', a.rolconnlimit, 'password', coalesce(a.rolpassword, ''), 'comment', coalesce(shobj_description(a.oid, 'pg_authid'), ''),
   'until', CASE WHEN isfinite(a.rolvaliduntil) THEN to_char(a.rolvaliduntil AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') ELSE 'infinity' END,
   'settings', (SELECT to_json(s.setconfig) FROM pg_db_role_setting s WHERE s.setrole = a.oid AND s.setdatabase = 0),
   'member', (SELECT json_agg(x) FROM (SELECT g.rolname AS role, bool_or(m.admin_option) AS admin,
       bool_or((to_jsonb(m)->>'inherit_option')::bool) AS inherit, bool_or((to_jsonb(m)->>'set_option')::bool) AS set
     FROM pg_auth_members m JOIN pg_authid g ON g.oid = m.roleid WHERE m.member = a.oid GROUP BY g.rolname ORDER BY g.rolname) x))), '[]')
   FROM pg_authid a WHERE a.rolname::text IN (SELECT json_array_elements_text($1::json))),
 'databases', (SELECT coalesce(json_agg(json_build_object(
   'name', d.datname, 'owner', pg_get_userbyid(d.datdba), 'tablespace', t.spcname, 'comment', coalesce(shobj_description(d.oid, 'pg_database'), ''),
   'encoding', pg_encoding_to_char(d.encoding), 'collate', d.datcollate, 'ctype', d.datctype,
   'provider', CASE to_jsonb(d)->>'datlocprovider' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END,
   'locale', coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale', ''), 'rules', coalesce(to_jsonb(d)->>'daticurules', ''),
   'istemplate', d.datistemplate, 'allowconn', d.datallowconn, 'limit', d.datconnlimit,
   'settings', (SELECT to_json(s.setconfig) FROM pg_db_role_setting s WHERE s.setdatabase = d.oid AND s.setrole = 0))), '[]')
   FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace WHERE d.datname::text IN (SELECT json_array_elements_text($2::json))))`

// maintenance is the database that every server has.
const maintenance = "postgres"

func (l *Look) askGlobals() (*globals, error) {
	var g globals
	err := l.within(maintenance, func(ctx context.Context, s *session) error {
		w := l.wanted
		return s.ask(ctx, &g, askGlobals, texts(w.roles), texts(w.databases), texts(w.parameters))
	})
	return &g, err
}

func (l *Look) seeRole(name string) (resource.Spec, error) {
	g, err := l.globals()
	if err != nil {
		return nil, err
	}
	for _, r := range g.Roles {
		if r.Name == name {
			return r.spec(), nil
		}
	}
	return nil, nil
}

func (r role) spec() resource.PGRole {
	out := resource.PGRole{
		Name: r.Name, Is: r.Is, Limit: &r.Limit, Until: r.Until, Password: resource.NewSecret(r.Password),
		Settings: settings(r.Settings), Comment: r.Comment,
	}
	if days, err := strconv.Atoi(out.Settings[expireIn]); err == nil {
		out.Days = &days
	}
	delete(out.Settings, expireIn)
	for _, m := range r.Member {
		out.MemberOf = append(out.MemberOf, resource.PGMembership{Role: m.Role, Admin: m.Admin, Inherit: m.Inherit, Set: m.Set})
	}
	return out
}

// settings reads what the catalog keeps as name=value.
func settings(list []string) map[string]string {
	out := map[string]string{}
	for _, s := range list {
		name, value, _ := strings.Cut(s, "=")
		out[strings.ToLower(name)] = value
	}
	return out
}

func (l *Look) seeDatabase(name string) (resource.Spec, error) {
	g, err := l.globals()
	if err != nil {
		return nil, err
	}
	if d, ok := g.database(name); ok {
		return d.spec(), nil
	}
	return nil, nil
}

func (g *globals) database(name string) (database, bool) {
	for _, d := range g.Databases {
		if d.Name == name {
			return d, true
		}
	}
	return database{}, false
}

// interrupted is the limit of a database whose removal was cut short.
const interrupted = -2

func (d database) spec() resource.PGDatabase {
	own := settings(d.Settings)
	made := own[again] != ""
	delete(own, again)
	delete(own, baseline)
	return resource.PGDatabase{
		Owner: d.Owner, Tablespace: d.Tablespace, IsTemplate: &d.IsTemplate, AllowConn: &d.AllowConn, Limit: &d.Limit,
		Comment: d.Comment, Settings: own, Invalid: d.Limit == interrupted, Again: made,
		PGCreation: resource.PGCreation{
			Encoding: d.Encoding, Collate: d.Collate, CType: d.CType, Provider: d.Provider, Locale: d.Locale, Rules: d.Rules,
		},
	}
}

// seeAbsent is never absent itself: it says whether what should be gone is there.
func (l *Look) seeAbsent(id resource.ID) (resource.Spec, error) {
	kind, name, _ := strings.Cut(id.Name, "/")
	spec, err := l.seeInside(resource.ID{Kind: resource.Kind(kind), Name: name, At: id.At})
	if err != nil {
		return nil, err
	}
	return resource.PGAbsent{There: spec != nil}, nil
}

// seeOff says whether what is to go may still be used.
func (l *Look) seeOff(id resource.ID) (resource.Spec, error) {
	kind, name, _ := strings.Cut(id.Name, "/")
	spec, err := l.seeInside(resource.ID{Kind: resource.Kind(kind), Name: name, At: id.At})
	if err != nil {
		return nil, err
	}
	switch is := spec.(type) {
	case resource.PGRole:
		return resource.PGOff{Open: is.Is[resource.PGLogin]}, nil
	case resource.PGDatabase:
		return resource.PGOff{Open: is.Open()}, nil
	}
	return resource.PGOff{}, nil
}
