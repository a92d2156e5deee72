package inventory_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	. "github.com/pigsync/pigsync/inventory"
	"pgregory.net/rapid"
)

// loadText reads one inventory, with what it says of itself.
func loadText(t testing.TB, text string, options Options) (*Inventory, []Problem) {
	t.Helper()
	inv, problems, err := LoadWith(fstest.MapFS{"pigsty.yml": {Data: []byte(text)}}, "pigsty.yml", options)
	if err != nil {
		t.Fatal(err)
	}
	return inv, problems
}

const twoHosts = `all:
  children:
    pg-test:
      hosts:
        10.10.10.11: { pg_seq: 1, pg_role: primary }
        10.10.10.12: { pg_seq: 2, pg_role: replica }
      vars: { pg_cluster: pg-test }
  vars:
`

func vars(lines ...string) string { return twoHosts + "    " + strings.Join(lines, "\n    ") + "\n" }

func TestLookupEvaluates(t *testing.T) {
	inv, problems := loadText(t, vars(
		`name: "{{ pg_cluster }}-{{ pg_seq }}"`,
		`port: "{{ base + 1 }}"`,
		`base: 5431`,
		`kept: "{{ base }}"`,
		`default: "{{ pg_port }}"`,
		`list: [ "{{ name }}", { deep: "{{ kept }}" } ]`,
		`me: "{{ inventory_hostname }}"`,
		`groups_of: "{{ group_names }}"`,
		`members: "{{ groups['pg-test'] | join(',') }}"`,
		`primary: "{{ groups['pg-test'] | map('extract', hostvars, 'pg_role') | list }}"`,
		`other: "{{ hostvars['10.10.10.12'].name }}"`,
		`fallback: "{{ no_such | default('x') }}"`,
		`through: "{{ undefined_here | default('y') }}"`,
		`undefined_here: "{{ no_such }}"`,
		`unsafe: !unsafe "{{ name }}"`,
		`indirect: "{{ unsafe }}"`,
		`switch: "{{ pg_role == 'primary' }}"`,
	), Options{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for name, want := range map[string]any{
		"name": "pg-test-1", "port": "5432", "kept": int64(5431), "default": int64(5432),
		"list": []any{"pg-test-1", map[string]any{"deep": int64(5431)}}, "me": "10.10.10.11",
		"groups_of": []any{"pg-test"}, "members": "10.10.10.11,10.10.10.12", "primary": []any{"primary", "replica"},
		"other": "pg-test-2", "fallback": "x", "through": "y", "unsafe": "{{ name }}", "indirect": "{{ name }}", "switch": true,
	} {
		v, ok := inv.Host("10.10.10.11").Lookup(name)
		if got := v.Any(); !ok || fmt.Sprint(got) != fmt.Sprint(want) || v.Unevaluated() {
			t.Errorf("%s: got %#v, want %#v", name, got, want)
		}
		if v.Pos.Line < 9 || v.Pos.Column == 0 {
			t.Errorf("%s: at %v", name, v.Pos)
		}
	}
}

func TestProblemsOfExpressions(t *testing.T) {
	for name, tt := range map[string]struct {
		lines []string
		bound string
		want  string
	}{
		"undefined": {[]string{`a: "{{ nope }}"`}, "a", "pigsty.yml:9:8: a: nope is undefined (on 10.10.10.11 and one other host)"},
		"misspelt":  {[]string{`a: "{{ pg_prot }}"`}, "a", "pigsty.yml:9:8: a: pg_prot is undefined: did you mean pg_port? (on 10.10.10.11 and one other host)"},
		"one host":  {[]string{`a: "{{ 1 / (pg_seq - 1) }}"`}, "a", "pigsty.yml:9:8: a: /: division by zero (on 10.10.10.11)"},
		"root": {[]string{`a: "{{ b }}"`, `b: "{{ c }}"`, `c: "{{ nope }}"`}, "a",
			"pigsty.yml:11:8: c: nope is undefined (on 10.10.10.11 and one other host)"},
		"circle": {[]string{`a: "{{ b }}"`, `b: "{{ c }}"`, `c: "{{ b }}"`}, "a",
			"pigsty.yml:10:8: b: refers to itself: b (pigsty.yml:10:8) → c (pigsty.yml:11:8) → b"},
		"itself": {[]string{`a: "{{ a }}"`}, "a", "pigsty.yml:9:8: a: refers to itself: a (pigsty.yml:9:8) → a"},
		"other host": {[]string{`a: "{{ hostvars['10.10.10.12'].b }}"`, `b: "{{ hostvars['10.10.10.11'].a }}"`}, "a",
			"pigsty.yml:9:8: a: refers to itself: a (pigsty.yml:9:8) of 10.10.10.11 → b (pigsty.yml:10:8) of 10.10.10.12 → a"},
		"fact": {[]string{`a: "{{ ansible_memtotal_mb // 4 }}"`}, "a",
			"pigsty.yml:9:8: a: ansible_memtotal_mb is not set, and what Ansible finds out on the node is not known here (on 10.10.10.11 and one other host)"},
		"place": {[]string{`a: "{{ playbook_dir }}/x"`}, "a",
			"pigsty.yml:9:8: a: playbook_dir is not known here: it is a place on the machine where Ansible runs (on 10.10.10.11 and one other host)"},
		"environment": {[]string{`a: "{{ lookup('env', 'HOME') }}"`}, "a",
			"pigsty.yml:9:8: a: lookup('env'): the configuration allows no environment variable here (on 10.10.10.11 and one other host)"},
		"release, further on": {[]string{`a: "{{ repo_packages }}"`, `repo_packages: "{{ repo_packages_default | list }}"`}, "a",
			"pigsty.yml:10:20: repo_packages: depends on what differs from node to node, by release and operating system (on 10.10.10.11 and one other host)"},
	} {
		inv, _ := loadText(t, vars(tt.lines...), Options{})
		for _, h := range inv.Hosts()[:1] {
			v, _ := h.Lookup(tt.bound)
			if _, err := v.Text(); err == nil || err.Error() != tt.want {
				t.Errorf("%s:\n got %v\nwant %s", name, err, tt.want)
			}
		}
	}
}

func TestExpressionsAreReadAtLoad(t *testing.T) {
	for line, want := range map[string]string{
		`a: "{{ x | deflt(1) }}"`:             `INV090 9:8: a: there is no filter deflt`,
		`a: "{{ x | random }}"`:               `INV090 9:8: a: the filter random is not available here: the same inventory must always mean the same`,
		`a: [ { b: "{{ x" } ]`:                `INV090 9:15: a: }} is missing`,
		`a: "{% include 'x' %}"`:              `INV090 9:8: a: {% include %} is not available here: only if, for, set and raw are`,
		`pg_admin_password: "hunt{{er2"`:      `INV090 9:24: pg_admin_password: this is no expression, although it looks like one: a text that is to stay as it is wants the tag !unsafe`,
		`a: { "{{ x }}": 1 }`:                 `INV093 9:10: warning: a: Ansible does not evaluate keys: this one stays as it is written`,
		`a: "{{ package_map['x'] }}"`:         `INV092 9:8: warning: a: package_map differs from node to node, by release and operating system: taken for not set`,
		`a: [ "{{ package_map['x'] }}" ]`:     `INV092 9:10: warning: a: package_map differs from node to node, by release and operating system: what needs it cannot be managed`,
		`a: !unsafe "{{ x | deflt }}"`:        ``,
		`a: "{{ nope + 1 }}"`:                 ``,
		`a: "{# no expression #} {{ '{{' }}"`: ``,
	} {
		_, problems := loadText(t, vars(line), Options{})
		got := ""
		for _, p := range problems {
			got += fmt.Sprintf("%s %s", p.Code, strings.TrimPrefix(p.Error(), "pigsty.yml:"))
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", line, got, want)
		}
	}
}

// What differs by release is as if it were not set, so that the default of the release counts.
func TestByRelease(t *testing.T) {
	inv, _ := loadText(t, vars(`repo_packages: "{{ repo_packages_default | reject('equalto', 'x') | list }}"`), Options{})
	if v, ok := inv.Host("10.10.10.11").Lookup("repo_packages"); ok {
		t.Errorf("got %v", v)
	}
}

func TestGroupsEvaluateWhatTheyKnow(t *testing.T) {
	inv, _ := loadText(t, vars(`a: "{{ pg_cluster }}-x"`, `b: "{{ inventory_hostname }}"`, `c: "{{ pg_seq }}"`), Options{})
	g := inv.Group("pg-test")
	if v, ok := g.Lookup("a"); !ok || v.String() != "pg-test-x" {
		t.Errorf("a: %s", v.String())
	}
	for name, want := range map[string]string{
		"b": "inventory_hostname is another on each host, and this is asked for group pg-test as a whole",
		"c": "c: pg_seq is undefined",
	} {
		v, _ := g.Lookup(name)
		if _, err := v.Text(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSecretsStaySecret(t *testing.T) {
	options := Options{
		Env:  func(string) (string, bool) { return "c4nary", true },
		File: func(string) ([]byte, error) { return []byte("c4nary"), nil },
	}
	inv, _ := loadText(t, vars(
		`pg_admin_password: c4nary`,
		`a: "{{ pg_admin_password }}"`,
		`b: "{{ a | upper | lower }}x"`,
		`c: "{{ lookup('env', 'X') }}"`,
		`d: "{{ lookup('file', 'X') }}"`,
		`e: "{{ [a, 1] }}"`,
		`f: "{{ users }}"`,
		`users: [ { name: x, password: c4nary } ]`,
	), options)
	type numbers struct {
		A int    `var:"a"`
		B int    `var:"b"`
		C int    `var:"c"`
		D int    `var:"d"`
		E []int  `var:"e"`
		F string `var:"f"`
	}
	b := Bind(inv.Host("10.10.10.11"), new(numbers))
	if len(b.Problems) != 6 {
		t.Errorf("got %d problems: %v", len(b.Problems), b.Problems)
	}
	for _, p := range b.Problems {
		if strings.Contains(p.Msg, "c4nary") {
			t.Error(p)
		}
	}
	v, _ := inv.Host("10.10.10.11").Lookup("c")
	if s, err := v.Secret(); err != nil || s.Reveal() != "c4nary" {
		t.Errorf("%v", err)
	}
}

// One problem stands for all hosts.
func TestOneProblemForAllHosts(t *testing.T) {
	inv, _ := loadText(t, vars(`a: "{{ nope }}"`), Options{})
	type one struct {
		A string `var:"a"`
	}
	var all []Problem
	for _, h := range inv.Hosts() {
		all = append(all, Bind(h, new(one)).Problems...)
	}
	if all = Sort(all); len(all) != 1 {
		t.Error(all)
	}
}

func TestExplainShowsExpressions(t *testing.T) {
	inv, _ := loadText(t, vars(`pg_cluster: "{{ 'x' | upper }}"`, `pg_role: "{{ nope }}"`, `pg_admin_password: "{{ 'x' }}"`), Options{})
	h := inv.Host("10.10.10.11")
	c := Explain(h, "pg_cluster")
	if len(c) != 2 || c[1].Expression() != "{{ 'x' | upper }}" || c[1].Value.String() != "X" || c[0].Expression() != "" {
		t.Errorf("got %+v", c)
	}
	if c := Explain(h, "pg_role"); len(c) != 2 || !c[1].Value.Unevaluated() {
		t.Errorf("got %+v", c)
	}
	if c := Explain(h, "pg_admin_password"); c[0].Expression() != "" {
		t.Error("the text of a secret is shown")
	}
}

// References form a graph without circles: whoever asks in whatever order, and at the same time,
// gets the same values; and what is wrong disturbs only what needs it.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "variables")
		var lines []string
		want := make([]string, n)
		for i := range n {
			switch kind := rapid.SampledFrom([]string{"plain", "bad", "ref"}).Draw(t, "kind"); {
			case kind == "ref" && i > 0:
				j := rapid.IntRange(0, i-1).Draw(t, "to")
				lines = append(lines, fmt.Sprintf(`v%d: "{{ v%d }}-{{ pg_seq }}"`, i, j))
				if want[i] = ""; want[j] != "" {
					want[i] = want[j] + "-1"
				}
			case kind == "bad":
				lines = append(lines, fmt.Sprintf(`v%d: "{{ nope.%d }}"`, i, i))
			default:
				lines, want[i] = append(lines, fmt.Sprintf(`v%d: text`, i)), "text"
			}
		}
		lines = rapid.Permutation(lines).Draw(t, "lines")
		order := rapid.Permutation(numbers(n)).Draw(t, "order")
		inv, _, err := Load(fstest.MapFS{"i": {Data: []byte(vars(lines...))}}, "i")
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for shift := range 3 {
			wg.Go(func() {
				for k := range n {
					i := order[(k+shift)%n]
					v, _ := inv.Host("10.10.10.11").Lookup(fmt.Sprintf("v%d", i))
					if got, err := v.Text(); got != want[i] || (err == nil) != (want[i] != "") {
						t.Errorf("v%d: got %q, %v, want %q", i, got, err, want[i])
					}
				}
			})
		}
		wg.Wait()
	})
}

func numbers(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// A chain that is far too long ends with a problem.
func TestLongChain(t *testing.T) {
	lines := []string{"v0: x"}
	for i := range 3000 {
		lines = append(lines, fmt.Sprintf(`v%d: "{{ v%d }}"`, i+1, i))
	}
	inv, _ := loadText(t, vars(lines...), Options{})
	v, _ := inv.Host("10.10.10.11").Lookup("v3000")
	if _, err := v.Text(); err == nil || !strings.Contains(err.Error(), "more than 1000 variables refer to each other") {
		t.Errorf("got %v", err)
	}
	v, _ = inv.Host("10.10.10.11").Lookup("v500")
	if got, err := v.Text(); got != "x" {
		t.Errorf("got %q, %v", got, err)
	}
}

// Without the keys of the daemon nobody answers a lookup, and nobody is to blame.
func TestKeylessLookups(t *testing.T) {
	type one struct {
		A string `var:"a"`
		B string `var:"b"`
	}
	for keyless, want := range map[bool]int{false: 1, true: 0} {
		inv, _ := loadText(t, vars(`a: "{{ lookup('env', 'X') }}"`, `b: "{{ a }}"`), Options{Keyless: keyless})
		if b := Bind(inv.Host("10.10.10.11"), new(one)); len(b.Problems) != want {
			t.Errorf("keyless %t: %v", keyless, b.Problems)
		}
	}
}

// What is not decrypted is told as that, also where an expression needs it.
func TestClosedValues(t *testing.T) {
	inv, _ := loadText(t, vars(`a: "{{ pw }}x"`, `pw: !vault |`, `  $ANSIBLE_VAULT;1.1;AES256`,
		`  30313233343536373839616263646566303132333435363738396162636465660a`), Options{})
	v, _ := inv.Host("10.10.10.11").Lookup("a")
	if _, err := v.Text(); err == nil || !strings.Contains(err.Error(), "pigsty.yml:10:9: warning: pw: the vault is ") {
		t.Errorf("got %v", err)
	}
}
