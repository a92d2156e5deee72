package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/pigsync/pigsync/resource"
)

// inside is what one database has, as one transaction saw it.
type inside struct {
	Schemas    []schema
	Extensions []extension
	Grants     []grant
}

type schema struct{ Name, Owner, Comment string }

type extension struct{ Name, Schema, Version, Newer string }

// grant is one right. Class is that of resource.PGObject.
type grant struct {
	Class, Role, Schema, Objects string
	Grantee, Right               string
	Option                       bool
}

const askInside = `SELECT json_build_object(
 'schemas', (SELECT coalesce(json_agg(json_build_object('name', n.nspname, 'owner', pg_get_userbyid(n.nspowner),
   'comment', coalesce(obj_description(n.oid, 'pg_namespace'), ''))), '[]')
   FROM pg_namespace n WHERE n.nspname::text IN (SELECT json_array_elements_text($1::json))),
 'extensions', (SELECT coalesce(json_agg(json_build_object('name', e.extname, 'schema', n.nspname, 'version', e.extversion,
   'newer', (SELECT CASE WHEN a.default_version <> e.extversion THEN a.default_version ELSE '' END
     FROM pg_available_extensions() a WHERE a.name = e.extname))), '[]')
   FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname::text IN (SELECT json_array_elements_text($2::json))),
 'grants', (SELECT coalesce(json_agg(g), '[]') FROM (
   SELECT 'database' AS class, '' AS role, '' AS schema, '' AS objects, CASE WHEN x.grantee = 0 THEN 'public' ELSE pg_get_userbyid(x.grantee) END AS grantee, x.privilege_type AS right, x.is_grantable AS option
     FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) x WHERE d.datname = current_database() AND $3::bool
   UNION ALL
   SELECT 'schema', '', n.nspname, '', CASE WHEN x.grantee = 0 THEN 'public' ELSE pg_get_userbyid(x.grantee) END, x.privilege_type, x.is_grantable
     FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) x
     WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND $3::bool
   UNION ALL
   SELECT 'default', pg_get_userbyid(a.defaclrole), coalesce(n.nspname, ''), CASE a.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences'
       WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' ELSE '' END, CASE WHEN x.grantee = 0 THEN 'public' ELSE pg_get_userbyid(x.grantee) END, x.privilege_type, x.is_grantable
     FROM pg_default_acl a LEFT JOIN pg_namespace n ON n.oid = a.defaclnamespace, aclexplode(a.defaclacl) x WHERE $3::bool
 ) g))`

// of looks into a database once; nil is that there is no such database.
func (l *Look) of(database string) (*inside, error) {
	g, err := l.globals()
	if err != nil {
		return nil, err
	}
	d, there := g.database(database)
	switch {
	case !there:
		return nil, nil
	case !d.AllowConn:
		return nil, fmt.Errorf("the database %s takes no connections", database)
	}
	ask := l.inside[database]
	if ask == nil {
		ask = func() (*inside, error) { return l.askInside(database) }
	}
	in, err := ask()
	if refused(err, noDatabase) { // it went while we looked
		return nil, nil
	}
	return in, err
}

// noDatabase is how a server says that there is no such database.
const noDatabase = "3D000"

func (l *Look) askInside(database string) (*inside, error) {
	var in inside
	err := l.within(database, func(ctx context.Context, s *session) error {
		w := l.wanted.inside[database]
		if w == nil {
			w = &within{}
		}
		return s.ask(ctx, &in, askInside, texts(w.schemas), texts(w.extensions), fmt.Sprint(w.privileges))
	})
	return &in, err
}

func (l *Look) seeSchema(name string) (resource.Spec, error) {
	in, name, err := l.into(name)
	if err != nil || in == nil {
		return nil, err
	}
	for _, s := range in.Schemas {
		if s.Name == name {
			return resource.PGSchema{Owner: s.Owner, Comment: s.Comment}, nil
		}
	}
	return nil, nil
}

func (l *Look) seeExtension(name string) (resource.Spec, error) {
	in, name, err := l.into(name)
	if err != nil || in == nil {
		return nil, err
	}
	for _, x := range in.Extensions {
		if x.Name == name {
			return resource.PGExtension{Schema: x.Schema, Version: x.Version, Newer: x.Newer}, nil
		}
	}
	return nil, nil
}

func (l *Look) into(name string) (in *inside, rest string, err error) {
	database, rest, ok := resource.PGInside(name)
	if !ok {
		return nil, "", fmt.Errorf("%q does not say in which database", name)
	}
	in, err = l.of(database)
	return in, rest, err
}

// seePrivileges is absent where the database is.
func (l *Look) seePrivileges(name string) (resource.Spec, error) {
	database, _, _ := strings.Cut(name, "/")
	in, err := l.of(database)
	if err != nil || in == nil {
		return nil, err
	}
	p := resource.PGPrivileges{}
	for _, g := range in.Grants {
		if on := g.on(); on != "" {
			p.Granted = append(p.Granted, resource.PGGrant{On: on, Grantee: g.Grantee, Right: g.Right, Option: g.Option})
		}
	}
	p.Granted = p.Expand()
	return p, nil
}

func (g grant) on() string {
	switch {
	case g.Class == "schema":
		return resource.PGOnSchema(g.Schema)
	case g.Class == "default" && g.Objects == "":
		return "" // of a type that is younger than this program
	case g.Class == "default":
		return resource.PGOnDefault(g.Role, g.Schema, g.Objects)
	}
	return resource.PGOnDatabase
}
