package stories

import (
	"testing"
	"time"
)

// edit is one change of what a cluster holds: first it is made in git, then somebody undoes or changes it by
// hand. Each time exactly the actions named are taken.
type edit struct {
	name  string
	git   func(*inside)
	does  []string
	in    string // the database that is asked; "" is postgres
	holds string // SQL that says t afterwards, both times
	drift string // SQL as the superuser
	sh    string // or a script as root, on the first node
	mends []string
}

// reader is a role with further fields.
func reader(fields string) func(*inside) {
	return func(i *inside) { i.users = []string{"{ name: reader, pgbouncer: true" + fields + " }"} }
}

// store is a database with further fields.
func store(fields string) func(*inside) {
	return func(i *inside) { i.databases = []string{"{ name: store, owner: app" + fields + " }"} }
}

const (
	role     = "~ pgrole:reader@pg-test"
	database = "~ pgdatabase:store@pg-test"
)

var roleEdits = []edit{
	{
		name: "a role", git: reader(", password: Reader.One, roles: [ dbrole_readonly ], comment: reads"),
		does: append(pooled("userlist.txt"), "+ pgrole:reader@pg-test"), drift: "DROP ROLE reader", mends: []string{"+ pgrole:reader@pg-test"},
		holds: "SELECT pg_has_role('reader', 'dbrole_readonly', 'usage') AND rolcanlogin AND shobj_description(oid, 'pg_authid') = 'reads' FROM pg_authid WHERE rolname = 'reader'",
	},
	{
		name: "its attributes", git: reader(", password: Reader.One, createdb: true, bypassrls: true, connlimit: 7"), does: []string{role},
		drift: "ALTER ROLE reader NOCREATEDB CONNECTION LIMIT 3", mends: []string{role},
		holds: "SELECT rolcreatedb AND rolbypassrls AND rolconnlimit = 7 FROM pg_authid WHERE rolname = 'reader'",
	},
	{
		name: "how it is in another", git: reader(", password: Reader.One, roles: [ { name: dbrole_readonly, admin: true, inherit: false, set: false } ]"), does: []string{role},
		drift: "REVOKE dbrole_readonly FROM reader CASCADE", mends: []string{role},
		holds: "SELECT admin_option AND NOT inherit_option AND NOT set_option FROM pg_auth_members WHERE member = 'reader'::regrole AND roleid = 'dbrole_readonly'::regrole",
	},
	{
		name: "its settings", git: reader(", password: Reader.One, parameters: { work_mem: 8MB, search_path: 'shop, public', log_statement: ALL }"), does: []string{role},
		drift: "ALTER ROLE reader RESET ALL", mends: []string{role},
		holds: "SELECT rolconfig @> '{work_mem=8MB,log_statement=ALL}' FROM pg_roles WHERE rolname = 'reader'",
	},
	{
		name: "a setting less", git: reader(", password: Reader.One, parameters: { work_mem: DEFAULT }"), does: []string{role},
		drift: "ALTER ROLE reader SET work_mem = '1MB'", mends: []string{role},
		holds: "SELECT NOT coalesce(rolconfig::text, '') LIKE '%work_mem%' FROM pg_roles WHERE rolname = 'reader'",
	},
	{
		name: "an expiry in days", git: reader(", password: Reader.One, expire_in: 30"), does: []string{role},
		drift: "ALTER ROLE reader VALID UNTIL 'infinity'", mends: []string{role},
		holds: "SELECT rolvaliduntil BETWEEN now() + '29 days' AND now() + '30 days' FROM pg_authid WHERE rolname = 'reader'",
	},
	{
		name: "an expiry on a day", git: reader(", password: Reader.One, expire_at: '2031-12-31'"), does: []string{role},
		drift: "ALTER ROLE reader VALID UNTIL '2001-01-01'", mends: []string{role},
		holds: "SELECT rolvaliduntil = '2031-12-31 00:00:00+00' FROM pg_authid WHERE rolname = 'reader'",
	},
	{
		name: "another password", git: reader(", password: Reader.Two"), does: append(pooled("userlist.txt"), role),
		drift: "ALTER ROLE reader PASSWORD 'by hand'", mends: []string{role},
		holds: "SELECT rolpassword LIKE 'SCRAM-SHA-256$4096:%' FROM pg_authid WHERE rolname = 'reader'",
	},
	{
		name: "a password as md5 stores it", git: reader(", password: md5d0bd0b1ee7ff18c6e3ee2d3a7b5c0a11"), does: append(pooled("userlist.txt"), role),
		drift: "ALTER ROLE reader PASSWORD NULL", mends: []string{role},
		holds: "SELECT rolpassword = 'md5d0bd0b1ee7ff18c6e3ee2d3a7b5c0a11' FROM pg_authid WHERE rolname = 'reader'",
	},
	{
		name: "a password as SCRAM stores it", git: reader(", password: '" + verifier + "'"), does: append(pooled("userlist.txt"), role),
		drift: "ALTER ROLE reader PASSWORD 'S3cret!'", mends: []string{role},
		holds: "SELECT rolpassword = '" + verifier + "' FROM pg_authid WHERE rolname = 'reader'",
	},
	{
		name: "out of the pooler", git: func(i *inside) { i.users = []string{"{ name: reader, password: '" + verifier + "' }"} }, does: pooled("userlist.txt"),
		holds: "SELECT rolcanlogin FROM pg_authid WHERE rolname = 'reader'",
		sh:    "echo '\"mallory\" \"x\"' >>/etc/pgbouncer/userlist.txt", mends: pooledAt(1, "userlist.txt"),
	},
	{
		name: "nothing of it is asked for any more", git: func(i *inside) { i.users = nil }, holds: "SELECT rolcanlogin FROM pg_authid WHERE rolname = 'reader'",
	},
}

