package inventory

import (
	"fmt"
	"go/token"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

type role struct {
	Name      string `var:"name" required:"true" pattern:"[a-z_]+"`
	Password  Secret `var:"password"`
	ConnLimit *int   `var:"connlimit" min:"-1"`
	Pooled    bool   `var:"pgbouncer"`
	Roles     []string
	Pos       token.Position
}

type instance struct {
	ReplicaOf string           `var:"replica_of"`
	Rest      map[string]Value `var:"*"`
}

type common struct {
	Node string `var:"nodename" pattern:"[a-z0-9-]+"`
}

type vars struct {
	common
	Seq       int                `var:"etcd_seq" required:"true" min:"0"`
	Port      int                `var:"etcd_port" default:"2379" kind:"port"`
	Data      string             `var:"etcd_data" default:"/data/etcd" kind:"path"`
	Watchdog  string             `var:"patroni_watchdog_mode" default:"off" enum:"off,automatic,required"`
	Ratio     float64            `var:"pg_shared_buffer_ratio" default:"0.25" min:"0.1" max:"0.4"`
	Validity  time.Duration      `var:"cert_validity" default:"7300d" min:"1d"`
	Safeguard bool               `var:"etcd_safeguard" default:"false"`
	Admin     netip.Addr         `var:"admin_ip"`
	Net       netip.Prefix       `var:"net"`
	Hosts     []string           `var:"node_etc_hosts" expand:"true" max:"3"`
	Ports     []int              `var:"ports" default:"[80, 443]" kind:"port"`
	Users     []role             `var:"pg_users"`
	Redis     map[int]instance   `var:"redis_instances"`
	Params    map[string]string  `var:"pg_parameters"`
	Repo      map[string]any     `var:"repo"`
	Raw       Value              `var:"raw"`
	Password  Secret             `var:"pw" default:"Default.Word"`
	Small     uint8              `var:"small"`
	Weights   map[string]float64 `var:"weights" min:"1"`
	Untouched string
}

func bindHost(t testing.TB, hostVars string) (vars, *Bound, *Inventory) {
	t.Helper()
	text := "all:\n  vars: {admin_ip: 10.0.0.9}\n  hosts:\n    10.0.0.1:\n"
	for line := range strings.Lines(hostVars) {
		text += "      " + line
	}
	inv, _, err := load(text + "\n")
	if err != nil {
		t.Fatal(err)
	}
	v := vars{Untouched: "as it was"}
	return v, Bind(inv.Host("10.0.0.1"), &v), inv
}

func TestBind(t *testing.T) {
	inv := mustLoad(t, `
all:
  vars: { admin_ip: 10.0.0.9 }
  hosts:
    10.0.0.1:
      etcd_seq: 07
      etcd_port: "12379"
      patroni_watchdog_mode: Off
      pg_shared_buffer_ratio: .3
      cert_validity: 1w2d
      etcd_safeguard: 'yes'
      net: 10.0.0.0/8
      node_etc_hosts: [ "${admin_ip} i ${unknown}", 10 ]
      pg_users:
        - { name: a, password: 123, connlimit: -1, pgbouncer: on }
        - name: b
      redis_instances: { 6379: {}, '6380': { replica_of: 10.0.0.1 6379, more: x } }
      pg_parameters: { work_mem: 64MB, jit: 'off', pages: 1.10, n: 010 }
      repo: { a: [1, yes, ~, 2.5, { b: c }] }
      raw: [ x ]
      small: 255
`)
	v := vars{Untouched: "as it was"}
	b := Bind(inv.Hosts()[0], &v)
	if len(b.Problems) > 0 {
		t.Fatal(b.Problems)
	}
	at := func(line, col int) token.Position { return token.Position{Filename: file, Line: line, Column: col} }
	minus := -1
	want := vars{
		Seq: 7, Port: 12379, Data: "/data/etcd", Watchdog: "off", Ratio: 0.3,
		Validity: 9 * 24 * time.Hour, Safeguard: true,
		Admin: netip.MustParseAddr("10.0.0.9"), Net: netip.MustParsePrefix("10.0.0.0/8"),
		Hosts: []string{"10.0.0.9 i ${unknown}", "10"}, Ports: []int{80, 443},
		Users: []role{
			{Name: "a", Password: NewSecret("123"), ConnLimit: &minus, Pooled: true, Pos: at(15, 11)},
			{Name: "b", Pos: at(16, 11)},
		},
		Redis:  map[int]instance{6379: {}, 6380: {ReplicaOf: "10.0.0.1 6379"}},
		Params: map[string]string{"work_mem": "64MB", "jit": "off", "pages": "1.1", "n": "8"},
		Repo:   map[string]any{"a": []any{int64(1), true, nil, 2.5, map[string]any{"b": "c"}}},
		Small:  255, Password: NewSecret("Default.Word"), Untouched: "as it was",
	}
	if rest := v.Redis[6380].Rest["more"]; rest.String() != "x" || rest.Pos != at(17, 79) {
		t.Error("rest of an object:", rest)
	}
	v.Redis[6380] = instance{ReplicaOf: v.Redis[6380].ReplicaOf}
	if items, err := v.Raw.List(); err != nil || len(items) != 1 || items[0].String() != "x" {
		t.Error("raw:", items, err)
	}
	v.Raw = Value{}
	if !reflect.DeepEqual(v, want) {
		t.Errorf("got\n%+v\nwant\n%+v", v, want)
	}
	for name, pos := range map[string]token.Position{
		"etcd_seq": at(6, 17), "admin_ip": at(3, 21), "pg_users[1].name": at(16, 17),
		"node_etc_hosts[0]": at(13, 25), "redis_instances.6380": at(17, 44), "etcd_data": at(5, 5),
	} {
		if b.Pos(name) != pos {
			t.Errorf("Pos(%s) = %s, want %s", name, b.Pos(name), pos)
		}
	}
	if !b.Has("etcd_port") || b.Has("etcd_data") || b.Has("ports[0]") {
		t.Error("Has does not tell what the inventory gives from what is a default")
	}
}

// TestBindProblems gives one wrong value each; the host's key is at 4:5.
func TestBindProblems(t *testing.T) {
	const seq = "etcd_seq: 1\n"
	cases := []struct{ vars, want string }{
		{"etcd_port: 1", "INV042 4:5: etcd_seq: is required, but not set"},
		{"etcd_seq:", "INV042 5:16: etcd_seq: is required, but empty"},
		{"etcd_seq: ''", "INV042 5:17: etcd_seq: is required, but empty"},
		{"etcd_seq: -1", "INV041 5:17: etcd_seq: want a whole number of at least 0, got -1"},
		{"etcd_seq: 1.0", "INV040 5:17: etcd_seq: want a whole number of at least 0, got 1.0"},
		{"etcd_seq: 99999999999999999999", "INV040 5:17: etcd_seq: want a whole number of at least 0, got 99999999999999999999"},
		{seq + "etcd_port: abc", `INV040 6:18: etcd_port: want a port number (1..65535), got "abc"`},
		{seq + "etcd_port: 65536", "INV041 6:18: etcd_port: want a port number (1..65535), got 65536"},
		{seq + "etcd_port: yes", "INV040 6:18: etcd_port: want a port number (1..65535), got the boolean yes"},
		{seq + "etcd_port: ~", "INV040 6:18: etcd_port: want a port number (1..65535), got nothing"},
		{seq + "etcd_port: [1]", "INV040 6:18: etcd_port: want a port number (1..65535), got a list"},
		{seq + "etcd_port: '{{ p }}'", "INV030 6:18: etcd_port: p is undefined (on 10.0.0.1)"},
		{seq + "etcd_port: " + lockedVault, "INV031 6:18: etcd_port: want a port number (1..65535), but it is encrypted, and no vault password was given: want the one it was encrypted with"},
		{seq + "etcd_port: !vault 12", ""}, // Load has said what is wrong with it
		{seq + "etcd_data: data", `INV041 6:18: etcd_data: want an absolute path, got "data"`},
		{seq + "etcd_data: '{{ d }}/x'", "INV030 6:18: etcd_data: d is undefined (on 10.0.0.1)"},
		{seq + "nodename: A", `INV041 6:17: nodename: want text matching [a-z0-9-]+, got "A"`},
		{seq + "nodename: \"a\\n\"", `INV041 6:17: nodename: want text matching [a-z0-9-]+, got "a\n"`},
		{seq + "patroni_watchdog_mode: on", "INV040 6:30: patroni_watchdog_mode: want one of off, automatic, required, got the boolean on"},
		{seq + "patroni_watchdog_mode: never", `INV041 6:30: patroni_watchdog_mode: want one of off, automatic, required, got "never"`},
		{seq + "pg_shared_buffer_ratio: a lot", `INV040 6:31: pg_shared_buffer_ratio: want a number in 0.1..0.4, got "a lot"`},
		{seq + "pg_shared_buffer_ratio: 1", "INV041 6:31: pg_shared_buffer_ratio: want a number in 0.1..0.4, got 1"},
		{seq + "pg_shared_buffer_ratio: .nan", "INV040 6:31: pg_shared_buffer_ratio: want a number in 0.1..0.4, got .nan"},
		{seq + "cert_validity: 10 years", `INV040 6:22: cert_validity: want a duration such as 30s, 24h or 7300d of at least 1d, got "10 years"`},
		{seq + "cert_validity: 60", "INV041 6:22: cert_validity: want a duration such as 30s, 24h or 7300d of at least 1d, got 60"},
		{seq + "cert_validity: 900y", `INV040 6:22: cert_validity: want a duration such as 30s, 24h or 7300d of at least 1d, got "900y"`},
		{seq + "etcd_safeguard: maybe", `INV040 6:23: etcd_safeguard: want true or false, got "maybe"`},
		{seq + "etcd_safeguard: 2", "INV040 6:23: etcd_safeguard: want true or false, got 2"},
		{seq + "admin_ip: 10.0.0", `INV040 6:17: admin_ip: want an IP address, got "10.0.0"`},
		{seq + "admin_ip: 10.0", "INV040 6:17: admin_ip: want an IP address, got 10.0"},
		{seq + "net: 10.0.0.1", `INV040 6:12: net: want an address with mask length such as 10.0.0.0/8, got "10.0.0.1"`},
		{seq + "node_etc_hosts: a b", `INV040 6:23: node_etc_hosts: want a list, got "a b"`},
		{seq + "node_etc_hosts: [a, [b], {c: d}]", "INV040 6:27: node_etc_hosts[1]: want text, got a list\n" +
			"INV040 6:32: node_etc_hosts[2]: want text, got a mapping"},
		{seq + "node_etc_hosts: [a, b, c, d]", "INV041 6:23: node_etc_hosts: want a list with a length of at most 3, got 4"},
		{seq + "weights: {}", "INV041 6:16: weights: want a mapping with a length of at least 1, got 0"},
		{seq + "weights: {a: b}", `INV040 6:20: weights.a: want a number, got "b"`},
		{seq + "ports: [1, 0]", "INV041 6:18: ports[1]: want a port number (1..65535), got 0"},
		{seq + "small: 256", "INV040 6:14: small: want a whole number, got 256"},
		{seq + "small: -1", "INV040 6:14: small: want a whole number, got -1"},
		{seq + "pg_users: [{nane: x, password: y}]", "INV042 6:18: pg_users[0].name: is required, but not set\n" +
			"INV043 6:19: warning: pg_users[0].nane: nothing reads this key: did you mean name?"},
		{seq + "pg_users: [{name: X, connlimit: -2}, z]", `INV041 6:25: pg_users[0].name: want text matching [a-z_]+, got "X"` + "\n" +
			"INV041 6:39: pg_users[0].connlimit: want a whole number of at least -1, got -2\n" +
			`INV040 6:44: pg_users[1]: want a mapping, got "z"`},
		{seq + "pg_users: [{name: a, password: [x]}]", "INV040 6:38: pg_users[0].password: want text, got a list"},
		{seq + "pw: on", "INV040 6:11: pw: want text, got a boolean"},
		{seq + "redis_instances: {a: {}, 1: x}", `INV040 6:25: key of redis_instances: want a whole number, got "a"` + "\n" +
			`INV040 6:35: redis_instances.1: want a mapping, got "x"`},
		{seq + "pg_parameters: {a: on}", "INV040 6:26: pg_parameters.a: want text, got the boolean on"},
		{seq + "repo: {a: [1, '{{ b }}']}", "INV030 6:21: repo: b is undefined (on 10.0.0.1)"},
		{seq + "raw: '{{ b }}'", ""},
		{seq + "etcd_port: '" + strings.Repeat("é", 100) + "'", `INV040 6:18: etcd_port: want a port number (1..65535), got "` + strings.Repeat("é", 60) + `"…`},
	}
	for _, c := range cases {
		_, b, _ := bindHost(t, c.vars)
		var got []string
		for _, p := range b.Problems {
			got = append(got, p.Code+" "+strings.TrimPrefix(p.String(), file+":"))
		}
		if text := strings.Join(got, "\n"); text != c.want {
			t.Errorf("%s\ngot\n%s\nwant\n%s", c.vars, text, c.want)
		}
	}
}

func TestBindKeepsZeroOnProblem(t *testing.T) {
	v, b, _ := bindHost(t, "etcd_port: 70000\netcd_data: x\npg_shared_buffer_ratio: 3\netcd_seq: x")
	if v.Port != 0 || v.Data != "" || v.Ratio != 0 || v.Seq != 0 || len(b.Problems) != 4 || b.OK() {
		t.Error(v, b.Problems)
	}
}

func TestRequiredMeansNotEmpty(t *testing.T) {
	for _, value := range []string{"", "''", "[]", "{}", "~"} {
		inv := mustLoad(t, "all: {hosts: {10.0.0.1: {x: "+value+"}}}")
		var v struct {
			X Value `var:"x" required:"true"`
		}
		b := Bind(inv.Hosts()[0], &v)
		if len(b.Problems) != 1 || b.Problems[0].Msg != "x: is required, but empty" {
			t.Errorf("%q: %v", value, b.Problems)
		}
	}
}

func TestBindGroupAndValue(t *testing.T) {
	inv := mustLoad(t, `all:
  children:
    a:
      hosts: { 10.0.0.1: { p: host } }
      vars: { p: group, o: { name: x, deep: { n: 1 } } }
`)
	var v struct {
		P string `var:"p"`
		Q string `var:"q" default:"d"`
	}
	b := Bind(inv.Group("a"), &v)
	if v.P != "group" || v.Q != "d" || b.Pos("p").String() != "pigsty.yml:5:18" || b.Pos("q").String() != "pigsty.yml:3:5" {
		t.Error(v, b.Pos("p"), b.Pos("q"))
	}
	o, _ := inv.Group("a").Lookup("o")
	var object struct {
		Name string `var:"name"`
		Deep struct {
			N int `var:"n" max:"0"`
		} `var:"deep"`
		Gone string `var:"gone" required:"true"`
	}
	b = Bind(o, &object)
	want := "[pigsty.yml:5:28: o.gone: is required, but not set pigsty.yml:5:50: o.deep.n: want a whole number of at most 0, got 1]"
	if fmt.Sprint(b.Problems) != want || object.Name != "x" || b.Pos("name").Column != 36 || b.Problems[0].Group != "a" {
		t.Error(object, b.Problems, b.Pos("name"))
	}
	name, _ := o.Lookup("name")
	if b := Bind(name, &object); len(b.Problems) != 1 || b.Problems[0].Msg != `o.name: want a mapping, got "x"` {
		t.Error(b.Problems)
	}
}

func TestBindPanicsOnWrongStructs(t *testing.T) {
	inv := mustLoad(t, "all: {hosts: {10.0.0.1: }}")
	for want, into := range map[string]any{
		"want a pointer to a struct": struct{}{},
		"cannot be bound": &struct {
			C chan int `var:"c"`
		}{},
		"map[bool]string, which cannot": &struct {
			M map[bool]string `var:"m"`
		}{},
		"is not exported": &struct {
			c int `var:"c"`
		}{},
		"unknown kind host": &struct {
			K string `var:"k" kind:"host"`
		}{},
		"no number in min": &struct {
			M int `var:"m" min:"x"`
		}{},
		"no duration in max": &struct {
			M time.Duration `var:"m" max:"x"`
		}{},
		"default that is not YAML": &struct {
			L []int `var:"l" default:"["`
		}{},
		"default of p: want a port": &struct {
			P int `var:"p" default:"0" kind:"port"`
		}{},
	} {
		t.Run(want, func(t *testing.T) {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
					t.Errorf("panic %q, want %q", got, want)
				}
			}()
			Bind(inv.Hosts()[0], into)
		})
	}
}

