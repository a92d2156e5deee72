package adopt_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules/adopt"
	"github.com/pigsync/pigsync/resource"
)

const text = `all:
  children:
    pg-test: # the test cluster
      hosts:
        10.10.10.11: { pg_seq: 1, pg_role: primary, node_sysctl_params: { vm.swappiness: 1 } }
        10.10.10.12: { pg_seq: 2, pg_role: replica }
      vars:
        pg_cluster: pg-test
        pg_parameters: { work_mem: 4MB } # modest
        pg_users:
          - { name: app, login: true } # the application
          - { name: dba, expire_in: 30, roles: [ dbrole_admin, { name: dbrole_readonly, admin: false } ], parameters: { search_path: a } }
        pg_databases:
          - { name: shop, owner: app, parameters: { work_mem: 4MB, jit: off } } # what is sold
    pg-meta:
      hosts: { 10.10.10.10: { pg_seq: 1, pg_role: primary } }
      vars:
        pg_cluster: pg-meta
  vars:
    region: default
    node_timezone: UTC
`

func config(cluster, name, value string) adopt.Found {
	path := "postgresql/parameters/" + name
	return adopt.Found{ID: resource.ID{Kind: resource.KindPGConfig, Name: path, At: cluster}, Have: resource.PGConfig{Path: path, Value: value}}
}

func user(name string, have resource.PGRole, fields ...string) adopt.Found {
	return adopt.Found{ID: resource.ID{Kind: resource.KindPGRole, Name: name, At: "pg-test"}, Have: have, Fields: fields}
}

func dba(have resource.PGRole, fields ...string) adopt.Found { return user("dba", have, fields...) }

func store(have resource.PGDatabase, fields ...string) adopt.Found {
	return adopt.Found{ID: resource.ID{Kind: resource.KindPGDatabase, Name: "shop", At: "pg-test"}, Have: have, Fields: fields}
}

func dcs(cluster, path, value string) adopt.Found {
	return adopt.Found{ID: resource.ID{Kind: resource.KindPGConfig, Name: path, At: cluster}, Have: resource.PGConfig{Path: path, Value: value}}
}

func node(kind resource.Kind, at string, have resource.Spec) adopt.Found {
	return adopt.Found{ID: resource.ID{Kind: kind, Name: "node", At: at}, Have: have}
}

func kernel(node, name, value string) adopt.Found {
	return adopt.Found{ID: resource.ID{Kind: resource.KindSysctl, Name: name, At: node}, Have: resource.Sysctl{Value: value}}
}