// verifier is what a server stored for the password S3cret! of some role: the name is no part of it.
const verifier = "SCRAM-SHA-256$4096:qvy0WTCEL/Yn1XIiyqI4tw==$ST+nnJ5RJdWB+5EzsPn+PhWcNPpQJhlEIfMKMXf3o/c=:MSXlYv/75bld4VTcGjBFUOM8BtwlSssd/snVLbVRrWI="

var databaseEdits = []edit{
	{
		name: "a database", git: store(", comment: sells, schemas: [ s, { name: t, owner: dbuser_dba } ], extensions: [ { name: hstore, schema: s } ]"),
		does: append(pooled("database.txt"), "+ pgdatabase:store@pg-test", "+ pgschema:store/s@pg-test", "+ pgschema:store/t@pg-test",
			"+ pgextension:store/hstore@pg-test", "+ pgprivileges:store@pg-test"),
		in: "store", holds: "SELECT count(*) = 1 FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE extname = 'hstore' AND nspname = 's'",
		drift: "DROP SCHEMA s CASCADE", mends: []string{"+ pgschema:store/s@pg-test", "+ pgextension:store/hstore@pg-test"},
	},
	{
		name: "its attributes", git: store(", comment: buys, connlimit: 40, is_template: true, parameters: { statement_timeout: 1min, search_path: [ s, public ] }"), does: []string{database},
		drift: "ALTER DATABASE store CONNECTION LIMIT 3; ALTER DATABASE store RESET ALL; COMMENT ON DATABASE store IS 'else'", mends: []string{database},
		holds: "SELECT datconnlimit = 40 AND datistemplate AND shobj_description(oid, 'pg_database') = 'buys' FROM pg_database WHERE datname = 'store'",
	},
	{
		name: "its owner, and the owner of a schema", git: func(i *inside) {
			i.databases = []string{"{ name: store, owner: dbuser_dba, is_template: false, schemas: [ { name: t, owner: app } ] }"}
		},
		does: []string{database, "~ pgschema:store/t@pg-test", "~ pgprivileges:store@pg-test"}, in: "store",
		holds: "SELECT pg_get_userbyid(datdba) = 'dbuser_dba' AND 't'::regnamespace IN (SELECT oid FROM pg_namespace WHERE nspowner = 'app'::regrole) FROM pg_database WHERE datname = 'store'",
		drift: "ALTER DATABASE store OWNER TO app; ALTER SCHEMA t OWNER TO postgres", mends: []string{database, "~ pgschema:store/t@pg-test", "~ pgprivileges:store@pg-test"},
	},
	{
		name: "an extension in another schema, and one that is older",
		git:  store(", extensions: [ { name: hstore, schema: t }, { name: citext, version: '1.5' } ]"),
		does: []string{database, "~ pgextension:store/hstore@pg-test", "+ pgextension:store/citext@pg-test", "~ pgprivileges:store@pg-test"}, in: "store",
		holds: "SELECT count(*) = 1 FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE extname = 'hstore' AND nspname = 't'",
		drift: "ALTER EXTENSION hstore SET SCHEMA public", mends: []string{"~ pgextension:store/hstore@pg-test"},
	},
	{
		name: "an extension brought up to date", git: store(", extensions: [ { name: citext, version: '1.6' } ]"), does: []string{"~ pgextension:store/citext@pg-test"}, in: "store",
		holds: "SELECT extversion = '1.6' FROM pg_extension WHERE extname = 'citext'", drift: "DROP EXTENSION citext", mends: []string{"+ pgextension:store/citext@pg-test"},
	},
	{
		name: "not for everybody", git: store(", revokeconn: true"), does: []string{"~ pgprivileges:store@pg-test"}, in: "store",
		holds: "SELECT NOT has_database_privilege('dbrole_readonly', 'store', 'CONNECT') AND has_database_privilege('app', 'store', 'CONNECT')",
		drift: "GRANT CONNECT ON DATABASE store TO public", mends: []string{"~ pgprivileges:store@pg-test"},
	},
	{
		name: "limits in the pooler", git: store(", pool_size: 7, pool_mode: session"), does: pooled("database.txt"), holds: "SELECT true",
		sh: "sed -i /store/d /etc/pgbouncer/database.txt", mends: pooledAt(1, "database.txt"),
	},
	{
		name: "nobody may connect", git: store(", allowconn: false"), does: append(pooled("database.txt"), database),
		holds: "SELECT NOT datallowconn FROM pg_database WHERE datname = 'store'", drift: "ALTER DATABASE store ALLOW_CONNECTIONS true", mends: []string{database},
	},
	{
		name: "a copy of another", git: func(i *inside) {
			i.databases = []string{"{ name: store, owner: app, allowconn: true }", "{ name: copied, template: store, owner: app, pgbouncer: false }"}
		},
		does: []string{database, "+ pgdatabase:copied@pg-test", "+ pgprivileges:copied@pg-test"}, in: "copied",
		holds: "SELECT count(*) = 1 FROM pg_namespace WHERE nspname = 't'",
	},
}

