package postgres_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors/postgres"
	"github.com/pigsync/pigsync/executors/postgres/pgtest"
	"github.com/pigsync/pigsync/resource"
)

// node is this machine.
var node = postgres.Node{
	Read: func(path string) ([]byte, error) {
		b, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			return nil, nil
		}
		return b, err
	},
	UID: func(name string) (int, error) {
		u, err := user.Lookup(name)
		if err != nil {
			return 0, err
		}
		return strconv.Atoi(u.Uid)
	},
	Run: func(ctx context.Context, user string, _ bool, argv ...string) ([]byte, error) {
		if os.Geteuid() == 0 {
			argv = append([]string{"runuser", "-u", user, "--"}, argv...)
		}
		return exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput() //nolint:gosec // a program of the server
	},
}

// bench is a cluster under a hand.
type bench struct {
	*pgtest.Cluster
	hand postgres.Hand
}

func (b *bench) look(i int, ids ...resource.ID) *postgres.Look {
	s := postgres.Seat{PGSeat: b.Place.Seats[i-1], Cluster: b.Place.At, User: b.Place.User, Password: b.Place.Password}
	l := b.hand.Look(context.Background(), s, node, ids)
	b.Cleanup(l.Close)
	return l
}

// see looks at one id by the first instance.
func (b *bench) see(id resource.ID) resource.Spec {
	b.Helper()
	l := b.look(1, id)
	spec, err := l.See(id)
	if l.Close(); err != nil {
		b.Fatalf("%s: %v", id, err)
	}
	return spec
}

func (b *bench) apply(id resource.ID, want resource.Spec) error {
	b.Helper()
	have := b.see(id)
	c := diff.Change{Resource: resource.Resource{ID: id, Spec: want}, Action: diff.Update, Have: have}
	switch {
	case want == nil:
		c.Action, c.Spec = diff.Delete, have
	case have == nil:
		c.Action = diff.Create
	}
	return b.look(1, id).Apply(c, have)
}

// becomes makes a spec true, looks whether it is, and that then nothing is left to do.
func (b *bench) becomes(id resource.ID, want resource.Spec) resource.Spec {
	b.Helper()
	if err := b.apply(id, want); err != nil {
		b.Fatalf("%s: %v", id, err)
	}
	have := b.see(id)
	if d := want.Compare(have); len(d) > 0 {
		b.Fatalf("%s still differs in %v", id, d)
	}
	return have
}

// TestServer is all that is tried on one server, one thing after the other.
func TestServer(t *testing.T) {
	b := &bench{Cluster: pgtest.Start(t, 1)}
	for name, try := range map[string]func(*testing.T, *bench){
		"a picture": picture, "roles": roles, "any names": anyNames, "passwords": passwords, "expiry": expiry,
		"memberships": memberships, "dropped roles": droppedRoles, "databases": databases, "immovable": immovable,
		"inside a database": insideDatabase, "privileges": privileges, "configuration": configuration, "reload": reload,
		"rules": rules, "baseline": baseline, "made again": madeAgain, "homeless": homeless,
		"refusals": refusals, "altered by hand": altered, "resting": rests,
	} {
		t.Run(name, func(t *testing.T) { try(t, &bench{Cluster: b.With(t)}) })
	}
	t.Run("restart", func(t *testing.T) { restart(t, &bench{Cluster: b.With(t)}) })
	t.Run("another Patroni", func(t *testing.T) { another(t, &bench{Cluster: b.With(t)}) })
	for _, secret := range []string{canary, pgtest.Password} {
		if strings.Contains(b.Log(), secret) {
			t.Errorf("%s is in a log", secret)
		}
	}
}

const canary = "canary-pa55word"

func picture(t *testing.T, b *bench) {
	m := b.see(resource.PGMemberOf(b.Instance(1), b.Node(1))).(resource.PGMember)
	if m.Role != resource.PGLeader || !m.Up || m.Cluster != pgtest.Name || m.Major < 13 || m.Server/10000 != m.Major || m.Location == 0 || m.Timeline != 1 {
		t.Errorf("got %+v", m)
	}
	if system := b.SQL(1, "postgres", "SELECT system_identifier FROM pg_control_system()"); m.System != system {
		t.Errorf("the system is %s, not %s", m.System, system)
	}
	c := b.see(resource.PGClusterOf(pgtest.Name)).(resource.PGCluster)
	if l, ok := c.Leading(); !ok || l.Instance != b.Instance(1) || !c.Lives() {
		t.Errorf("got %+v", c)
	}
	for _, id := range []resource.ID{b.ID(resource.KindPGHealth, pgtest.Name), {Kind: resource.KindPGHealth, Name: b.Instance(1), At: b.Node(1)}} {
		if b.see(id) != (resource.PGHealth{Healthy: true}) {
			t.Errorf("%s: got %+v", id, b.see(id))
		}
	}
}

