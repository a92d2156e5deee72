package inventory

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

const file = "pigsty.yml"

func load(text string) (*Inventory, []Problem, error) {
	return Load(fstest.MapFS{file: {Data: []byte(text)}}, file)
}

func mustLoad(t testing.TB, text string) *Inventory {
	t.Helper()
	inv, problems, err := load(text)
	if err != nil || HasErrors(problems) {
		t.Fatal(err, problems)
	}
	return inv
}

// TestRefused lists files that are no inventory at all: one error each, with its place.
func TestRefused(t *testing.T) {
	cases := []struct{ name, text, code, want string }{
		{"empty", "", CodeNoGroups, "1:1: the inventory is empty"},
		{"comment", "# nothing\n", CodeNoGroups, "1:1: the inventory is empty"},
		{"null", "---\n", CodeNoGroups, "2:1: want a mapping with the key all, got nothing"},
		{"null without a break", "---", CodeNoGroups, "1:4: want a mapping with the key all, got nothing"},
		{"list", "- a\n", CodeNoGroups, "1:1: want a mapping with the key all, got a list"},
		{"scalar", "\nall\n", CodeNoGroups, "2:1: want a mapping with the key all, got text"},
		{"plugin", "plugin: cloud\nall:\n", CodeNoGroups, "1:1: this configures an inventory plugin: it is not an inventory"},
		{"two", "all:\n---\nall:\n", CodeManyDocs, "3:1: a second YAML document: an inventory is only one"},
		{"second broken", "all:\n---\n}\n", CodeSyntax, "3:1: not YAML: did not find expected node content"},
		{"latin1", "all:\n  vars: {a: caf\xe9}\n", CodeText, "2:16: not UTF-8"},
		{"control", "all:\n  é: \x01\n", CodeText, "2:6: control character U+0001"},
		{"dedent", "all:\n  vars:\n    a: 1\n   b: 2\n", CodeSyntax, "4:4: not YAML: did not find expected key: the line is indented by 3, and none before it is; line 3 is by 4"},
		{"two colons", "all:\n  vars:\n    a: b: c\n", CodeSyntax, "3:5: not YAML: mapping values are not allowed in this context: a text with a colon and a space in it must stand in quotes, and what belongs to a key stands deeper than it"},
		{"tab", "all:\n\tvars:\n", CodeSyntax, "2:2: not YAML: found character that cannot start any token: a tab: want spaces before what stands in a line"},
		{"open brace", "all:\n  vars: {a: 1\n  children: 3\n", CodeSyntax, "3:3: not YAML: did not find expected ',' or '}': the { of line 2 is not closed"},
		{"open quote", "all:\n  vars: \"abc\n  x: 1\n", CodeSyntax, "2:3: not YAML: found unexpected end of stream: a quote that begins here is never closed"},
		{"no colon", "a: b\nc\nd: 1\n", CodeSyntax, "2:1: not YAML: could not find expected ':': want a key, a colon and a space"},
		{"bare jinja", "all:\n  vars:\n    a: {{ x }}-y\n# end\n", CodeSyntax, "3:5: not YAML: did not find expected key: an expression {{ … }} must stand in quotes"},
		{"after comment", "a: b\n\n# c\n\n  c: d\nfoo: bar\n", CodeSyntax, "5:3: not YAML: did not find expected key: the line is indented by 2, and none before it is; line 1 is by 0"},
		{"expression in a list", "all:\n  vars: { a: [ {{ x }} y ] }\n", CodeSyntax, "2:3: not YAML: did not find expected ',' or ']': an expression {{ … }} must stand in quotes"},
		{"INI", "[etcd]\n10.0.0.1 etcd_seq=1\n", CodeSyntax, "2:1: not YAML: did not find expected <document start>: an inventory of Ansible in INI, perhaps: want YAML that begins with all:"},
		{"behind a quote", "all:\n  vars:\n    a: 'x' y\n    b: 1\n", CodeSyntax, "4:5: not YAML: did not find expected key"},
		{"closed in a comment", "all:\n  vars: { a: 'x]' # }\n  b: 3\n", CodeSyntax, "3:3: not YAML: did not find expected ',' or '}': the { of line 2 is not closed"},
		{"escape", "a: \"\\q\"\n", CodeSyntax, "1:1: not YAML: found unknown escape character"},
		{"no anchor", "all:\n  vars: *x\n", CodeSyntax, "2:9: an alias without an anchor before it: a text that begins with * must stand in quotes"},
		{"self alias", "all: &a\n  vars: {x: *a}\n", CodeLimit, "2:13: this alias stands inside what it names"},
		{"flow depth", "all: " + strings.Repeat("[", 70) + strings.Repeat("]", 70), CodeLimit, "1:69: nested deeper than 64 levels"},
		{"alias depth", aliasDepth, CodeLimit, "3:19: nested deeper than 64 levels"},
		{"bomb", aliasBomb(), CodeLimit, "7:22: more than 500000 values with aliases expanded"},
		{"many", strings.Repeat("- \n", maxNodes+1), CodeLimit, "500001:1: more than 500000 values"},
		{"group depth", chain(), CodeLimit, "65:19: groups nested deeper than 64 levels"},
		{"memberships", parents(2400, 1000), CodeLimit, "2402:11258: hosts are in groups more than 2000000 times"},
		{"large", strings.Repeat("#", maxBytes+1), CodeTooLarge, "1:1: larger than 4 MiB"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inv, problems, err := load(c.text)
			var p Problem
			if !errors.As(err, &p) || inv != nil || problems != nil {
				t.Fatalf("want only a Problem as error, got %v, %v, %v", inv, problems, err)
			}
			if p.Code != c.code || p.Error() != file+":"+c.want {
				t.Errorf("got %s %s\nwant %s %s:%s", p.Code, p, c.code, file, c.want)
			}
		})
	}
}

