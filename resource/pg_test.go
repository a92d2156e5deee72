package resource_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pigsync/pigsync/resource"
)

// secret is the password behind the vectors, which a server of PostgreSQL 15 made.
const secret = "S3cret!"

var verifiers = []struct{ role, password, stored string }{
	{"dbuser_a", secret, "SCRAM-SHA-256$4096:qvy0WTCEL/Yn1XIiyqI4tw==$ST+nnJ5RJdWB+5EzsPn+PhWcNPpQJhlEIfMKMXf3o/c=:MSXlYv/75bld4VTcGjBFUOM8BtwlSssd/snVLbVRrWI="},
	{"dbuser_c", "\u00aa", "SCRAM-SHA-256$4096:P4MYh3ykck39P4871hxPkA==$f1HhNuEeXpMvJWoSWl2/yvNerrEI+FVb2cuQTjR8L6A=:icf6pxe9CcsM+mVhyKR/IFLFvfGS0Z87VlKqK+svQ6I="},
	{"dbuser_d", `p'q\"`, "SCRAM-SHA-256$4096:5Ynb5NRIG50SrEpbm/YZtQ==$L3yXaRWWJad3nFxARQD7c6Q9dJbDdjZD/vG5rpkIO48=:wI27LQDcRCiqgigae2VeBTId7NnE9sH1hwwplckBCTE="},
}

func withPassword(role, password string) resource.PGRole {
	return resource.PGRole{Name: role, Password: resource.NewSecret(password)}
}

func TestPasswordsAreComparedWithWhatIsStored(t *testing.T) {
	for _, v := range verifiers {
		have := withPassword(v.role, v.stored)
		for password, want := range map[string]int{v.password: 0, v.password + "x": 1, v.stored: 0, "a": map[bool]int{true: 0, false: 1}[v.role == "dbuser_c"]} {
			if d := withPassword(v.role, password).Compare(have); len(d) != want {
				t.Errorf("%s: %q: got %v", v.role, password, d)
			}
		}
	}
}

// A password that was stored the old way verifies, and is to be stored anew, unless the old way is wanted.
func TestOldPasswordsAreStoredAnew(t *testing.T) {
	stored := withPassword("dbuser_b", "md54547da25c02cc6324abcb8ff4090e604")
	want := withPassword("dbuser_b", secret)
	if d := want.Compare(stored); len(d) != 1 || !strings.Contains(d[0].Have, "md5") {
		t.Errorf("got %v", d)
	}
	if want.MD5 = true; len(want.Compare(stored)) != 0 {
		t.Errorf("got %v", want.Compare(stored))
	}
	if d := withPassword("dbuser_b", "md5abc").Compare(stored); len(d) != 1 {
		t.Errorf("a password that only begins like a stored one: got %v", d)
	}
	if d := (resource.PGRole{Name: "dbuser_b"}).Compare(stored); len(d) != 0 {
		t.Errorf("no password is wanted: got %v", d)
	}
}

func TestAVerifierVerifiesItsPassword(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		password := rapid.StringN(1, 20, -1).Draw(t, "password")
		salt := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "salt")
		v := resource.NewVerifier(resource.Prepared(password), salt, 16)
		got, ok := resource.ParseVerifier(v.Secret().Reveal())
		if !ok || !reflect.DeepEqual(got, v) {
			t.Fatalf("%s was read as %v, %v", v.Secret().Reveal(), got, ok)
		}
		want := withPassword("r", password)
		if d := want.Compare(withPassword("r", v.Secret().Reveal())); len(d) != 0 {
			t.Fatalf("%q: %v", password, d)
		}
		if d := want.Compare(withPassword("r", resource.NewVerifier("x"+password, salt, 16).Secret().Reveal())); len(d) != 1 {
			t.Fatalf("another password than %q is taken for it", password)
		}
	})
}

func FuzzParseVerifier(f *testing.F) {
	for _, v := range verifiers {
		f.Add(v.stored)
	}
	f.Add("SCRAM-SHA-256$0:$:")
	f.Fuzz(func(t *testing.T, s string) {
		v, ok := resource.ParseVerifier(s)
		if again, fine := resource.ParseVerifier(v.Secret().Reveal()); ok && (!fine || !reflect.DeepEqual(again, v)) {
			t.Errorf("%q: %v, then %v", s, v, again)
		}
	})
}