// A default is no place to point at, and neither is a part of one.
func TestDefaultsHaveNoPlace(t *testing.T) {
	inv := mustLoad(t, "all:\n  hosts:\n    10.0.0.1:\n")
	var v struct {
		Users []role `var:"pg_users" default:"[{name: a}]"`
	}
	h := inv.Hosts()[0]
	b := Bind(h, &v)
	if len(v.Users) != 1 || b.Has("pg_users[0].name") || b.Pos("pg_users[0].name") != h.Pos {
		t.Errorf("%+v is at %s, and given: %v", v.Users, b.Pos("pg_users[0].name"), b.Has("pg_users[0].name"))
	}
}

// A default that holds the place of its object is another for each host; all others are one.
func TestDefaultsAreShared(t *testing.T) {
	inv := mustLoad(t, "all:\n  hosts:\n    10.0.0.1:\n    10.0.0.2:\n")
	type both struct {
		Users []role   `var:"pg_users" default:"[{name: a}]"`
		Words []string `var:"words" default:"[a, b]"`
	}
	var a, b both
	Bind(inv.Host("10.0.0.1"), &a)
	Bind(inv.Host("10.0.0.2"), &b)
	if a.Users[0].Pos == b.Users[0].Pos || b.Users[0].Pos != inv.Host("10.0.0.2").Pos {
		t.Errorf("users at %s and %s", a.Users[0].Pos, b.Users[0].Pos)
	}
	if &a.Words[0] != &b.Words[0] || len(b.Words) != 2 || cap(b.Words) != 2 {
		t.Errorf("words %v and %v", a.Words, b.Words)
	}
}
