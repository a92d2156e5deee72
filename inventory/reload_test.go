package inventory

import (
	"fmt"
	"io/fs"
	"maps"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"
	"weak"

	"pgregory.net/rapid"
)

// everything prints all that can be seen of an inventory.
func everything(inv *Inventory, problems []Problem, err error) string {
	var b strings.Builder
	fmt.Fprintln(&b, err)
	for _, p := range problems {
		fmt.Fprintf(&b, "%s %s [%s]\n", p.Code, p, p.Group)
	}
	if inv == nil {
		return b.String()
	}
	_ = (Listing{}).List(&b, inv) // a Builder takes everything
	for _, g := range inv.Groups() {
		fmt.Fprintf(&b, "%s %s %d\n", g.Name, g.Pos, g.priority)
	}
	for _, h := range inv.Hosts() {
		names := h.Names()
		slices.Sort(names)
		for _, name := range names {
			for _, c := range Explain(h, name) {
				fmt.Fprintf(&b, "%s %s %s at %s of %s in %s [%s]\n", h.Addr, name, c.Value.Shown(), c.Value.Pos, c.Value.KeyPos(), c.Group, inv.GroupAt(c.Value.Pos))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(inv.src.files)) {
		src := inv.src.files[name]
		for line := range src.end[0] + 2 {
			at := src.node(max(line, 1), 1).pos()
			at.Line = line
			fmt.Fprintf(&b, "%s:%d is %s\n", name, line, inv.GroupAt(at))
		}
	}
	return b.String()
}

const edited = `# head
all:
  vars:
    admin_ip: 10.0.0.1
    text: |
      one
        two

    quoted: "a
      b"
    list:
    - a
    - b: c
      d: e
    secret_password: { a: [x] }
  children:
    infra: { hosts: { 10.0.0.1: { infra_seq: 1 } } }
    # a comment
    pg-a:
      vars:
        pg_cluster: pg-a
        pg_users:
          - { name: a,
              password: b }
          - name: c
      hosts:
        10.0.0.2: { pg_seq: 1 }
        10.0.0.3:
          pg_seq: 2
          pg_role: replica
    pg-b:
      hosts:
        10.0.0.4:
        10.0.0.5: plain
          text
      children:
        pg-c:
    pg-c:
      hosts: { 10.0.0.6: }

other:
  hosts:
    10.0.0.2:
`

// changes are lines that people put in, of which many are wrong.
var changes = []string{
	"", "#", "x: 1", "        10.0.0.9: {}", "    pg-d:", "      hosts:", "      vars: { a: 1 }", "        a: [1,", "        ]", "      \"", "  - x",
	"        10.0.0.2: { pg_seq: 9 }", "        pg_seq: 010", "          deeper: yes", "all:", "---", "...", "    &a b: 1", "    c: *a", "\tx: 1", "    pg-a:",
	"        v: !vault |", "    late: 2030-13-01", "    text: |", "      more", "        ? a", "    'it''s': 1", "        <<: { z: 1 }", "\r", "  vars:", "    ansible_group_priority: 7", "    é: ü",
}

func drawChange(t *rapid.T, text string) string {
	lines := strings.Split(text, "\n")
	at := rapid.IntRange(0, len(lines)-1).Draw(t, "line")
	drop := rapid.IntRange(0, min(2, len(lines)-at)).Draw(t, "drop")
	add := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(changes), rapid.SampledFrom(lines)), 0, 2).Draw(t, "add")
	if rapid.Bool().Draw(t, "inside") && len(lines[at]) > 0 {
		i := rapid.IntRange(0, len(lines[at])-1).Draw(t, "column")
		c := rapid.SampledFrom([]string{"", "x", " ", ":", "'", "[", "}", "#", "5"}).Draw(t, "char")
		lines[at] = strings.ToValidUTF8(lines[at][:i]+c+lines[at][i+1:], "")
		return strings.Join(lines, "\n")
	}
	return strings.Join(slices.Replace(lines, at, at+drop, add...), "\n")
}