// Preparing a text that is prepared changes nothing more.
func TestPreparedTwice(t *testing.T) {
	for raw, want := range map[string]string{
		"I\u00adX": "IX", "\u00aa": "a", "\u2168": "IX", "a\u00a0b": "a b", "user": "user", "USER": "USER",
		"\u0007": "\u0007", "é\u0007": "é\u0007", "\u0627\u0031": "\u0627\u0031", "\xff": "\xff", "\u00ad": "\u00ad",
	} {
		if got := resource.Prepared(raw); got != want {
			t.Errorf("%q: got %q, want %q", raw, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		once := resource.Prepared(rapid.String().Draw(t, "text"))
		if twice := resource.Prepared(once); twice != once {
			t.Fatalf("%q became %q", once, twice)
		}
	})
}

func TestRolesAreComparedByWhatIsSaid(t *testing.T) {
	have := resource.PGRole{
		Is: map[string]bool{"login": true, "superuser": true}, Limit: new(5), Until: "2029-12-31T16:00:00Z",
		MemberOf: []resource.PGMembership{{Role: "g", Admin: new(true)}, {Role: "other"}},
		Settings: map[string]string{"work_mem": "65536", "search_path": `app, "My S"`}, Comment: "c",
	}
	for name, c := range map[string]struct {
		want   resource.PGRole
		fields string
	}{
		"nothing":            {resource.PGRole{}, ""},
		"the same":           {resource.PGRole{Is: map[string]bool{"login": true}, Limit: new(5), Until: "2030-01-01 00:00:00+08:00", Comment: "c"}, ""},
		"an attribute":       {resource.PGRole{Is: map[string]bool{"superuser": false}}, "superuser"},
		"no limit":           {resource.PGRole{Limit: new(-1)}, "connection limit"},
		"never":              {resource.PGRole{Until: "infinity"}, "expires"},
		"days":               {resource.PGRole{Days: new(30)}, "expires"},
		"in a group":         {resource.PGRole{MemberOf: []resource.PGMembership{{Role: "g", Admin: new(true), Set: new(true)}}}, ""},
		"not in a group":     {resource.PGRole{MemberOf: []resource.PGMembership{{Role: "g", Not: true}, {Role: "h", Not: true}}}, "in g"},
		"without the option": {resource.PGRole{MemberOf: []resource.PGMembership{{Role: "g", Admin: new(false)}}}, "in g with admin"},
		"a path":             {resource.PGRole{Settings: map[string]string{"search_path": `APP,"My S"`}}, ""},
		"another path":       {resource.PGRole{Settings: map[string]string{"search_path": `"app, My S"`}}, "search_path"},
		"no setting":         {resource.PGRole{Settings: map[string]string{"work_mem": "DEFAULT", "x.y": "default"}}, "work_mem"},
	} {
		if got := pathsOf(c.want.Compare(have)); got != c.fields {
			t.Errorf("%s: got %q, want %q", name, got, c.fields)
		}
	}
}

// What expires in some days expires when it was first said to, until other days are said.
func TestTheDayDoesNotMove(t *testing.T) {
	want := resource.PGRole{Days: new(30)}
	have := resource.PGRole{Days: new(30), Until: "2020-01-01"}
	if d := want.Compare(have); len(d) != 0 {
		t.Errorf("got %v", d)
	}
	want.Days = new(31)
	if d := want.Compare(have); len(d) != 1 {
		t.Errorf("got %v", d)
	}
}

func TestValuesAreTheSameByTheirMeaning(t *testing.T) {
	blocks, ms, real, b := resource.PGType{Type: "integer", Unit: "8kB"}, resource.PGType{Type: "integer", Unit: "ms"}, resource.PGType{Type: "real"}, resource.PGType{Type: "bool"}
	for _, c := range []struct {
		resource.PGType
		name, a, b string
		same       bool
	}{
		{blocks, "shared_buffers", "16384", "128MB", true}, {blocks, "shared_buffers", "0.5GB", "512MB", true},
		{blocks, "shared_buffers", "128kb", "128kB", false}, {blocks, "x", "-1", "-1", true}, {blocks, "x", "1s", "1MB", false},
		{ms, "x", "1min", "60000", true}, {ms, "x", "60s", "1min", true}, {ms, "x", "1min", "1", false},
		{real, "random_page_cost", "1.1", "1.10", true}, {real, "x", "1.1", "1.2", false},
		{b, "fsync", "on", "true", true}, {b, "fsync", "of", "f", true}, {b, "fsync", "o", "on", false}, {b, "fsync", "yes", "no", false},
		{resource.PGType{Type: "enum"}, "log_statement", "ALL", "all", true}, {resource.PGType{Type: "enum"}, "wal_level", "hot_standby", "replica", true},
		{resource.PGType{Type: "enum"}, "synchronous_commit", "true", "on", true},
		{resource.PGType{Type: "string"}, "cluster_name", "on", "true", false},
		{resource.PGType{Type: "string"}, "shared_preload_libraries", "a, b", `"a",b`, true},
		{resource.PGType{}, "x", "1GB", "1024MB", true}, {resource.PGType{}, "x", "a", "b", false}, {resource.PGType{}, "x", "", "off", false},
	} {
		if got := c.Same(c.name, c.a, c.b); got != c.same {
			t.Errorf("%s %s: %q and %q: got %v", c.Type, c.name, c.a, c.b, got)
		}
	}
}

func FuzzSameIsFair(f *testing.F) {
	f.Add("integer", "8kB", "16384", "128MB")
	f.Add("", "", `a,"b""c`, "on")
	f.Fuzz(func(t *testing.T, kind, unit, a, b string) {
		p := resource.PGType{Type: kind, Unit: unit}
		for _, name := range []string{"x", "search_path"} {
			if !p.Same(name, a, a) || p.Same(name, a, b) != p.Same(name, b, a) {
				t.Errorf("%q %q: %q and %q", kind, unit, a, b)
			}
		}
	})
}

func config(t *testing.T, path string, value any) resource.PGConfig {
	t.Helper()
	c, err := resource.NewPGConfig(path, value)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestConfigurationsAreTheSameByTheirMeaning(t *testing.T) {
	const param = "postgresql/parameters/"
	for _, c := range []struct {
		path       string
		want, have any
		hazard     resource.Hazard
		same       bool
	}{
		{path: "ttl", want: 30, have: "30", same: true},
		{path: "ttl", want: 30, have: 20, hazard: resource.Reload},
		{path: "postgresql/use_pg_rewind", want: true, have: false, hazard: resource.Reload},
		{path: "standby_cluster", want: map[string]any{"host": "a", "port": 5432}, have: map[string]any{"port": "5432", "host": "a", "x": nil}, same: true},
		{path: "standby_cluster", want: map[string]any{"host": "a"}, have: map[string]any{"host": "a", "port": 1}, hazard: resource.Restart | resource.Topology | resource.DataLoss},
		{path: "slots", want: map[string]any{}, have: map[string]any{"a": map[string]any{"type": "physical"}}, hazard: resource.Reload | resource.DataLoss},
		{path: param + "work_mem", want: "64MB", have: 65536, hazard: resource.Reload},
		{path: param + "max_connections", want: 100, have: "100", same: true},
		{path: param + "max_connections", want: 100, have: 200, hazard: resource.Reload | resource.Restart},
		{path: param + "fsync", want: "on", have: true, same: true},
	} {
		d := config(t, c.path, c.want).Compare(config(t, c.path, c.have))
		if c.same != (len(d) == 0) || !c.same && d[0].Hazard != c.hazard {
			t.Errorf("%s: %v and %v: got %v", c.path, c.want, c.have, d)
		}
	}
	have := config(t, param+"work_mem", 65536)
	have.PGType = resource.PGType{Type: "integer", Unit: "kB", Context: "user"}
	if d := config(t, param+"work_mem", "64MB").Compare(have); len(d) != 0 {
		t.Errorf("the server's unit was not used: %v", d)
	}
}

func TestDatabases(t *testing.T) {
	have := resource.PGDatabase{
		Owner: "a", Limit: new(-1), AllowConn: new(true), IsTemplate: new(false),
		PGCreation: resource.PGCreation{Encoding: "UTF8", Collate: "en_US.utf8", CType: "C", Provider: "libc"},
	}
	made := func(c resource.PGCreation) resource.PGDatabase { return resource.PGDatabase{PGCreation: c} }
	for name, c := range map[string]struct {
		want   resource.PGDatabase
		fields string
	}{
		"nothing":   {resource.PGDatabase{}, ""},
		"the same":  {made(resource.PGCreation{Template: "template0", Encoding: "utf-8", Collate: "en_US.UTF-8", CType: "POSIX", Provider: "libc"}), ""},
		"immovable": {made(resource.PGCreation{Encoding: "LATIN1", Provider: "icu", Locale: "en"}), "encoding locale provider locale"},
		"limits":    {resource.PGDatabase{Owner: "b", Limit: new(3), AllowConn: new(false), IsTemplate: new(true)}, "owner template connections allowed connection limit"},
	} {
		d := c.want.Compare(have)
		if got := pathsOf(d); got != c.fields {
			t.Errorf("%s: got %q, want %q", name, got, c.fields)
		}
		if fixed := name == "immovable"; (c.want.Fixed(have) != "") != fixed {
			t.Errorf("%s: it is said %q", name, c.want.Fixed(have))
		}
	}
}

// TestADatabaseIsMadeAgainOnce: the mark that it has been tells so, and goes with the wish.
func TestADatabaseIsMadeAgainOnce(t *testing.T) {
	latin := resource.PGCreation{Encoding: "LATIN1"}
	want := resource.PGDatabase{Again: true, PGCreation: latin}
	before := resource.PGDatabase{PGCreation: resource.PGCreation{Encoding: "UTF8"}}
	if d := want.Compare(before); len(d) != 1 || d[0].Hazard != resource.DataLoss || want.Fixed(before) != "" {
		t.Errorf("before: %v, %q", d, want.Fixed(before))
	}
	after := resource.PGDatabase{Again: true, PGCreation: latin}
	if d := want.Compare(after); len(d) != 0 {
		t.Errorf("after: %v", d)
	}
	if d := (resource.PGDatabase{}).Compare(after); len(d) != 1 || d[0].Hazard != 0 {
		t.Errorf("when it is no longer asked for: %v", d)
	}
}

func TestRules(t *testing.T) {
	have := resource.PGRules{Lines: []string{"local all all   peer", "", "# note", "host all all 10.0.0.0/8 md5"}}
	for name, c := range map[string]struct {
		want   resource.PGRules
		fields string
	}{
		"the same, spaced otherwise": {resource.PGRules{Lines: []string{"local  all all peer", "host all all 10.0.0.0/8\tmd5"}, Cuts: []string{"nobody: nothing changes"}}, ""},
		"one goes, and somebody":     {resource.PGRules{Lines: []string{"local all all peer"}, Cuts: []string{"app"}}, "rule access of app"},
		"one comes, one goes":        {resource.PGRules{Lines: []string{"local all all peer", "host all all 10.0.0.0/8 reject"}}, "rule rule"},
		"another order":              {resource.PGRules{Lines: []string{"host all all 10.0.0.0/8 md5", "local all all peer"}}, "rules"},
	} {
		d := c.want.Compare(have)
		if got := pathsOf(d); got != c.fields {
			t.Errorf("%s: got %q, want %q", name, got, c.fields)
		}
		for _, f := range d {
			if out := strings.HasPrefix(f.Path, "access"); (f.Hazard == resource.Lockout) != out {
				t.Errorf("%s: %v", name, f)
			}
		}
	}
}

func TestPrivileges(t *testing.T) {
	const db = resource.PGOnDatabase
	grants := func(all ...string) (out []resource.PGGrant) {
		for _, right := range all {
			out = append(out, resource.PGGrant{On: db, Grantee: "r", Right: right})
		}
		return out
	}
	have := resource.PGPrivileges{Granted: grants("CONNECT", "CREATE")}
	for name, c := range map[string]struct {
		want   resource.PGPrivileges
		fields int
	}{
		"nothing":      {resource.PGPrivileges{}, 0},
		"what is":      {resource.PGPrivileges{Granted: grants("connect")}, 0},
		"all":          {resource.PGPrivileges{Granted: grants("ALL")}, 1},
		"revoked":      {resource.PGPrivileges{Revoked: grants("CREATE", "TEMP")}, 1},
		"to grant":     {resource.PGPrivileges{Granted: []resource.PGGrant{{On: db, Grantee: "r", Right: "CONNECT", Option: true}}}, 1},
		"not to grant": {resource.PGPrivileges{Revoked: []resource.PGGrant{{On: db, Grantee: "r", Right: "CONNECT", Option: true}}}, 0},
	} {
		if d := c.want.Compare(have); len(d) != c.fields {
			t.Errorf("%s: got %v", name, d)
		}
	}
}

// Where nobody has said anything, the server's own rule holds.
func TestRightsByNature(t *testing.T) {
	on := func(objects string) string { return resource.PGOnDefault("r", "", objects) }
	grant := func(objects, grantee, right string) []resource.PGGrant {
		return []resource.PGGrant{{On: on(objects), Grantee: grantee, Right: right}}
	}
	none := resource.PGPrivileges{}
	said := resource.PGPrivileges{Granted: grant("functions", "r", "EXECUTE")}
	for name, c := range map[string]struct {
		want, have resource.PGPrivileges
		fields     int
	}{
		"functions are open":     {resource.PGPrivileges{Revoked: grant("functions", "public", "EXECUTE")}, none, 1},
		"unless somebody said":   {resource.PGPrivileges{Revoked: grant("functions", "public", "EXECUTE")}, said, 0},
		"tables are not":         {resource.PGPrivileges{Granted: grant("tables", "public", "SELECT")}, none, 1},
		"the owner has all":      {resource.PGPrivileges{Granted: grant("tables", "r", "SELECT")}, none, 0},
		"somebody else has none": {resource.PGPrivileges{Granted: grant("functions", "q", "EXECUTE")}, none, 1},
	} {
		if d := c.want.Compare(c.have); len(d) != c.fields {
			t.Errorf("%s: got %v", name, d)
		}
	}
}

func TestObjectsAreReadAsTheyAreWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := resource.PGObject{Class: "default", Role: rapid.StringN(1, 9, -1).Draw(t, "role"), Schema: rapid.String().Draw(t, "schema"), Objects: "tables"}
		if got, ok := resource.ParsePGObject(resource.PGOnDefault(o.Role, o.Schema, o.Objects)); !ok || got != o {
			t.Fatalf("got %+v, %v", got, ok)
		}
		s := resource.PGObject{Class: "schema", Schema: o.Role}
		if got, ok := resource.ParsePGObject(resource.PGOnSchema(s.Schema)); !ok || got != s {
			t.Fatalf("got %+v, %v", got, ok)
		}
	})
	for _, bad := range []string{"", "schema", `schema ""`, `schema "a" b`, `default "a"`, `default "a" tables x`, `default "a" in tables`, "database x", `default "a" database`} {
		if o, ok := resource.ParsePGObject(bad); ok {
			t.Errorf("%q was read as %+v", bad, o)
		}
	}
}

