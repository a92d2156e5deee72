package manual

import (
	"strings"
	"testing"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
)

type own struct {
	Port int    `var:"etcd_port" default:"2379" kind:"port" doc:"Where clients go."`
	Mine string `var:"of_ours"`
}

type stranger struct {
	Port  int     `var:"etcd_port" default:"1" doc:"Where they go."`
	Users []entry `var:"pg_users" doc:"Who may log in."`
}

type entry struct {
	Name string `var:"name" required:"true" doc:"The | name."`
	Age  int    `var:"age" default:"7" max:"99"`
}

func given() *Manual {
	return New([]*modules.Module{{Name: "pgsql", Vars: stranger{}}, {Name: "etcd", Vars: own{}}, {Name: "none"}})
}

// The module a parameter belongs to knows best, whoever comes first.
func TestOwnerKnowsBest(t *testing.T) {
	m := given()
	p, _ := m.Lookup("etcd_port")
	if p.Doc != "Where clients go." || p.Initial() != "2379" || p.Module != "ETCD" || !p.Read {
		t.Errorf("etcd_port: %+v", p)
	}
	if p, ok := m.Lookup("of_ours"); !ok || p.Module != "" || p.Kind() != "text" {
		t.Errorf("of_ours: %+v, %v", p, ok)
	}
	if _, ok := m.Lookup("of_nobody"); ok {
		t.Error("of_nobody is known")
	}
}

// What no struct reads is told from the table, and old names lead to the new.
func TestTable(t *testing.T) {
	m := given()
	for name, want := range map[string]string{
		"etcd_root_password": "secret", "pg_port": "port", "node_packages": "list of text", "pg_parameters": "mapping of text to anything",
		"pg_users": "list of object", "pg_services": "list of anything", "pg_version": "anything",
	} {
		if p, _ := m.Lookup(name); p.Kind() != want {
			t.Errorf("%s is %s, want %s", name, p.Kind(), want)
		}
	}
	old, _ := m.Lookup("dcs_safeguard")
	now, _ := m.Lookup("etcd_safeguard")
	if !old.Legacy || old.Hint() != "etcd_safeguard" || !strings.Contains(strings.Join(now.Formerly, " "), "dcs_safeguard") {
		t.Errorf("dcs_safeguard: %+v; etcd_safeguard: %+v", old, now)
	}
	if servers, _ := m.Lookup("dcs_servers"); servers.Hint() != "the group etcd" {
		t.Errorf("dcs_servers: %s", servers.Hint())
	}
	for _, p := range m.All() {
		if p.Legacy && p.Read {
			t.Errorf("%s is read, though it is of an earlier release", p.Name)
		}
	}
}

func TestPage(t *testing.T) {
	page := given().Page("PGSQL")
	for _, want := range []string{
		"## pg_users", "Who may log in.", "list of object", "| `[].name` | text |  | **required** The \\| name. |",
		"| `[].age` | whole number, at most 99 | `7` |  |", "## Known, and left alone", "## Of earlier releases",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in the page", want)
		}
	}
}

func TestKind(t *testing.T) {
	word := inventory.Type{Shape: inventory.ShapeText, Enum: []string{"a", "b"}}
	for want, typ := range map[string]inventory.Type{
		"list of one of a, b, length at least 1": {Shape: inventory.ShapeList, Min: "1", Item: &word},
		"mapping of number to one of a, b":       {Shape: inventory.ShapeMap, Keys: inventory.ShapeInt, Item: &word},
		"absolute path":                          {Shape: inventory.ShapeText, Kind: "path"},
		"duration, 1s..1h":                       {Shape: inventory.ShapeDuration, Min: "1s", Max: "1h"},
	} {
		if got := Kind(typ); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