// TestReloadIsLoad edits an inventory again and again: reloaded, it is what it would be if it were
// loaded afresh, and the state before stays what it was.
func TestReloadIsLoad(t *testing.T) {
	quick, shared := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		text := edited
		files := fstest.MapFS{}
		if rapid.Bool().Draw(t, "files of variables") {
			files["group_vars/pg-a.yml"] = &fstest.MapFile{Data: []byte("in_file: 1\n")}
		}
		inv, _, err := load(text)
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			next := drawChange(t, text)
			fsys := maps.Clone(files)
			fsys[file] = &fstest.MapFile{Data: []byte(next)}
			want, problems, err := Load(fsys, file)
			fresh := everything(want, problems, err)
			before := everything(inv, nil, nil)
			again, problems, err := Reload(inv, fsys, file, Options{})
			if got := everything(again, problems, err); got != fresh {
				t.Fatalf("reloaded it is\n%s\nloaded it is\n%s\nbefore\n%s\nafter\n%s", got, fresh, text, next)
			}
			if everything(inv, nil, nil) != before {
				t.Fatal("the state before has changed")
			}
			if err != nil {
				return
			}
			if want.read.simple {
				quick++
			}
			if again.src == inv.src {
				shared++
			}
			inv, text = again, next
		}
	})
	if quick == 0 || shared == 0 {
		t.Errorf("%d times read in parts, %d times shared", quick, shared)
	}
	t.Logf("%d times read in parts, %d times shared", quick, shared)
}

// TestReloadReadsParts: a changed line in a cluster is parsed alone with the line before it.
func TestReloadReadsParts(t *testing.T) {
	inv, _, err := load(edited)
	if err != nil {
		t.Fatal(err)
	}
	for from, want := range map[string]int{"pg_seq: 1 }": 2, "pg_seq: 2": 1, "pg_role: replica": 2, "- name: c": 2, "pg_cluster: pg-a": 2, "admin_ip: 10.0.0.1": 2} {
		r := &reader{loader: newLoader(nil, file, Options{}), src: &source{name: file}, old: *inv.read}
		r.text = []byte(strings.Replace(edited, from, from[:len(from)-1]+"7", 1))
		r.compare()
		if !r.find(r.old.root, 1, lastLine(r.old.text)+1) || r.to-r.from > want {
			t.Errorf("%s: %d entries are read again, want %d: lines %d to %d", from, r.to-r.from, want, r.first, r.last)
		}
	}
}

// TestReloadShares: what only gives a variable another value leaves everything else in its place, and
// is what it would be if it were loaded afresh.
func TestReloadShares(t *testing.T) {
	for _, edit := range []struct {
		from, to string
		shares   bool
	}{
		{"pg_seq: 1 }", "pg_seq: 7 }", true},               // in flow style, of a host
		{"pg_seq: 1 }", "pg_seq: 7, b: 1 }", true},         // one more
		{"pg_seq: 2", "pg_seq: [ 2,\t3 ]", true},           // in lines of its own
		{"pg_role: replica", "nodename: x", true},          // another variable
		{"admin_ip: 10.0.0.1", "admin_ip: 10.0.0.2", true}, // of all
		{"- name: c", "- name: d", true},                   // inside a value
		{"secret_password: { a: [x] }", "secret_password: { a: [y] }", true},
		{"      two", "      three", true},
		{"{ infra_seq: 1 }", "{ infra_seq: 2 }", false},               // the group itself is in flow style
		{"10.0.0.2: { pg_seq: 1 }", "10.0.0.7: { pg_seq: 1 }", false}, // another host
		{"10.0.0.2: { pg_seq: 1 }", "10.0.0.2:", false},               // a block that is gone
		{"pg_cluster: pg-a", "pg_cluster: pg-a\n        x: 1", false}, // a line more
		{"pg_cluster: pg-a", "ansible_group_priority: 3", false},      // which wins
		{"pg_cluster: pg-a", "version: v3.0.0", false},                // how it is to be read
		{"pg_cluster: pg-a", "pg_fs_bkup: /data", false},              // an older name
		{"pg_cluster: pg-a", "pg_cluster: \"{{ admin_ip }}\"", false}, // asks
		{"pg_cluster: pg-a", "pg_password: env:NAME", false},          // asks elsewhere
		{"pg_cluster: pg-a", "pg_cluster: [", false},                  // wrong
		{"    pg-b:\n      hosts:", "    pg-b:\n      vars:", false},  // another section
	} {
		next := strings.Replace(edited, edit.from, edit.to, 1)
		inv, _, err := load(edited)
		if err != nil || next == edited {
			t.Fatal(err, edit.from)
		}
		before := everything(inv, nil, nil)
		fsys := fstest.MapFS{file: {Data: []byte(next)}}
		fresh := everything(Load(fsys, file))
		again, problems, err := Reload(inv, fsys, file, Options{})
		if got := everything(again, problems, err); got != fresh {
			t.Errorf("%s: reloaded it is\n%s\nloaded it is\n%s", edit.to, got, fresh)
		}
		if shares := again != nil && again.src == inv.src; shares != edit.shares {
			t.Errorf("%s: shared: %v", edit.to, shares)
		}
		if everything(inv, nil, nil) != before {
			t.Errorf("%s: the state before has changed", edit.to)
		}
	}
}