func TestAPictureOfACluster(t *testing.T) {
	c := resource.PGCluster{Leader: "pg-1", Members: []resource.PGMemberInfo{
		{Instance: "pg-1", PGMember: resource.PGMember{Role: resource.PGLeader, Location: 100, System: "7"}},
		{Instance: "pg-2", PGMember: resource.PGMember{Role: resource.PGReplica, Location: 90}}, {Instance: "pg-3"},
	}}
	if lag, ok := c.Lag("pg-2"); !ok || lag != 10 || !c.Lives() {
		t.Errorf("got %d, %v", lag, ok)
	}
	if _, ok := c.Lag("pg-3"); ok {
		t.Error("the lag of a member that says nothing is known")
	}
	if l, ok := c.Leading(); !ok || l.Instance != "pg-1" {
		t.Errorf("got %v, %v", l, ok)
	}
}

func TestMembers(t *testing.T) {
	want := resource.PGMember{Cluster: "pg"}
	for hazard, have := range map[resource.Hazard]resource.PGMember{
		resource.Restart:  {Cluster: "pg", Role: resource.PGLeader, Pending: true},
		resource.Topology: {Cluster: "other", Role: resource.PGReplica},
	} {
		if d := want.Compare(have); len(d) != 1 || d[0].Hazard != hazard {
			t.Errorf("%s: got %v", hazard, d)
		}
	}
}