var aliasDepth = "a: &a " + strings.Repeat("[", 40) + strings.Repeat("]", 40) + "\n" +
	"b: &b " + strings.Repeat("[", 10) + "*a" + strings.Repeat("]", 10) + "\n" +
	"c: [[[[[[[[[[[[[[[*b]]]]]]]]]]]]]]]\n"

// aliasBomb grows tenfold with each line.
func aliasBomb() string {
	var b strings.Builder
	b.WriteString("v0: &v0 x\n")
	for i := 1; i < 9; i++ {
		fmt.Fprintf(&b, "v%d: &v%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*v%d,", i-1), 10), ","))
	}
	return b.String()
}

// chain is a row of groups, each in the one before it.
func chain() string {
	var b strings.Builder
	b.WriteString("all: {hosts: {10.0.0.1: }}\n")
	for i := range maxDepth + 1 {
		fmt.Fprintf(&b, "g%d: {children: {g%d: }}\n", 100+i, 101+i)
	}
	return b.String()
}

// parents is a group with many parents and many hosts.
func parents(groups, hosts int) string {
	var b strings.Builder
	b.WriteString("all:\n")
	for i := range groups {
		fmt.Fprintf(&b, "g%d: {children: g}\n", i)
	}
	b.WriteString("g: {hosts: {")
	for i := range hosts {
		fmt.Fprintf(&b, " 10.0.%d.%d: ,", i>>8, i&255)
	}
	return b.String() + "}}\n"
}

func TestLoadWithoutFile(t *testing.T) {
	_, _, err := Load(fstest.MapFS{}, file)
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want an error that is fs.ErrNotExist", err)
	}
}

