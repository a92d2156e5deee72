package schema

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"testing"
	"testing/fstest"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/manual"
)

type everything struct {
	Text   string           `var:"text" default:"x" doc:"A text."`
	Word   string           `var:"word" enum:"off,slow,17"`
	Name   string           `var:"name" pattern:"[a-z]+"`
	Maybe  string           `var:"maybe" pattern:"[a-z]*"`
	Folded string           `var:"folded" pattern:"(?i)[a-z]+"`
	Dir    string           `var:"dir" kind:"path"`
	On     bool             `var:"on"`
	Count  int              `var:"count" min:"2" max:"9" default:"3"`
	Port   int              `var:"port" kind:"port"`
	Share  float64          `var:"share" max:"1"`
	Major  int              `var:"major" enum:"16,17"`
	Life   time.Duration    `var:"life" min:"1h"`
	IP     netip.Addr       `var:"ip"`
	Net    netip.Prefix     `var:"net"`
	Key    inventory.Secret `var:"key" default:"well-known"`
	Pair   *int             `var:"pair"`
	Words  []string         `var:"words" enum:"a,b" min:"1" max:"2"`
	ByPort map[int]entry    `var:"by_port"`
	Users  []entry          `var:"users" default:"[{name: joe, password: well-known}]"`
	Any    inventory.Value  `var:"any"`
}

type entry struct {
	Name     string           `var:"name" required:"true"`
	Password inventory.Secret `var:"password"`
	Open     []open           `var:"open"`
}

type open struct {
	ID   int                        `var:"id"`
	Rest map[string]inventory.Value `var:"*"`
}

func ours(t testing.TB) *jsonschema.Schema {
	t.Helper()
	text, err := json.Marshal(Of(manual.New([]*modules.Module{{Name: "test", Vars: everything{}}})))
	if err != nil {
		t.Fatal(err)
	}
	return Compile(t, text)
}

