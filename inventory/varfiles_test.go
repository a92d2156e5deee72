package inventory

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

// tree makes files of a text: "== name" begins each.
func tree(text string) fs.FS {
	files := fstest.MapFS{}
	for part := range strings.SplitSeq("\n"+strings.TrimPrefix(text, "\n"), "\n== ") {
		if name, content, ok := strings.Cut(part, "\n"); ok && name != "" {
			files[name] = &fstest.MapFile{Data: []byte(content + "\n")}
		}
	}
	return files
}

const layered = `
== in/pigsty.yml
all:
  vars: { a: all, b: all, c: all, d: all, e: all }
  children:
    g: { hosts: { 10.0.0.1: { d: host, e: host } }, vars: { a: g, b: g, c: g } }
== in/group_vars/all.yml
b: all file
c: all file
d: all file
== in/group_vars/g/2.yml
c: second
== in/group_vars/g/1.yaml
c: first
f: first
== in/group_vars/g/.hidden.yml
c: hidden
== in/group_vars/g/old.yml~
c: old
== in/group_vars/g/note.txt
c: note
== in/group_vars/g/sub/3.json
{"f": "below"}
== in/host_vars/10.0.0.1
e: host file
== in/host_vars/10.0.0.1.yml
e: never read
`

// TestVarFiles: files of all win over all that groups have in the inventory, files of a group
// over those of all, what is written at the host over both, and the host's file over everything.
func TestVarFiles(t *testing.T) {
	inv, problems, err := Load(tree(layered), "in/pigsty.yml")
	if err != nil || HasErrors(problems) {
		t.Fatal(err, problems)
	}
	h := inv.Host("10.0.0.1")
	for name, want := range map[string]string{
		"a": "g in/pigsty.yml:4:64 in g", "b": "all file in/group_vars/all.yml:1:4 in all",
		"c": "second in/group_vars/g/2.yml:1:4 in g", "d": "host in/pigsty.yml:4:34 in g",
		"e": "host file in/host_vars/10.0.0.1:1:4 in g", "f": "below in/group_vars/g/sub/3.json:1:7 in g",
	} {
		v, _ := h.Lookup(name)
		if got := fmt.Sprintf("%s %s in %s", v.String(), v.Pos, inv.GroupAt(v.Pos)); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
		if lines := Explain(h, name); lines[0].Value != v {
			t.Errorf("%s: Explain says %v, Lookup says %v", name, lines, v)
		}
	}
	if got := len(Explain(h, "c")); got != 5 {
		t.Errorf("%d lines set c, want 5", got)
	}
	if v, _ := inv.Group("g").Lookup("b"); v.String() != "all file" {
		t.Errorf("b of the group is %s", v.String())
	}
}

// TestVarFilesProblems: what is wrong in one file does not hide the others.
func TestVarFilesProblems(t *testing.T) {
	fsys := tree(`
== pigsty.yml
all: { hosts: { 10.0.0.1: } }
== group_vars/all/broken.yml
a: b: c
== group_vars/all/list.yml
- a
== group_vars/all/nothing.yml
# nothing
== group_vars/all/no.yml
[]
== group_vars/all/secret.yml
$ANSIBLE_VAULT;1.1;AES256
6162
== group_vars/al.yml
a: 1
== host_vars/10.0.0.1.yml
x: 1
x: 2
== host_vars/10.0.0.2
x: 1
== host_vars/README.md
what this is
`)
	_, problems, err := Load(fsys, "pigsty.yml")
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, p := range problems {
		fmt.Fprintf(&got, "%s %s [%s]\n", p.Code, p, p.Group)
	}
	const want = `INV032 group_vars/al.yml:1:1: warning: nothing reads this file: there is no group al []
INV003 group_vars/all/broken.yml:1:1: not YAML: mapping values are not allowed in this context: a text with a colon and a space in it must stand in quotes, and what belongs to a key stands deeper than it [all]
INV022 group_vars/all/list.yml:1:1: want a mapping of variables, got a list [all]
INV033 group_vars/all/secret.yml:1:1: the vault is cut off or damaged: it has no salt, HMAC and ciphertext [all]
INV010 host_vars/10.0.0.1.yml:2:1: x is given twice, first at host_vars/10.0.0.1.yml:1:1 [all]
INV032 host_vars/10.0.0.2:1:1: warning: nothing reads this file: there is no host 10.0.0.2 []
`
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}
