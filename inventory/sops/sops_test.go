package sops

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/pigsync/pigsync/inventory/sops/keyring"
)

// The files of testdata were encrypted by the real sops from plain.yml, for age.key, other.key, the
// OpenPGP key test.asc, and locked.gpg, whose passphrase this is.
const phrase = "test phrase"

func read(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func parse(t testing.TB, text []byte) *yaml.Node {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	return doc.Content[0]
}

func keys(t testing.TB, files ...string) *Keys {
	t.Helper()
	k := &Keys{}
	for _, name := range files {
		if strings.HasSuffix(name, ".key") {
			ring, err := keyring.Age(read(t, name))
			if err != nil {
				t.Fatal(err)
			}
			k.AddAge(ring)
			continue
		}
		ring, err := keyring.PGP(read(t, name), phrase)
		if err != nil {
			t.Fatal(err)
		}
		k.AddPGP(ring)
	}
	return k
}

// content is what a tree says, without style and places.
func content(t testing.TB, n *yaml.Node) string {
	t.Helper()
	var v any
	if err := n.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%#v", v)
}

func TestOpen(t *testing.T) {
	plain := content(t, parse(t, read(t, "plain.yml")))
	for _, c := range []struct {
		file   string
		keys   []string
		opened int // values that were sealed
	}{
		{"age.yml", []string{"age.key"}, 14},
		{"age.yml", []string{"other.key", "test.asc", "age.key"}, 14},
		{"two.yml", []string{"age.key"}, 14},
		{"two.yml", []string{"other.key"}, 14},
		{"other.yml", []string{"other.key"}, 14},
		{"pgp.yml", []string{"test.asc"}, 14},
		{"pgp.yml", []string{"locked.gpg", "age.key", "test.asc"}, 14},
		{"locked.yml", []string{"locked.gpg"}, 14},
		{"regex.yml", []string{"age.key"}, 3},
		{"maconly.yml", []string{"age.key"}, 3},
		{"unregex.yml", []string{"age.key"}, 13},
		{"suffix.yml", []string{"age.key"}, 3},
		{"groups.yml", []string{"age.key", "other.key"}, 14},
		{"groups.yml", []string{"test.asc", "age.key"}, 14},
		{"groups.yml", []string{"test.asc", "age.key", "other.key"}, 14},
	} {
		root := parse(t, read(t, c.file))
		places := scalars(root)
		opened, err := Open(root, keys(t, c.keys...))
		if err != nil {
			t.Errorf("%s with %s: %v", c.file, c.keys, err)
			continue
		}
		if got := content(t, root); got != plain || len(opened) != c.opened {
			t.Errorf("%s: %d values opened\n got %s\nwant %s", c.file, len(opened), got, plain)
		}
		if Is(root) {
			t.Errorf("%s: the metadata is still there", c.file)
		}
		for _, n := range scalars(root) {
			if !slices.Contains(places, n) || Sealed(n.Value) {
				t.Errorf("%s: %d:%d: not in its place, or still sealed", c.file, n.Line, n.Column)
			}
		}
	}
}

// scalars are the values and keys of a tree.
func scalars(n *yaml.Node) (found []*yaml.Node) {
	if n.Kind == yaml.ScalarNode {
		return []*yaml.Node{n}
	}
	for _, child := range n.Content {
		found = append(found, scalars(child)...)
	}
	return found
}

// A value stays where it is in the file that was committed.
func TestPlaces(t *testing.T) {
	root := parse(t, read(t, "age.yml"))
	line := 1 + bytes.Count(read(t, "age.yml")[:bytes.Index(read(t, "age.yml"), []byte("pg_admin_password"))], []byte("\n"))
	opened, err := Open(root, keys(t, "age.key"))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range opened {
		if n.Value == "hunter2" && n.Line == line && n.Column == 28 {
			return
		}
	}
	t.Errorf("the password is not at %d:28", line)
}

func TestJSON(t *testing.T) {
	root := parse(t, read(t, "age.json"))
	if _, err := Open(root, keys(t, "age.key")); err != nil {
		t.Fatal(err)
	}
	want := parse(t, []byte(`{"all": {"vars": {"pg_admin_password": "hunter2", "port": 5432, "ratio": 0.5, "on": true, "x_unencrypted": 7}, "hosts": {"10.10.10.10": {"a": [1, "b"]}}}}`))
	if got := content(t, root); got != content(t, want) {
		t.Error(got)
	}
}

func TestWrongKey(t *testing.T) {
	const mine, other = "age197lp0q7f3f0crwsfymmaaeuzzajjndq25sa09fh47s53xsxce3gs40chvx", "age1h9rrx7wr9mazkgmmc73h0cq93qglu7lz2r4vzsyjk3aa8n089e8sfexhna"
	for _, c := range []struct {
		file string
		keys []string
		want string
	}{
		{"age.yml", nil, "no key at hand opens it: want the age identity of " + mine},
		{"age.yml", []string{"other.key", "test.asc"}, "no key at hand opens it: want the age identity of " + mine},
		{"two.yml", []string{"test.asc"}, "no key at hand opens it: want the age identity of " + other + " or the age identity of " + mine},
		{"pgp.yml", []string{"age.key", "locked.gpg"}, "no key at hand opens it: want the OpenPGP key E14CAD3F68B5ACBA81D7D0D993B7EC6044B229EE"},
		{"groups.yml", []string{"age.key"}, "no key at hand opens it: want the age identity of " + mine + " or the age identity of " + other + " or the OpenPGP key E14CAD3F68B5ACBA81D7D0D993B7EC6044B229EE, of 2 key groups"},
	} {
		root := parse(t, read(t, c.file))
		before := content(t, root)
		opened, err := Open(root, keys(t, c.keys...))
		var where *Error
		if !errors.Is(err, ErrKey) || !errors.As(err, &where) || err.Error() != c.want || opened != nil {
			t.Errorf("%s with %s: %v", c.file, c.keys, err)
		}
		if where != nil && (where.Line < 2 || where.Column != 1) {
			t.Errorf("%s: at %d:%d, not at the metadata", c.file, where.Line, where.Column)
		}
		if content(t, root) != before {
			t.Errorf("%s: the tree was changed", c.file)
		}
	}
}

// TestChanged changes files after they were encrypted. None of it goes unseen.
func TestChanged(t *testing.T) {
	lineOf := func(file, key string) string {
		text := string(read(t, file))
		at := strings.Index(text, key+": ENC")
		return text[at : at+strings.Index(text[at:], "\n")]
	}
	for _, c := range []struct {
		name, file string
		change     func(text string) string
		want       error
	}{
		{"a value outside of the rules", "regex.yml", replace("port: 5432", "port: 5433"), ErrMAC},
		{"a value that is added", "regex.yml", replace("    hosts:", "    more: 1\n    hosts:"), ErrMAC},
		{"a value that is removed", "regex.yml", replace("        port: 5432\n", ""), ErrMAC},
		{"an encrypted value replaced by a plain one", "maconly.yml", replace(lineOf("maconly.yml", "pg_admin_password"), "pg_admin_password: x"), ErrFormat},
		{"an encrypted value emptied", "maconly.yml", replace(lineOf("maconly.yml", "pg_admin_password"), "pg_admin_password: ''"), ErrMAC},
		{"a plain value added under the rules", "maconly.yml", replace("        port: 5432", "        my_password: x\n        port: 5432"), ErrFormat},
		{"an encrypted value moved", "age.yml", replace("pg_admin_password: ENC", "pg_other_password: ENC"), ErrMAC},
		{"a value turned into a comment", "age.yml", replace(lineOf("age.yml", "pg_admin_password"), strings.Replace(lineOf("age.yml", "pg_admin_password"), "type:str", "type:comment", 1)), ErrFormat},
		{"a value of another type", "age.yml", replace(lineOf("age.yml", "pg_admin_password"), strings.Replace(lineOf("age.yml", "pg_admin_password"), "type:str", "type:int", 1)), ErrFormat},
		{"the rules loosened", "regex.yml", replace("(password|secret)$", "(secret)$"), ErrMAC},
		{"the time", "age.yml", replace("lastmodified: \"2026", "lastmodified: \"2027"), ErrMAC},
		{"no time", "age.yml", replace("lastmodified: \"2026", "lastmodified: \"soon"), ErrFormat},
		{"no MAC", "age.yml", replace("    mac: ENC", "    mock: ENC"), ErrFormat},
		{"no data key", "age.yml", replace("-----BEGIN AGE", "-----BEGIN"), ErrKey},
		{"an alias", "regex.yml", replace("port: 5432", "port: &a 5432\n        other: *a"), ErrUnsupported},
		{"a list as key", "regex.yml", replace("port: 5432", "port: 5432\n        ? [1]\n        : 2"), ErrFormat},
		{"a bad rule", "regex.yml", replace("encrypted_regex: (password|secret)$", "encrypted_regex: (password"), ErrFormat},
		{"rules by comments", "comment.yml", replace("", ""), ErrUnsupported},
		{"half a group", "groups.yml", replace("shamir_threshold: 2", "shamir_threshold: 3"), ErrMAC},
	} {
		text := c.change(string(read(t, c.file)))
		if c.file != "comment.yml" && text == string(read(t, c.file)) {
			t.Fatalf("%s: nothing was changed", c.name)
		}
		root := parse(t, []byte(text))
		opened, err := Open(root, keys(t, "age.key", "other.key", "test.asc"))
		if c.name == "half a group" { // three of three are there: it opens as before
			c.want = nil
		}
		if !errors.Is(err, c.want) || c.want != nil && opened != nil {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
		if text := fmt.Sprint(err); strings.Contains(text, "hunter2") || strings.Contains(text, "ENC[AES256_GCM,data") {
			t.Errorf("%s: %s", c.name, text)
		}
	}
}

func replace(before, after string) func(string) string {
	return func(text string) string { return strings.Replace(text, before, after, 1) }
}

func TestLock(t *testing.T) {
	root := parse(t, read(t, "age.yml"))
	sealed := Lock(root)
	if len(sealed) != 14 || Is(root) {
		t.Errorf("%d sealed values, metadata %t", len(sealed), Is(root))
	}
	users := content(t, root)
	if strings.Contains(users, "type:comment") {
		t.Error("a comment is still an item of a list")
	}
}

func TestIs(t *testing.T) {
	for text, want := range map[string]bool{
		"sops: {mac: x}": true, "a: 1\nsops: {mac: x}": true, "sops: {hosts: {}}": false, "sops: x": false, "[sops]": false, "x": false, "all: {sops: {mac: x}}": false,
	} {
		if Is(parse(t, []byte(text))) != want {
			t.Errorf("%s: want %t", text, want)
		}
	}
}

func TestBadKeys(t *testing.T) {
	age := func(text string) error {
		_, err := keyring.Age([]byte(text))
		return err
	}
	pgp := func(text []byte, passphrase string) error {
		_, err := keyring.PGP(text, passphrase)
		return err
	}
	for name, err := range map[string]error{
		"no age":      age("AGE-SECRET-KEY-hunter2"),
		"empty age":   age(""),
		"no OpenPGP":  pgp([]byte("hunter2"), ""),
		"half armor":  pgp([]byte("-----BEGIN PGP PRIVATE KEY BLOCK-----\nhunter2"), ""),
		"passphrase":  pgp(read(t, "locked.gpg"), "hunter2"),
		"no phrase":   pgp(read(t, "locked.gpg"), ""),
		"empty rings": pgp(nil, ""),
	} {
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
	k := &Keys{}
	if got := fmt.Sprint(k); got != "0 age identities, 0 OpenPGP keys" {
		t.Error(got)
	}
	k = keys(t, "age.key", "locked.gpg")
	secret := strings.TrimSpace(string(read(t, "age.key")[bytes.Index(read(t, "age.key"), []byte("AGE-SECRET")):]))
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(format, k); strings.Contains(got, secret[20:40]) {
			t.Errorf("%s shows the key", format)
		}
	}
}

// The field of Shamir's parts: every element but zero has an inverse, and any two of three parts of
// a line give its value at zero.
func TestCombine(t *testing.T) {
	for a := 1; a < 256; a++ {
		if times(byte(a), inverse(byte(a))) != 1 {
			t.Fatalf("%d has no inverse", a)
		}
	}
	part := func(x byte) []byte { // of the secret {7, 200} with slopes 3 and 99
		return []byte{7 ^ times(3, x), 200 ^ times(99, x), x}
	}
	for _, parts := range [][][]byte{{part(1), part(2)}, {part(2), part(250)}, {part(3), part(1), part(9)}} {
		if got := combine(parts); !bytes.Equal(got, []byte{7, 200}) {
			t.Errorf("%v: %v", parts, got)
		}
	}
	for _, parts := range [][][]byte{{part(1), part(1)}, {part(1), {1, 2}}, {{}, {}}, {part(0), part(1)}, {{1}, {2}}} {
		if got := combine(parts); got != nil {
			t.Errorf("%v: %v", parts, got)
		}
	}
}

// TestAgainstSOPS opens what the installed sops encrypts today.
func TestAgainstSOPS(t *testing.T) {
	program, err := exec.LookPath("sops")
	if err != nil {
		t.Skip("sops is not installed: only the files it made earlier are opened")
	}
	const recipient = "age197lp0q7f3f0crwsfymmaaeuzzajjndq25sa09fh47s53xsxce3gs40chvx"
	out, err := exec.CommandContext(t.Context(), program, "--config", os.DevNull, "encrypt", "--age", recipient, "testdata/plain.yml").Output()
	if err != nil {
		t.Fatal(err)
	}
	root := parse(t, out)
	if _, err := Open(root, keys(t, "age.key")); err != nil {
		t.Fatal(err)
	}
	if got, want := content(t, root), content(t, parse(t, read(t, "plain.yml"))); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// FuzzOpen looks for panics, and for trees that are changed though they do not open.
func FuzzOpen(f *testing.F) {
	for _, name := range []string{"age.yml", "regex.yml", "maconly.yml", "groups.yml", "comment.yml", "age.json"} {
		f.Add(read(f, name))
	}
	f.Add([]byte("sops: {mac: x, lastmodified: '2026-11-21T15:29:54Z', age: [{enc: x}]}"))
	k := keys(f, "age.key", "test.asc", "other.key")
	f.Fuzz(func(t *testing.T, text []byte) {
		var doc yaml.Node
		if yaml.Unmarshal(text, &doc) != nil || len(doc.Content) == 0 || !Is(doc.Content[0]) {
			return
		}
		root := doc.Content[0]
		before := len(root.Content)
		_, err := Open(root, k)
		var where *Error
		if err != nil && (!errors.As(err, &where) || where.Line < 1 || len(root.Content) != before) {
			t.Fatal("an error without a place, or a changed tree:", err)
		}
		Lock(root)
	})
}