// What every kind is survives the wire, the password too, which nothing else shows.
func TestPostgresCrossesTheWire(t *testing.T) {
	for _, s := range []resource.Spec{
		resource.PGRole{Name: "r", Password: resource.NewSecret(canary), Is: map[string]bool{"login": true}, Days: new(3)},
		resource.PGDatabase{Owner: "a", PGCreation: resource.PGCreation{Encoding: "UTF8"}}, resource.PGSchema{Owner: "a"}, resource.PGExtension{Version: "1"},
		resource.PGPrivileges{Granted: []resource.PGGrant{{On: "database", Grantee: "r", Right: "ALL"}}}, resource.PGAbsent{Heir: "a", Force: true},
		resource.PGMember{Cluster: "c", Tags: map[string]string{"a": "b"}}, resource.PGHealth{Healthy: true}, resource.PGLoaded{Stale: []string{"a"}}, resource.PGBaseline{SQL: resource.Content("SELECT 1")}, resource.PGRules{Lines: []string{"a"}, Clients: []resource.PGClient{{User: "a"}}},
		resource.PGConfig{Path: "ttl", Value: "30", PGType: resource.PGType{Unit: "s"}},
		resource.PGCluster{Leader: "a", Members: []resource.PGMemberInfo{{Instance: "a", PGMember: resource.PGMember{Timeline: 3}}}},
	} {
		b, err := resource.Encode(s)
		got, err2 := resource.Decode(s.Kind(), b)
		if err != nil || err2 != nil || !reflect.DeepEqual(got, s) {
			t.Errorf("%s: got %+v, %v, %v", s.Kind(), got, err, err2)
		}
		if shown, _ := json.Marshal(s); strings.Contains(string(shown), canary) {
			t.Errorf("%s shows its secret: %s", s.Kind(), shown)
		}
	}
}