func TestPgsqlRolesByGitAndByHand(t *testing.T)     { edited(t, roleEdits) }
func TestPgsqlDatabasesByGitAndByHand(t *testing.T) { edited(t, databaseEdits) }

func edited(t *testing.T, edits []edit) {
	long(t)
	onCluster(t).edited(t, edits)
}

// edited makes the edits one after the other while clients work.
func (s *story) edited(t *testing.T, edits []edit) {
	writer, asker := s.loads(5433, true, 50), s.loads(5434, false, 50)
	now := &inside{}
	for _, e := range edits {
		t.Run(e.name, func(t *testing.T) {
			inner := *s
			inner.TB = t
			inner.makes(e, now)
		})
	}
	writer.lostNothing()
	asker.lostNothing()
	s.quietLooks(2, "converged")
	s.agrees()
}

// TestPgsqlLeavesRoom makes, copies, renames and drops databases by hand while the fleet is looked at every two seconds. The
// server refuses that while anybody is in the one that is copied, renamed or dropped: after five seconds of waiting.
func TestPgsqlLeavesRoom(t *testing.T) {
	long(t)
	s := onCluster(t)
	s.commit("a database to look into", inside{databases: []string{"{ name: store, owner: app, schemas: [ s ] }"}})
	s.converges(time.Minute)
	for range 10 {
		s.round()
		for _, sql := range []string{
			"CREATE DATABASE own", "CREATE DATABASE copied TEMPLATE store", "ALTER DATABASE copied RENAME TO moved",
			"DROP DATABASE moved", "DROP DATABASE own",
		} {
			s.sql("postgres", sql)
		}
	}
	s.quietLooks(2, "converged")
}

// makes makes an edit, first in git and then by hand.
func (s *story) makes(e edit, now *inside) {
	s.Helper()
	defer func() {
		if s.Failed() {
			s.tell()
		}
	}()
	from := len(s.journal())
	e.git(now)
	s.commit(e.name, *now)
	took := s.converges(2 * time.Minute)
	s.did(from, e.does...)
	s.holdsIn(e)
	if e.drift+e.sh == "" {
		s.Logf("by git %s", round(took))
		return
	}
	from = len(s.journal())
	seen := s.metric("pigsync_corrective_changes_total")
	if e.drift != "" {
		s.sql(e.asked(), e.drift)
	} else {
		s.on(1, e.sh)
	}
	healed := s.eventually(time.Minute, "healed", func() bool { return s.metric("pigsync_corrective_changes_total") > seen })
	s.converges(time.Minute)
	s.did(from, e.mends...)
	s.holdsIn(e)
	s.Logf("by git %s, by hand mended after %s", round(took), round(healed))
}

func (e edit) asked() string {
	if e.in == "" {
		return "postgres"
	}
	return e.in
}

func (s *story) holdsIn(e edit) {
	s.Helper()
	s.saysSQL(e.asked(), e.holds, "t")
}
