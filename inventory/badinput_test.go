package inventory

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"testing/fstest"
)

// TestBadInput gives what nobody should write, in the inventory and in a file beside it. Each is
// said with its place; what it costs is bounded by the limits in load.go.
func TestBadInput(t *testing.T) {
	huge := "all:\n  vars:\n    a: \"" + strings.Repeat("x", 50<<20) + "\"\n"
	cases := []struct{ name, text, code, want string }{
		{"50 MB", huge, CodeTooLarge, "1:1: larger than 4 MiB"},
		{"binary", "\x7fELF\x02\x01\x01\x00", CodeText, "1:1: control character U+007F"},
		{"not UTF-8", "a: \xe9\n", CodeText, "1:4: not UTF-8"},
		{"UTF-16", "\xff\xfea\x00", CodeText, "1:1: not UTF-8"},
		{"tab", "a:\n\tb: 1\n", CodeSyntax, "2:2: not YAML: found character that cannot start any token: a tab: want spaces before what stands in a line"},
		{"100 levels", "a: " + strings.Repeat("[", 100) + strings.Repeat("]", 100), CodeLimit, "1:67: nested deeper than 64 levels"},
		{"100 levels of blocks", blocks(100), CodeLimit, "64:64: nested deeper than 64 levels"},
		{"alias bomb", aliasBomb(), CodeLimit, "7:22: more than 500000 values with aliases expanded"},
		{"alias in itself", "a: &a [*a]\n", CodeLimit, "1:8: this alias stands inside what it names"},
		{"two documents", "a: 1\n---\nb: 2\n", CodeManyDocs, "3:1: a second YAML document: an inventory is only one"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := load(c.text)
			if got := codeAndPlace(err); got != c.code+" pigsty.yml:"+c.want {
				t.Errorf("inventory: got %s, want %s %s", got, c.code, c.want)
			}
			_, problems, err := Load(fstest.MapFS{
				file: {Data: []byte("all: { hosts: { 10.0.0.1: } }\n")}, "group_vars/all.yml": {Data: []byte(c.text)},
			}, file)
			if err != nil || len(problems) != 1 || codeAndPlace(problems[0]) != c.code+" group_vars/all.yml:"+c.want {
				t.Errorf("group_vars: got %v and %v, want %s %s", err, problems, c.code, c.want)
			}
		})
	}
}

func codeAndPlace(err error) string {
	var p Problem
	if !errors.As(err, &p) {
		return fmt.Sprint(err)
	}
	return p.Code + " " + p.Error()
}

func blocks(depth int) string {
	var b strings.Builder
	for i := range depth {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

// TestOddInput is odd, and still means something.
func TestOddInput(t *testing.T) {
	inv, problems, err := load("\ufeffall:\r\n  hosts: {10.0.0.1: {nan: .nan, date: 2024-01-02, time: 2024-01-02 3:04:05, big: " +
		strings.Repeat("9", 400) + "}}\r\n")
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	h := inv.Host("10.0.0.1")
	nines, _ := new(big.Int).SetString(strings.Repeat("9", 400), 10)
	for name, want := range map[string]string{
		"nan": "nan", "date": "2024-01-02", "time": "2024-01-02 03:04:05", "big": nines.String(),
	} {
		if v, _ := h.Lookup(name); v.String() != want {
			t.Errorf("%s: got %q, want %q", name, v.String(), want)
		}
	}
	if v, _ := h.Lookup("nan"); v.Pos.Line != 2 {
		t.Errorf("lines that end with CR LF are counted wrongly: %s", v.Pos)
	}
}

// TestManyFilesAreBounded: many files, each within the limit, are refused together.
func TestManyFilesAreBounded(t *testing.T) {
	fsys := fstest.MapFS{file: {Data: []byte("all: { hosts: { 10.0.0.1: } }\n")}}
	for i := range 5 {
		fsys[fmt.Sprintf("group_vars/all/%d.yml", i)] = &fstest.MapFile{Data: []byte("#" + strings.Repeat("x", maxBytes-2) + "\n")}
	}
	_, problems, err := Load(fsys, file)
	if err != nil || len(problems) != 2 || problems[0].Error() != "group_vars/all/3.yml:1:1: with this file the inventory is larger than 16 MiB" {
		t.Error(err, problems)
	}
}

// FuzzFiles looks for panics and for problems outside of the files, with variables beside the
// inventory, and for a reload that differs from loading.
func FuzzFiles(f *testing.F) {
	f.Add(edited, "a: 1\n", "b: {c: 010}\n", "        10.0.0.3: {pg_seq: 5}\n", 400)
	f.Add("all: {hosts: {'10.0.0.[1:3]:22': }}", "[]", `{"a": 1e3, "b": "\/\ud83d\ude00"}`, "x", 3)
	f.Add("all:\n  hosts:\n    10.0.0.1:\n", "- a", "\xff", "\n---\n", 7)
	f.Add("a:\n  children:\n    ungrouped:\n", "a: !unsafe {b: {c: d}}", "d: 2024-02-30\ne: =\n", "", 5)
	f.Fuzz(func(t *testing.T, text, group, host, insert string, at int) {
		at = min(max(at, 0), len(text))
		tree := func(text string) fstest.MapFS {
			return fstest.MapFS{
				file: {Data: []byte(text)}, "group_vars/all.yml": {Data: []byte(group)}, "host_vars/10.0.0.1": {Data: []byte(host)},
			}
		}
		inv, problems, err := Load(tree(text), file)
		if err != nil {
			return
		}
		for _, p := range append(problems, bindAll(inv)...) {
			src := inv.src.files[p.Pos.Filename]
			if src == nil && p.Code == CodeVarsFile {
				continue
			}
			if src == nil || p.Pos.Line < 1 || p.Pos.Column < 1 || src.end[0] > 0 && p.Pos.Line > src.end[0] {
				t.Errorf("outside of the files: %s", p)
			}
		}
		next := tree(text[:at] + insert + text[at:])
		fresh, problems, err := Load(next, file)
		want := everything(fresh, problems, err)
		again, problems, err := Reload(inv, next, file, Options{})
		if got := everything(again, problems, err); got != want {
			t.Errorf("reloaded\n%s\nloaded\n%s", got, want)
		}
	})
}