func BenchmarkReload5000(b *testing.B) {
	text := fleet(5000)
	files := [2]fs.FS{
		fstest.MapFS{file: {Data: []byte(text)}},
		fstest.MapFS{file: {Data: []byte(strings.Replace(text, "pg_seq: 3, pg_role: replica, nodename: n2503", "pg_seq: 7, pg_role: replica, nodename: n2503", 1))}},
	}
	inv, _, err := Load(files[0], file)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	before := cpuTime()
	for i := 1; b.Loop(); i++ {
		inv, _, err = Reload(inv, files[i%2], file, Options{})
		if err != nil || !inv.steady || inv.Host("10.0.9.199") == nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((cpuTime()-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
}

// cpuTime is what this process has used of the processors, which tells more than a clock on a
// machine that has other work.
func cpuTime() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// TestReloadAsksAgain: what an expression or a reference takes from elsewhere is what it is now.
func TestReloadAsksAgain(t *testing.T) {
	text := "all:\n  vars:\n    a: \"{{ lookup('env', 'A') }}\"\n    b: env:A\n  hosts: { 10.0.0.1: {} }\n"
	fsys := fstest.MapFS{file: {Data: []byte(text)}}
	said := "one"
	options := Options{Env: func(string) (string, bool) { return said, true }}
	read := func(inv *Inventory) [2]string {
		var v struct {
			A string `var:"a"`
			B Secret `var:"b"`
		}
		if b := Bind(inv.Hosts()[0], &v); len(b.Problems) > 0 {
			t.Fatal(b.Problems)
		}
		return [2]string{v.A, v.B.Reveal()}
	}
	inv, _, err := LoadWith(fsys, file, options)
	if err != nil || read(inv) != [2]string{"one", "one"} {
		t.Fatal(err, read(inv))
	}
	said = "two"
	if inv, _, err = Reload(inv, fsys, file, options); err != nil || read(inv) != [2]string{"two", "two"} {
		t.Fatal(err, read(inv))
	}
}

// A daemon reloads an inventory for years: of the earlier states nothing stays but what the newest shares.
func TestReloadForgets(t *testing.T) {
	for name, line := range map[string]string{"plain": "one", "an expression": "'{{ admin_ip }}'"} {
		t.Run(name, func(t *testing.T) {
			var inv *Inventory
			var earlier []weak.Pointer[Inventory]
			for i := range 20 {
				fsys := fstest.MapFS{"pigsty.yml": {Data: fmt.Appendf(nil, "all:\n  vars:\n    admin_ip: 10.0.0.1\n    text: %s\n    other: %s\n  hosts: { 10.0.0.1: { seq: %d } }\n", line, strings.Repeat("x", i%3), i%2)}}
				var err error
				if inv, _, err = Reload(inv, fsys, "pigsty.yml", Options{}); err != nil {
					t.Fatal(err)
				}
				earlier = append(earlier, weak.Make(inv))
			}
			runtime.GC()
			alive := 0
			for _, w := range earlier {
				if w.Value() != nil {
					alive++
				}
			}
			if alive > 5 {
				t.Errorf("%d of %d inventories are still there", alive, len(earlier))
			}
			runtime.KeepAlive(inv)
		})
	}
}