func TestPlacesOfPostgresAreMerged(t *testing.T) {
	seat := func(name, node string) resource.PGSeat {
		return resource.PGSeat{Instance: name, Node: node, Port: 5432}
	}
	now := resource.Places{PG: []resource.PGPlace{{At: "pg", Seats: []resource.PGSeat{seat("pg-1", "a")}, User: "new"}}}
	old := resource.Places{PG: []resource.PGPlace{
		{At: "pg", Seats: []resource.PGSeat{seat("pg-1", "b"), seat("pg-9", "a"), seat("pg-2", "b")}, User: "old"}, {At: "other"},
	}}
	got := now.Merge(old).PG
	if len(got) != 2 || got[0].User != "new" || len(got[0].Seats) != 2 || got[0].Seats[1].Instance != "pg-2" {
		t.Errorf("got %+v", got)
	}
	if len(now.PG[0].Seats) != 1 {
		t.Error("what was merged was changed")
	}
}

func pathsOf(d []resource.Field) string {
	var paths []string
	for _, f := range d {
		paths = append(paths, f.Path)
	}
	return strings.Join(paths, " ")
}

func TestWhoShouldLead(t *testing.T) {
	for _, tt := range []struct {
		want resource.PGLeading
		have string
		to   string
	}{
		{resource.PGLeading{Not: "pg-1"}, "pg-1", "the most advanced of the others"},
		{resource.PGLeading{Not: "pg-1"}, "pg-2", ""},
		{resource.PGLeading{To: "pg-1"}, "pg-2", "pg-1"},
		{resource.PGLeading{To: "pg-1"}, "pg-1", ""},
	} {
		d := tt.want.Compare(resource.PGLeading{Instance: tt.have})
		if tt.to == "" && len(d) == 0 {
			continue
		}
		if len(d) != 1 || d[0].Want != tt.to || d[0].Hazard != resource.Failover {
			t.Errorf("%+v where %s leads: %+v", tt.want, tt.have, d)
		}
	}
}