// Compile compiles a schema after it was judged by the schema of schemas.
func Compile(t testing.TB, text []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("pigsty.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("pigsty.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The values, as they are written: what Bind takes the schema takes, and what is plainly wrong both
// refuse. Where the schema is kinder than Bind, kind says so.
func TestAgreesWithBind(t *testing.T) {
	s := ours(t)
	for _, c := range []struct {
		line      string
		ok, kind  bool // of Bind, of the schema alone
		warnsOnly bool // Bind warns, the schema refuses
	}{
		{line: "text: hello", ok: true}, {line: "text: 17", ok: true}, {line: "text:", ok: true}, {line: "text: [ 1 ]"}, {line: "text: true"},
		{line: "word: slow", ok: true}, {line: "word: off", ok: true}, {line: "word: 17", ok: true}, {line: "word: '17'", ok: true}, {line: "word: fast"}, {line: "word:"},
		{line: "name: abc", ok: true}, {line: "name: ABC"}, {line: "name:"}, {line: "name: 17", kind: true}, {line: "maybe:", ok: true},
		{line: "folded: ABC", ok: true}, {line: "folded: '-'", kind: true},
		{line: "dir: /data", ok: true}, {line: "dir: ''", ok: true}, {line: "dir:", ok: true}, {line: "dir: data"},
		{line: "on: true", ok: true}, {line: "on: yes", ok: true}, {line: "on: 'Off'", ok: true}, {line: "on: 1", ok: true}, {line: "on: '0'", ok: true}, {line: "on: 2"}, {line: "on: maybe"}, {line: "on:"},
		{line: "count: 2", ok: true}, {line: "count: '9'", ok: true}, {line: "count: 10"}, {line: "count: 1.5"}, {line: "count: two"}, {line: "count: '10'", kind: true},
		{line: "port: 5432", ok: true}, {line: "port: 0"}, {line: "port: 65536"}, {line: "port:"},
		{line: "share: 0.5", ok: true}, {line: "share: '0.5'", ok: true}, {line: "share: 1", ok: true}, {line: "share: 1.5"}, {line: "share: half"},
		{line: "major: 17", ok: true}, {line: "major: '16'", ok: true}, {line: "major: 15"},
		{line: "life: 24h", ok: true}, {line: "life: 3600", ok: true}, {line: "life: '7300 d'", kind: true}, {line: "life: 7300d", ok: true}, {line: "life: 1h30m", ok: true}, {line: "life: 60"}, {line: "life: 1m", kind: true}, {line: "life: long"}, {line: "life: [ 1 ]"},
		{line: "ip: 10.0.0.1", ok: true}, {line: "ip: 'fd00::1'", ok: true}, {line: "ip: ''", ok: true}, {line: "ip: node-1"}, {line: "ip: 17"},
		{line: "net: 10.0.0.0/8", ok: true}, {line: "net: 10.0.0.1"},
		{line: "key: abc", ok: true}, {line: "key: 123456", ok: true}, {line: "key: { a: 1 }"},
		{line: "pair: 1", ok: true}, {line: "pair:", ok: true}, {line: "pair: one"},
		{line: "words: [ a ]", ok: true}, {line: "words: [ a, b, a ]"}, {line: "words: [ c ]"}, {line: "words: []"}, {line: "words: a"}, {line: "words: { a: b }"},
		{line: "by_port: { 6379: { name: x } }", ok: true}, {line: "by_port: { '6379': { name: x } }", ok: true}, {line: "by_port: { http: { name: x } }"}, {line: "by_port: [ 1 ]"},
		{line: "users: [ { name: joe, password: 1 } ]", ok: true}, {line: "users:", ok: true}, {line: "users: [ { password: x } ]"}, {line: "users: [ joe ]"},
		{line: "users: [ { name: joe, pasword: x } ]", ok: true, warnsOnly: true},
		{line: "users: [ { name: joe, open: [ { id: 1, more: [ 2 ] } ] } ]", ok: true},
		{line: "any: [ { a: 1 }, true ]", ok: true}, {line: "any:", ok: true}, {line: "of_our_own: [ 1 ]", ok: true}, {line: "node_data_dir: /data", ok: true},
	} {
		inv, problems, err := inventory.Load(fstest.MapFS{"pigsty.yml": {Data: []byte("all:\n  hosts: { 10.10.10.10: {} }\n  vars:\n    " + c.line + "\n")}}, "pigsty.yml")
		if err != nil || inventory.HasErrors(problems) {
			t.Fatalf("%s: %v %v", c.line, err, problems)
		}
		var v everything
		bound := inventory.Bind(inv.All(), &v)
		if bound.OK() != c.ok {
			t.Errorf("%s: Bind says %v", c.line, bound.Problems)
		}
		found, _ := inv.All().Lookup(nameOf(c.line))
		err = s.Validate(tree(nameOf(c.line), found.Any()))
		if want := (c.ok || c.kind) && !c.warnsOnly; (err == nil) != want {
			t.Errorf("%s: the schema says %v", c.line, err)
		}
	}
}

func nameOf(line string) string {
	name, _, _ := bytes.Cut([]byte(line), []byte(":"))
	return string(name)
}

// tree is an inventory with one variable, as an editor sees it.
func tree(name string, value any) any {
	return map[string]any{"all": map[string]any{"vars": map[string]any{name: value}}}
}

// What is no value yet may stand wherever one is wanted.
func TestExpressionsPass(t *testing.T) {
	s := ours(t)
	for _, name := range []string{"text", "word", "name", "dir", "on", "count", "port", "share", "major", "life", "ip", "net", "key", "words", "by_port", "users", "any"} {
		for _, value := range []string{"{{ other }}", "{% if a %}1{% endif %}", "$ANSIBLE_VAULT;1.1;AES256\n6162"} {
			if err := s.Validate(tree(name, value)); err != nil {
				t.Errorf("%s: %s is refused: %v", name, value, err)
			}
		}
	}
}

func TestGroups(t *testing.T) {
	s := ours(t)
	for text, ok := range map[string]bool{
		`{"all":{"children":{"pg":{"hosts":{"10.0.0.1":null,"fd00::1":{"count":3}}},"none":null}}}`: true,
		`{"all":{"hosts":"10.0.0.1"},"pg":{"vars":{}}}`:                                             true,
		`{"all":{"hosts":{"10.0.0.[1:9]":{}}}}`:                                                     true,
		`{"all":{"hosts":{"node-1":{}}}}`:                                                           false,
		`{"all":{"hosts":["10.0.0.1"]}}`:                                                            false,
		`{"all":{"hsots":{}}}`:                                                                      false,
		`{"all":{"vars":[]}}`:                                                                       false,
		`{"all":{"hosts":{"10.0.0.1":{"count":1}}}}`:                                                false,
		`{"all":{"children":{"pg":{"vars":{"on":"maybe"}}}}}`:                                       false,
		`["10.0.0.1"]`: false,
	} {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(text)))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(doc); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// An editor tells what a parameter is for and what it is when nobody sets it, but never a password.
func TestTells(t *testing.T) {
	text, err := json.Marshal(Of(manual.New([]*modules.Module{{Name: "test", Vars: everything{}}})))
	if err != nil {
		t.Fatal(err)
	}
	for part, in := range map[string]bool{
		`"A text."`: true, `"default":3`: true, `"deprecated":true`: true, "well-known": false, "DBUser.DBA": false, "S3User.": false, "Etcd.Root": false,
		"https://json-schema.org/draft/2020-12/schema": true,
	} {
		if bytes.Contains(text, []byte(part)) != in {
			t.Errorf("%s: want it there: %v", part, in)
		}
	}
}