func roles(t *testing.T, b *bench) {
	id := b.ID(resource.KindPGRole, "dbuser_x")
	if b.see(id) != nil {
		t.Fatal("it is there already")
	}
	b.becomes(id, resource.PGRole{Name: "dbuser_x"})
	b.becomes(id, resource.PGRole{
		Is: map[string]bool{"login": true, "createdb": true, "inherit": false, "superuser": false}, Limit: new(7), Comment: `it's "x" \`,
		Settings: map[string]string{"search_path": `app, "My S", public`, "work_mem": "64MB", "statement_timeout": "3s"},
	})
	have := b.becomes(id, resource.PGRole{Is: map[string]bool{"login": false}, Limit: new(-1), Settings: map[string]string{"work_mem": "default"}}).(resource.PGRole)
	if _, set := have.Settings["work_mem"]; set || !have.Is["createdb"] || have.Settings["statement_timeout"] != "3s" || have.Settings["search_path"] != `app, "My S", public` {
		t.Errorf("got %+v", have)
	}
	if err := b.apply(id, resource.PGRole{Settings: map[string]string{"no_such": "1"}, Is: map[string]bool{"login": true}}); err == nil || !strings.Contains(err.Error(), "no_such") {
		t.Errorf("got %v", err)
	}
	if b.see(id).(resource.PGRole).Is["login"] {
		t.Error("half of a change was made")
	}
	if err := b.apply(id, nil); err != nil || b.see(id) != nil {
		t.Errorf("got %v", err)
	}
	if err := b.apply(b.ID(resource.KindPGRole, b.DBSU), resource.PGRole{Is: map[string]bool{"superuser": false}}); err == nil {
		t.Error("the superuser lost its place")
	}
}

// Any name and any value arrive as they are, or are refused as what they are.
func anyNames(t *testing.T, b *bench) {
	text := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.SampledFrom([]rune(`"'\;$%_-/ é
`+"`")))).Filter(func(s string) bool { return !strings.Contains(s, "\x00") })
	names := text.Filter(func(s string) bool { return s != "" && len(s) < 60 && !strings.HasPrefix(s, "pg_") })
	for seed := range 20 { // each is some hundred milliseconds
		name, value := names.Example(seed), text.Example(seed)
		id, want := b.ID(resource.KindPGRole, name), resource.PGRole{Name: name, Comment: value, Settings: map[string]string{"my.x": value + "x"}}
		if err := b.apply(id, want); err != nil {
			t.Fatalf("%q %q: %v", name, value, err)
		}
		have := b.see(id).(resource.PGRole)
		if have.Comment != value || have.Settings["my.x"] != value+"x" || have.Name != name {
			t.Fatalf("%q %q: got %+v", name, value, have)
		}
		if err := b.apply(id, nil); err != nil {
			t.Fatalf("%q: %v", name, err)
		}
	}
	for _, name := range []string{strings.Repeat("x", 64), "a\x00b", "\xff"} {
		if err := b.apply(b.ID(resource.KindPGRole, name), resource.PGRole{}); err == nil {
			t.Errorf("%q was taken for a name", name)
		}
	}
}

func passwords(t *testing.T, b *bench) {
	id := b.ID(resource.KindPGRole, "dbuser_pw")
	login := map[string]bool{"login": true}
	role := func(password string) resource.PGRole {
		return resource.PGRole{Name: "dbuser_pw", Is: login, Password: resource.NewSecret(password)}
	}
	first := b.becomes(id, role(canary)).(resource.PGRole)
	if v, ok := resource.ParseVerifier(first.Password.Reveal()); !ok || v.Iterations != 4096 {
		t.Errorf("stored as %q", first.Password.Reveal())
	}
	if err := b.Login(1, "dbuser_pw", canary); err != nil {
		t.Error(err)
	}
	if err := b.Login(1, "dbuser_pw", canary+"x"); err == nil {
		t.Error("a wrong password lets in")
	}
	if d := role("other").Compare(first); len(d) != 1 {
		t.Errorf("got %v", d)
	}
	b.becomes(id, role("\u00aa"))
	if err := b.Login(1, "dbuser_pw", "\u00aa"); err != nil {
		t.Error(err)
	}
	b.becomes(id, role(first.Password.Reveal()))
	if err := b.Login(1, "dbuser_pw", canary); err != nil {
		t.Error(err)
	}
	old := role(canary)
	old.MD5, old.Password = true, resource.NewSecret(canary+"md5")
	if have := b.becomes(id, old).(resource.PGRole); !strings.HasPrefix(have.Password.Reveal(), "md5") {
		t.Error("not stored the old way")
	}
	refusedQuietly(t, b, id)
	if err := b.apply(id, nil); err != nil {
		t.Error(err)
	}
}

// What a server refuses beside a password is said without its words, and is in no log.
func refusedQuietly(t *testing.T, b *bench, id resource.ID) {
	bad := resource.PGRole{Password: resource.NewSecret("SCRAM-SHA-256$1:" + canary), Settings: map[string]string{"no_such": canary}}
	err := b.apply(id, bad)
	if err == nil || strings.Contains(err.Error(), canary) {
		t.Errorf("got %v", err)
	}
}

func expiry(t *testing.T, b *bench) {
	id := b.ID(resource.KindPGRole, "dbuser_until")
	first := b.becomes(id, resource.PGRole{Days: new(30)}).(resource.PGRole)
	if want := time.Now().AddDate(0, 0, 30).UTC().Format(time.DateOnly); !strings.HasPrefix(first.Until, want) {
		t.Errorf("expires %s, not %s", first.Until, want)
	}
	if d := (resource.PGRole{Days: new(30)}).Compare(first); len(d) != 0 {
		t.Errorf("got %v", d)
	}
	if again := b.becomes(id, resource.PGRole{Days: new(30), Comment: "x"}).(resource.PGRole); again.Until != first.Until {
		t.Errorf("%s became %s", first.Until, again.Until)
	}
	if later := b.becomes(id, resource.PGRole{Days: new(60)}).(resource.PGRole); later.Until <= first.Until || *later.Days != 60 {
		t.Errorf("%s became %s", first.Until, later.Until)
	}
	if have := b.becomes(id, resource.PGRole{Until: "2030-01-01 00:00:00+08"}).(resource.PGRole); have.Until != "2029-12-31T16:00:00Z" || have.Days != nil {
		t.Errorf("got %+v", have)
	}
	b.becomes(id, resource.PGRole{Until: "infinity"})
}

func memberships(t *testing.T, b *bench) {
	id, in := b.ID(resource.KindPGRole, "dbuser_m"), func(m ...resource.PGMembership) resource.PGRole {
		return resource.PGRole{Name: "dbuser_m", MemberOf: m}
	}
	for _, g := range []string{"g one", `g"two`} {
		b.becomes(b.ID(resource.KindPGRole, g), resource.PGRole{})
	}
	b.becomes(id, in(resource.PGMembership{Role: "g one"}, resource.PGMembership{Role: `g"two`, Admin: new(true)}))
	b.becomes(id, in(resource.PGMembership{Role: "g one", Admin: new(true), Set: new(true), Inherit: new(true)}, resource.PGMembership{Role: `g"two`, Admin: new(false)}))
	have := b.becomes(id, in(resource.PGMembership{Role: "g one", Not: true})).(resource.PGRole)
	if len(have.MemberOf) != 1 || have.MemberOf[0].Role != `g"two` {
		t.Errorf("got %+v", have.MemberOf)
	}
	if err := b.apply(b.ID(resource.KindPGRole, `g"two`), in(resource.PGMembership{Role: "dbuser_m"})); err == nil {
		t.Error("a circle was made")
	}
}

func droppedRoles(t *testing.T, b *bench) {
	b.becomes(b.ID(resource.KindPGRole, "leaver"), resource.PGRole{Is: map[string]bool{"login": true}})
	b.becomes(b.ID(resource.KindPGRole, "heir"), resource.PGRole{})
	b.becomes(b.ID(resource.KindPGDatabase, "estate"), resource.PGDatabase{})
	b.SQL(1, "estate", `CREATE SCHEMA s AUTHORIZATION leaver; CREATE TABLE s.t (x int); ALTER TABLE s.t OWNER TO leaver; INSERT INTO s.t VALUES (7);
		ALTER DEFAULT PRIVILEGES FOR ROLE leaver GRANT SELECT ON TABLES TO heir; GRANT CONNECT ON DATABASE postgres TO leaver`)
	if err := b.apply(b.ID(resource.KindPGRole, "leaver"), nil); err == nil || !strings.Contains(err.Error(), `"estate"`) {
		t.Errorf("got %v", err)
	}
	off := resource.PGOffOf(resource.KindPGRole, "leaver", pgtest.Name)
	b.becomes(off, resource.PGOff{})
	if got := b.SQL(1, "postgres", "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'leaver'"); got != "f" {
		t.Errorf("it can log in: %s", got)
	}
	b.becomes(b.ID(resource.KindPGRole, "leaver"), resource.PGRole{Is: map[string]bool{"login": true}}) // somebody wants it back
	if have := b.see(off); have != (resource.PGOff{Open: true}) {
		t.Errorf("off: %+v", have)
	}
	if err := b.apply(resource.PGOffOf(resource.KindPGRole, b.DBSU, pgtest.Name), resource.PGOff{}); err == nil {
		t.Error("the superuser is switched off")
	}
	gone := resource.PGAbsentOf(resource.KindPGRole, "leaver", pgtest.Name)
	b.becomes(gone, resource.PGAbsent{Heir: "heir"})
	if got := b.SQL(1, "estate", "SELECT x, tableowner FROM s.t, pg_tables WHERE tablename = 't'"); got != "7|heir" {
		t.Errorf("got %s", got)
	}
	if err := b.apply(resource.PGAbsentOf(resource.KindPGRole, b.DBSU, pgtest.Name), resource.PGAbsent{Heir: "heir"}); err == nil {
		t.Error("the superuser is gone")
	}
	if err := b.apply(b.ID(resource.KindPGDatabase, "estate"), nil); err != nil {
		t.Error(err)
	}
}

func databases(t *testing.T, b *bench) {
	name := `my "data'base`
	id := b.ID(resource.KindPGDatabase, name)
	b.becomes(b.ID(resource.KindPGRole, "db owner"), resource.PGRole{})
	b.becomes(id, resource.PGDatabase{
		Owner: "db owner", Comment: "it's mine", Limit: new(5), Settings: map[string]string{"search_path": "a,b", "work_mem": "1GB"},
		PGCreation: resource.PGCreation{Template: "template0", Encoding: "LATIN1", Collate: "C", CType: "C"},
	})
	b.becomes(id, resource.PGDatabase{Owner: b.DBSU, IsTemplate: new(true), AllowConn: new(false), Limit: new(-1), Settings: map[string]string{"work_mem": "DEFAULT"}})
	b.becomes(id, resource.PGDatabase{AllowConn: new(true)})
	if got := b.SQL(1, "postgres", "SELECT setconfig FROM pg_db_role_setting s JOIN pg_database d ON d.oid = setdatabase"); got != `{"search_path=a, b"}` {
		t.Errorf("got %s", got)
	}
	if err := b.apply(id, nil); err != nil || b.see(id) != nil {
		t.Errorf("got %v", err)
	}
	for _, kept := range []string{"postgres", "template1"} {
		if err := b.apply(b.ID(resource.KindPGDatabase, kept), nil); err == nil {
			t.Errorf("%s is gone", kept)
		}
	}
	b.becomes(id, resource.PGDatabase{})
	off := resource.PGOffOf(resource.KindPGDatabase, name, pgtest.Name)
	b.becomes(off, resource.PGOff{})
	b.becomes(id, resource.PGDatabase{}) // somebody wants it back
	if have := b.see(off); have != (resource.PGOff{Open: true}) {
		t.Errorf("off: %+v", have)
	}
	if err := b.apply(resource.PGOffOf(resource.KindPGDatabase, "template1", pgtest.Name), resource.PGOff{}); err == nil {
		t.Error("template1 is switched off")
	}
	b.SQL(1, name, "SELECT pg_create_logical_replication_slot('in_the_way', 'test_decoding')")
	gone := resource.PGAbsentOf(resource.KindPGDatabase, name, pgtest.Name)
	if err := b.apply(gone, resource.PGAbsent{Force: true}); err == nil || !strings.Contains(err.Error(), "in_the_way") {
		t.Errorf("got %v", err)
	}
	b.SQL(1, "postgres", "SELECT pg_drop_replication_slot('in_the_way')")
	b.becomes(gone, resource.PGAbsent{Force: true})
}

func immovable(t *testing.T, b *bench) {
	id := b.ID(resource.KindPGDatabase, "postgres")
	err := b.apply(id, resource.PGDatabase{PGCreation: resource.PGCreation{Encoding: "LATIN1"}})
	if err == nil || !strings.Contains(err.Error(), "encoding") || !strings.Contains(err.Error(), "restore") {
		t.Errorf("got %v", err)
	}
}

func insideDatabase(t *testing.T, b *bench) {
	database, schema := b.ID(resource.KindPGDatabase, "in side"), b.ID(resource.KindPGSchema, resource.PGIn("in side", "the s"))
	if b.see(schema) != nil {
		t.Error("a schema of no database is there")
	}
	b.becomes(database, resource.PGDatabase{})
	b.becomes(b.ID(resource.KindPGRole, "s owner"), resource.PGRole{})
	b.becomes(schema, resource.PGSchema{Owner: "s owner", Comment: "c"})
	b.becomes(schema, resource.PGSchema{Owner: b.DBSU})
	x := b.ID(resource.KindPGExtension, resource.PGIn("in side", "earthdistance"))
	have := b.becomes(x, resource.PGExtension{Schema: "the s"}).(resource.PGExtension)
	if have.Version == "" || b.see(b.ID(resource.KindPGExtension, "in side/cube")) == nil {
		t.Errorf("got %+v", have)
	}
	if err := b.apply(b.ID(resource.KindPGAbsent, "pgextension/in side/cube"), resource.PGAbsent{}); err == nil {
		t.Error("what others need was dropped")
	}
	if err := b.apply(schema, nil); err == nil {
		t.Error("a schema with something in it was dropped")
	}
	if err := b.apply(x, resource.PGExtension{Version: "99"}); err == nil {
		t.Error("a version that does not exist was reached")
	}
	b.becomes(b.ID(resource.KindPGAbsent, "pgextension/in side/cube"), resource.PGAbsent{Force: true})
	if err := b.apply(schema, nil); err != nil || b.see(schema) != nil || b.see(x) != nil {
		t.Errorf("got %v", err)
	}
	if err := b.apply(b.ID(resource.KindPGExtension, "in side/no_such"), resource.PGExtension{}); err == nil {
		t.Error("an extension without its files was made")
	}
	b.becomes(resource.PGAbsentOf(resource.KindPGDatabase, "in side", pgtest.Name), resource.PGAbsent{})
}

func privileges(t *testing.T, b *bench) {
	for _, r := range []string{"reader", `the "writer`} {
		b.becomes(b.ID(resource.KindPGRole, r), resource.PGRole{})
	}
	b.becomes(b.ID(resource.KindPGDatabase, "rights"), resource.PGDatabase{})
	b.becomes(b.ID(resource.KindPGSchema, "rights/s"), resource.PGSchema{})
	id := b.ID(resource.KindPGPrivileges, "rights/ours")
	tables, functions := resource.PGOnDefault(b.DBSU, "", "tables"), resource.PGOnDefault(`the "writer`, "", "functions")
	inSchema := resource.PGOnDefault(b.DBSU, "s", "sequences")
	b.becomes(id, resource.PGPrivileges{
		Granted: []resource.PGGrant{
			{On: resource.PGOnDatabase, Grantee: "reader", Right: "connect", Option: true}, {On: resource.PGOnSchema("s"), Grantee: `the "writer`, Right: "ALL"},
			{On: tables, Grantee: "reader", Right: "SELECT"}, {On: inSchema, Grantee: "reader", Right: "ALL"}, {On: functions, Grantee: "reader", Right: "EXECUTE"},
		},
		Revoked: []resource.PGGrant{
			{On: resource.PGOnDatabase, Grantee: "public", Right: "ALL"}, {On: functions, Grantee: "public", Right: "EXECUTE"},
			{On: resource.PGOnSchema("public"), Grantee: "public", Right: "CREATE"},
		},
	})
	b.becomes(id, resource.PGPrivileges{Revoked: []resource.PGGrant{
		{On: resource.PGOnDatabase, Grantee: "reader", Right: "CONNECT", Option: true}, {On: inSchema, Grantee: "reader", Right: "UPDATE"},
	}})
	b.SQL(1, "rights", "CREATE TABLE s.t ()")
	if got := b.SQL(1, "rights", "SELECT has_table_privilege('reader', 's.t', 'SELECT'), has_database_privilege('reader', 'rights', 'CONNECT'), has_database_privilege('reader', 'rights', 'TEMP')"); got != "t|t|f" {
		t.Errorf("got %s", got)
	}
	bad := resource.PGPrivileges{Granted: []resource.PGGrant{{On: resource.PGOnDatabase, Grantee: "reader", Right: "SELECT; DROP TABLE x"}}}
	if err := b.apply(id, bad); err == nil {
		t.Error("what is no right was granted")
	}
	b.becomes(resource.PGAbsentOf(resource.KindPGDatabase, "rights", pgtest.Name), resource.PGAbsent{})
}

func configuration(t *testing.T, b *bench) {
	key := func(path string, value any) (resource.ID, resource.PGConfig) {
		c, err := resource.NewPGConfig(path, value)
		if err != nil {
			t.Fatal(err)
		}
		return b.ID(resource.KindPGConfig, path), c
	}
	for _, c := range []struct {
		path  string
		value any
	}{{"ttl", 21}, {"postgresql/parameters/work_mem", "7MB"}, {"postgresql/use_pg_rewind", true}, {"ignore_slots", []any{map[string]any{"name": "x"}}}} {
		id, want := key(c.path, c.value)
		b.becomes(id, want)
		if got := b.SQL(1, "postgres", "SHOW work_mem"); got != c.value && strings.HasSuffix(c.path, "work_mem") {
			t.Errorf("%s is done, and the server has %s", c.path, got)
		}
	}
	id, _ := key("postgresql/parameters/work_mem", nil)
	if have := b.see(id).(resource.PGConfig); have.Unit != "kB" || have.Context != "user" {
		t.Errorf("got %+v", have)
	}
	if err := b.apply(id, nil); err != nil || b.see(id) != nil {
		t.Errorf("got %v", err)
	}
	slot, want := key("slots", map[string]any{"a": map[string]any{"type": "physical"}, "b": map[string]any{"type": "physical"}})
	b.becomes(slot, want)
	_, want = key("slots", map[string]any{"b": map[string]any{"type": "physical"}})
	if have := b.becomes(slot, want).(resource.PGConfig); strings.Contains(have.Value, `"a"`) {
		t.Errorf("got %+v", have)
	}
	for path, value := range map[string]any{"postgresql": "oops", "ttl": "x", "postgresql/parameters/work_mem": []int{1}, "a//b": 1} {
		id, want := key(path, value)
		have, _ := b.look(1, id).See(id)
		if err := b.look(1, id).Apply(diff.Change{Resource: resource.Resource{ID: id, Spec: want}, Action: diff.Update, Have: have}, have); err == nil {
			t.Errorf("%s became %v", path, value)
		}
	}
}

func reload(t *testing.T, b *bench) {
	id := resource.ID{Kind: resource.KindPGLoaded, Name: b.Instance(1), At: b.Node(1)}
	b.Eventually("all is read", func() bool { return len(resource.PGLoaded{}.Compare(b.see(id))) == 0 })
	path := b.File(1, "data/pg_hba.conf")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// A server knows of the second only in which a file was changed, Patroni may still be reloading it, and one that was
	// changed just now may be read in a moment.
	var written time.Time
	b.Eventually("what is written and not read is seen", func() bool {
		if time.Since(written) > 5*time.Second {
			write(string(good) + "\nhost all all 10.0.0.0/99 md5\n")
			written = time.Now()
		}
		have := b.see(id).(resource.PGLoaded)
		return len(have.Stale) == 1 && len(have.Wrong) == 1 && strings.Contains(have.Wrong[0], "pg_hba.conf:")
	})
	if err := b.apply(id, resource.PGLoaded{}); err == nil || !strings.Contains(err.Error(), "10.0.0.0/99") {
		t.Errorf("got %v", err)
	}
	write(string(good) + "\nhost all all 10.0.0.0/8 reject\n")
	b.becomes(id, resource.PGLoaded{})
}

// restart is last: it takes the server away for a moment.
func restart(t *testing.T, b *bench) {
	id, member := b.ID(resource.KindPGConfig, "postgresql/parameters/max_connections"), resource.PGMemberOf(b.Instance(1), b.Node(1))
	want, _ := resource.NewPGConfig("postgresql/parameters/max_connections", 60)
	if d := want.Compare(b.see(id)); len(d) != 1 || d[0].Hazard != resource.Reload|resource.Restart {
		t.Errorf("got %v", d)
	}
	b.becomes(id, want)
	base := b.File(1, "data/postgresql.base.conf")
	text, err := os.ReadFile(base)
	if err == nil {
		err = os.WriteFile(base, append(slices.Clip(text), "\nrecovery_target_inclusive = off\n"...), 0o600)
	}
	running := resource.PGMember{Cluster: pgtest.Name, Settings: map[string]resource.PGSetting{"max_connections": {Value: "60"}, "shared_buffers": {Value: "16384kB"}}}
	if d := running.Compare(b.see(member)); len(d) != 1 || d[0].Path != "max_connections" || d[0].Hazard != resource.Restart {
		t.Errorf("got %v", d)
	}
	have := b.becomes(member, running).(resource.PGMember)
	if have.Timeline != 1 || b.SQL(1, "postgres", "SHOW max_connections") != "60" {
		t.Errorf("got %+v", have)
	}

	// as in the file of who was promoted
	if err = errors.Join(err, os.WriteFile(base, text, 0o600)); err != nil {
		t.Fatal(err)
	}
	b.SQL(1, "postgres", "SELECT pg_reload_conf()")
	b.Eventually("the server waits for a restart", func() bool {
		return b.SQL(1, "postgres", "SELECT count(*) > 0 FROM pg_settings WHERE pending_restart") == "t"
	})
	if now := b.see(member).(resource.PGMember); now.Pending || len(now.Reasons) > 0 {
		t.Errorf("got %+v", now)
	}
	if now := b.see(resource.ID{Kind: resource.KindPGLoaded, Name: b.Instance(1), At: b.Node(1)}).(resource.PGLoaded); len(now.Wrong) > 0 {
		t.Errorf("got %+v", now)
	}
}

// What the server would refuse never reaches Patroni, which takes anything.
func refusals(t *testing.T, b *bench) {
	for name, value := range map[string]any{
		"work_mem": "banana", "no_such_parameter": 1, "max_connections": 10, "shared_buffers": "1kB", "wal_level": "most",
		"shared_preload_libraries": "pg_stat_statements, no_such_library",
	} {
		id := b.ID(resource.KindPGConfig, "postgresql/parameters/"+name)
		want, _ := resource.NewPGConfig(id.Name, value)
		if err := b.apply(id, want); err == nil || strings.Contains(err.Error(), "no program") {
			t.Errorf("%s became %v: %v", name, value, err)
		}
	}
}

// What ALTER SYSTEM has put over all else is named, and taken out; what is not ours stays.
func altered(t *testing.T, b *bench) {
	id := resource.ID{Kind: resource.KindPGAltered, Name: b.Instance(1), At: b.Node(1)}
	b.SQL(1, "postgres", "ALTER SYSTEM SET work_mem = '99MB'")
	b.SQL(1, "postgres", "ALTER SYSTEM SET lock_timeout = '7s'")
	want := resource.PGAltered{Free: []string{"work_mem", "max_connections"}}
	if d := want.Compare(b.see(id)); len(d) != 1 || d[0].Have != "99MB" || !strings.Contains(d[0].Path, "postgresql.auto.conf") {
		t.Errorf("got %v", d)
	}
	have := b.becomes(id, want).(resource.PGAltered)
	if len(have.Set) != 1 || have.Set["lock_timeout"] != "7s" {
		t.Errorf("got %+v", have)
	}
	b.SQL(1, "postgres", "ALTER SYSTEM RESET ALL")
}