// TestProblems lists inventories that load, with everything that is said about them.
func TestProblems(t *testing.T) {
	const ok = "all: {hosts: {10.0.0.1: }}\n"
	cases := []struct{ name, text, want string }{
		{"good", ok, ""},
		{"no hosts", "all:\n", "INV028 1:1: the inventory has no hosts [all]"},
		{"duplicate var", ok + "a:\n  hosts: {10.0.0.1: }\n  vars:\n    x: 1\n    y: 2\n    x: 3\n",
			"INV010 7:5: x is given twice, first at pigsty.yml:5:5 [a]"},
		{"duplicate host", "all:\n  hosts:\n    10.0.0.1:\n    10.0.0.1: {a: 1}\n",
			"INV010 4:5: 10.0.0.1 is given twice, first at pigsty.yml:3:5 [all]"},
		{"duplicate group", ok + "a: {hosts: {10.0.0.1: }}\na: {hosts: {10.0.0.1: }}\n",
			"INV010 3:1: a is given twice, first at pigsty.yml:2:1 [a]"},
		{"number and text", "all:\n  hosts: {10.0.0.1: {m: {6379: , '6379': }}}\n",
			"INV010 2:34: 6379 is given twice, first at pigsty.yml:2:26 [all]"},
		{"list key", ok + "a:\n  hosts: {10.0.0.1: {? [x] : 1}}\n", "INV011 3:24: a list cannot be a key [a]"},
		{"long key", ok + "a:\n  hosts: {10.0.0.1: {? " + strings.Repeat("k", 1025) + " : 1}}\n",
			"INV006 3:24: a key of 1025 bytes: at most 1024 [a]"},
		{"tag", ok + "a:\n  hosts: {10.0.0.1: {x: !!python/name:os.system '', y: !!int x, z: !!seq {}}}\n",
			"INV012 3:25: tag \"!!python/name:os.system\" is not understood here [a]\n" +
				"INV012 3:56: want a whole number, as the tag !!int says [a]\n" +
				"INV012 3:68: tag \"!!seq\" is not understood here [a]"},
		{"merge", ok + "a:\n  hosts: {10.0.0.1: {<<: 5}}\n  vars: {<<: [{a: 1}, x]}\n",
			"INV013 3:26: <<: want a mapping, got a whole number [a]\n" +
				"INV013 4:23: <<: want a mapping, got text [a]"},
		{"top level", ok + "anchors: {a: 1}\nx: 5\n",
			"INV020 2:1: warning: unknown top-level key anchors: want all []\n" +
				"INV020 3:1: warning: unknown top-level key x: want all []"},
		{"section", ok + "a:\n  host: {10.0.0.1: }\n  vars: {}\n",
			"INV025 2:1: warning: group a has no hosts [a]\n" +
				"INV021 3:3: warning: group a: unknown key host: want hosts, vars or children [a]"},
		{"no space", "all:\n  hosts: { 10.0.0.1: }\n  vars:\n    pg_cluster:pg-test\n",
			"INV022 4:5: group all: vars: want a mapping, got text: want a space behind the colon [all]"},
		{"no tag", "all:\n  hosts: { 10.0.0.1: }\n  vars:\n    a: |\n      $ANSIBLE_VAULT;1.1;AES256\n      3036\n",
			"INV033 4:8: this is encrypted, and without the tag !vault the cipher itself would be the value: want !vault | before it [all]"},
		{"shapes", "all:\n  hosts: [10.0.0.1]\n  children:\n    a: [x]\n    b:\n      hosts: {10.0.0.2: x}\n      vars: x\n",
			"INV022 2:10: group all: hosts: want a mapping, got a list: want each name with a colon behind it, and no hyphen [all]\n" +
				"INV025 4:5: warning: group a has no hosts [a]\n" +
				"INV022 4:8: group a: want a mapping, got a list [a]\n" +
				"INV022 6:25: host 10.0.0.2: want a mapping of variables, got text [b]\n" +
				"INV022 7:13: group b: vars: want a mapping, got text [b]"},
		{"hosts", ok + "a:\n  hosts:\n    pg-1:\n    10.0.0.256: {}\n    10.0.0.1:22:\n    fe80::1%eth0:\n    10.0.0.[3:1]:\n    010.0.0.1:\n",
			"INV023 4:5: host pg-1 is no IP address: want the address here, and a name as nodename [a]\n" +
				"INV023 5:5: host 10.0.0.256 is no IP address: want the address here, and a name as nodename [a]\n" +
				"INV023 6:5: host 10.0.0.1:22: want an address alone, and its port in ansible_port [a]\n" +
				"INV023 7:5: host \"fe80::1%eth0\" is no IP address: want the address here, and a name as nodename [a]\n" +
				"INV023 8:5: host \"10.0.0.[3:1]\": the range ends before it begins [a]\n" +
				"INV023 9:5: host 010.0.0.1 is no IP address: want the address here, and a name as nodename [a]"},
		{"same host", ok + "a:\n  hosts:\n    2001:DB8::1:\n    2001:db8:0::1:\n    ::ffff:10.0.0.1:\n",
			"INV024 5:5: host 2001:db8:0::1 is written 2001:DB8::1 at pigsty.yml:4:5: write it one way [a]\n" +
				"INV024 6:5: host ::ffff:10.0.0.1 is written 10.0.0.1 at pigsty.yml:1:15: write it one way [a]"},
		{"empty group", ok + "a:\n  children: b\n", "INV025 2:1: warning: group a has no hosts [a]\n" +
			"INV025 3:13: warning: group b has no hosts [b]"},
		{"loop", ok + "a:\n  hosts: {10.0.0.1: }\n  children: {b: {children: {a: }}}\n",
			"INV025 4:14: warning: group b has no hosts [b]\n" +
				"INV026 4:29: group a is its own ancestor through b [a]"},
		{"self loop", ok + "a:\n  hosts: {10.0.0.1: }\n  children: {a: , all: }\n",
			"INV026 4:14: group a is its own ancestor through a [a]\n" +
				"INV026 4:19: group all is its own ancestor through a [all]"},
		{"priority", ok + "a:\n  hosts: {10.0.0.1: }\n  vars: {ansible_group_priority: high}\n",
			`INV027 4:34: ansible_group_priority: want a whole number, got "high" [a]`},
		{"jinja", ok + "a:\n  hosts: {10.0.0.1: {p: [1, {x: 'a {{ b }}'}]}}\n  vars:\n    b: \"{% raw %}\"\n    c: !unsafe '{{ c }}'\n    d: ok ${d}\n    e: a{#b\n",
			"INV090 5:8: b: {% raw %} is never ended [a]\n" +
				"INV090 8:8: e: {# is never closed [a]"},
		{"vault", ok + "a:\n  hosts: {10.0.0.1: }\n  vars:\n    p: !vault |\n      $ANSIBLE_VAULT;1.1;AES256\n      6162\n",
			"INV033 5:8: the vault is cut off or damaged: it has no salt, HMAC and ciphertext [a]"},
		{"locked vault", ok + "a:\n  hosts: {10.0.0.1: }\n  vars:\n    p: [ " + lockedVault + " ]\n",
			"INV031 5:10: warning: p: it is encrypted, and no vault password was given: want the one it was encrypted with [a]"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, problems, err := load(c.text)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range problems {
				got = append(got, fmt.Sprintf("%s %s [%s]", p.Code, strings.TrimPrefix(p.String(), file+":"), p.Group))
			}
			if text := strings.Join(got, "\n"); text != c.want {
				t.Errorf("got\n%s\nwant\n%s", text, c.want)
			}
		})
	}
}

func TestProblemsAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("all:\n  hosts:\n    10.0.0.1:\n")
	for i := range maxProblems + 7 {
		fmt.Fprintf(&b, "    host-%d:\n", i)
	}
	_, problems, err := load(b.String())
	if err != nil || len(problems) != maxProblems+1 {
		t.Fatal(len(problems), err)
	}
	if last := problems[maxProblems]; last.Code != CodeMore || last.Msg != "and 7 more problems" {
		t.Error(last)
	}
}

func TestGroupsAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("all:\n  hosts: {10.0.0.1: }\n")
	for i := range maxGroups + 3 {
		fmt.Fprintf(&b, "g%d: {hosts: {10.0.0.1: }}\n", i)
	}
	inv, problems, err := load(b.String())
	if err != nil || len(inv.Groups()) != maxGroups-1 {
		t.Fatal(len(inv.Groups()), err)
	}
	want := "pigsty.yml:5002:1: more than 5000 groups: this one and what follows is not read"
	if len(problems) != 1 || problems[0].Error() != want || problems[0].Code != CodeTooMany {
		t.Error(problems)
	}
}

func TestSort(t *testing.T) {
	at := func(line int, msg string) Problem {
		p := Problem{Msg: msg}
		p.Pos.Line = line
		return p
	}
	in := []Problem{at(3, "c"), at(1, "b"), at(1, "a"), at(3, "c")}
	got := Sort(in)
	if len(got) != 3 || got[0] != at(1, "a") || got[1] != at(1, "b") || got[2] != at(3, "c") || in[0] != at(3, "c") {
		t.Error(got, in)
	}
	empty := func(line int) Problem {
		p := at(line, "no hosts")
		p.Code, p.Severity = CodeEmpty, Warning
		return p
	}
	got = Sort([]Problem{empty(1), at(1, "want members"), empty(2)})
	if len(got) != 2 || got[0] != at(1, "want members") || got[1] != empty(2) {
		t.Errorf("that a group is empty is not said once: %v", got)
	}
}