func TestWhatIsLiveIsWritten(t *testing.T) {
	seven, yes, no := 7, true, false
	tests := []struct {
		name     string
		found    adopt.Found
		old, new string // the line that changes
		says     string // why nothing is
	}{
		{"a parameter that is there", config("pg-test", "work_mem", `"16MB"`), "pg_parameters: { work_mem: 4MB } # modest", "pg_parameters: { work_mem: '16MB' } # modest", ""},
		{"another parameter", config("pg-test", "max_connections", `200`), "{ work_mem: 4MB }", "{ work_mem: 4MB, max_connections: 200 }", ""},
		{"the first parameter", config("pg-meta", "jit", `false`), "        pg_cluster: pg-meta\n", "        pg_cluster: pg-meta\n        pg_parameters: { jit: false }\n", ""},
		{"a secret", config("pg-test", "primary_conninfo", `"host=x password=y"`), "", "", "secret"},
		{"a timing of Patroni", dcs("pg-test", "ttl", "30"), "", "", "pg_rto names one of the plans"},
		{"how far a replica may lag", dcs("pg-meta", "maximum_lag_on_failover", "4096"), "        pg_cluster: pg-meta\n", "        pg_cluster: pg-meta\n        pg_rpo: 4096\n", ""},
		{"a pause", dcs("pg-meta", "pause", "true"), "        pg_cluster: pg-meta\n", "        pg_cluster: pg-meta\n        patroni_mode: pause\n", ""},
		{"a part of the template", dcs("pg-meta", "postgresql/use_slots", "true"), "", "", "pg_conf"},
		{"a date", dba(resource.PGRole{Until: "2027-01-31"}, "expires"), "{ name: dba, expire_in: 30, roles: [ dbrole_admin, { name: dbrole_readonly, admin: false } ], parameters: { search_path: a } }",
			"{ name: dba, roles: [ dbrole_admin, { name: dbrole_readonly, admin: false } ], parameters: { search_path: a }, expire_at: '2027-01-31T00:00:00Z' }", ""},
		{"a role that it left", dba(resource.PGRole{}, "in dbrole_admin"), "[ dbrole_admin, { name", "[ { name", ""},
		{"what it may do in a role", dba(resource.PGRole{MemberOf: []resource.PGMembership{{Role: "dbrole_readonly", Admin: &yes}}}, "in dbrole_readonly with admin"), "admin: false", "admin: true", ""},
		{"a role of nobody's", dba(resource.PGRole{}, "in pg_monitor"), "", "", "no parameter"},
		{"a setting of a role", dba(resource.PGRole{Settings: map[string]string{"search_path": "b"}}, "search_path"), "search_path: a", "search_path: b", ""},
		{"a setting that is gone", store(resource.PGDatabase{Settings: map[string]string{"work_mem": "4MB"}}, "jit"), "{ work_mem: 4MB, jit: off }", "{ work_mem: 4MB }", ""},
		{"of a database", store(resource.PGDatabase{Owner: "eve", Limit: &seven, AllowConn: &no, Comment: "old"}, "owner", "connections allowed", "connection limit", "comment"),
			"owner: app, parameters: { work_mem: 4MB, jit: off } }", "owner: eve, parameters: { work_mem: 4MB, jit: off }, allowconn: false, connlimit: 7, comment: old }", ""},
		{"a database that anybody may copy", store(resource.PGDatabase{IsTemplate: &yes}, "template"), "jit: off } }", "jit: off }, is_template: true }", ""},
		{"a database that is to be made again", store(resource.PGDatabase{}, "made again"), "", "", "take that out"},
		{"a database of nobody", adopt.Found{ID: resource.ID{Kind: resource.KindPGDatabase, Name: "x", At: "pg-test"}, Have: resource.PGDatabase{}, Fields: []string{"owner"}}, "", "", "does not name it"},
		{"a name of a node", node(resource.KindHostname, "10.10.10.12", resource.Hostname{Name: "two"}), "{ pg_seq: 2, pg_role: replica }", "{ pg_seq: 2, pg_role: replica, nodename: two }", ""},
		{"a zone that others have", node(resource.KindTimezone, "10.10.10.12", resource.Timezone{Name: "Asia/Tokyo"}), "{ pg_seq: 2, pg_role: replica }", "{ pg_seq: 2, pg_role: replica, node_timezone: Asia/Tokyo }", ""},
		{"a unit", adopt.Found{ID: resource.ID{Kind: resource.KindUnit, Name: "etcd", At: "10.10.10.12"}, Have: resource.Unit{}}, "", "", "pigsync hold"},
		{"a role", user("app", resource.PGRole{Is: map[string]bool{resource.PGCreateDB: true}, Limit: &seven}, "createdb", "connection limit"), "{ name: app, login: true }", "{ name: app, login: true, createdb: true, connlimit: 7 }", ""},
		{"an attribute that is there", user("app", resource.PGRole{Is: map[string]bool{resource.PGLogin: false}}, "login"), "login: true", "login: false", ""},
		{"a password", user("app", resource.PGRole{}, "password"), "", "", "secret"},
		{"a role nobody named", user("eve", resource.PGRole{}, "login"), "", "", "does not name it"},
		{"a kernel setting", kernel("10.10.10.11", "vm.swappiness", "10"), "vm.swappiness: 1 }", "vm.swappiness: 10 }", ""},
		{"a kernel setting of nobody", kernel("10.10.10.12", "vm.swappiness", "10"), "", "", "no parameter"},
		{"what is not there", adopt.Found{ID: resource.ID{Kind: resource.KindPGRole, Name: "app", At: "pg-test"}}, "", "", "not there"},
		{"a file", adopt.Found{Have: resource.NewFile([]byte("x"), 0o644, "root", "root")}, "", "", "no parameter"},
	}
	for _, tt := range tests {
		inv, _, err := inventory.Load(fstest.MapFS{"pigsty.yml": &fstest.MapFile{Data: []byte(text)}}, "pigsty.yml")
		if err != nil {
			t.Fatal(err)
		}
		edits, err := adopt.Edits(inv, tt.found)
		if tt.says != "" {
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		got, err := inventory.Apply("pigsty.yml", []byte(text), edits...)
		if want := strings.Replace(text, tt.old, tt.new, 1); err != nil || string(got) != want {
			t.Errorf("%s: %v\n%s", tt.name, err, got)
		}
	}
}

func TestWhatStandsForOthersIsNotWritten(t *testing.T) {
	global := strings.Replace(text, "    region: default\n", "    region: default\n    pg_parameters: { jit: true }\n    node_sysctl_params: { vm.swappiness: 1 }\n", 1)
	inv, _, err := inventory.Load(fstest.MapFS{"pigsty.yml": &fstest.MapFile{Data: []byte(global)}}, "pigsty.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []adopt.Found{config("pg-meta", "jit", "false"), kernel("10.10.10.12", "vm.swappiness", "10")} {
		if edits, err := adopt.Edits(inv, f); err == nil || !strings.Contains(err.Error(), "others have it from") {
			t.Errorf("%s: %v %v", f.ID, edits, err)
		}
	}
}
