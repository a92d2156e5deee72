package inventory

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"github.com/pigsync/pigsync/inventory/sops/keyring"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
)

// lockedVault is a vault value that no password in the world opens.
var lockedVault = func() string {
	line := func(n int) string { return hex.EncodeToString([]byte(hex.EncodeToString(make([]byte, n)))) }
	return `!vault "$ANSIBLE_VAULT;1.1;AES256\n` + line(32) + "0a" + line(32) + "0a" + line(16) + `"`
}()

// The passwords of vault/testdata.
const (
	horse = "correct horse battery"
	odd   = "pä ss;word{{ x }}"
)

func sample(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// vaultValue writes a file of vault/testdata as a value, indented by eight.
func vaultValue(t testing.TB, name string) string {
	t.Helper()
	text := strings.TrimSpace(sample(t, "vault/testdata/"+name))
	return "!vault |\n        " + strings.ReplaceAll(text, "\n", "\n        ") + "\n"
}

func withVaults(ids ...string) *Keys {
	k := &Keys{}
	for _, id := range ids {
		id, password, _ := strings.Cut(id, "=")
		k.AddVault(id, NewSecret(password))
	}
	return k
}

type files map[string]string

func (f files) load(o Options) (*Inventory, []Problem, error) {
	fsys := fstest.MapFS{}
	for name, text := range f {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return LoadWith(fsys, file, o)
}

// said is everything said of what was loaded, and of what is bound of it.
func said(inv *Inventory, problems []Problem, err error, into ...any) string {
	if err != nil {
		return err.Error()
	}
	for _, v := range into {
		problems = append(problems, Bind(inv.Hosts()[0], v).Problems...)
	}
	var lines []string
	for _, p := range Sort(problems) {
		lines = append(lines, p.Code+" "+strings.TrimPrefix(p.String(), file+":"))
	}
	return strings.Join(lines, "\n")
}

type secretVars struct {
	PW   Secret `var:"pw" required:"true" pattern:"[a-z0-9]+"`
	Port int    `var:"port" kind:"port" default:"1"`
}

func TestVaultValues(t *testing.T) {
	text := "all:\n  hosts: {10.0.0.1: }\n  vars:\n    port: 5\n    pw: " + vaultValue(t, "value12.vault")
	for _, c := range []struct {
		name string
		o    Options
		want string
	}{
		{"right", Options{Keys: withVaults("dev="+horse, "prod="+odd)}, ""},
		{"right under another id", Options{Keys: withVaults("=" + odd)}, ""},
		{"wrong", Options{Keys: withVaults("prod=" + horse)}, "INV031 5:9: pw: want text matching [a-z0-9]+, but no vault password that was given opens it: want the one of vault id prod"},
		{"none", Options{}, "INV031 5:9: pw: want text matching [a-z0-9]+, but it is encrypted, and no vault password was given: want the one of vault id prod"},
		{"none is expected", Options{Keyless: true}, "INV031 5:9: warning: pw: it is encrypted, and no vault password was given: want the one of vault id prod"},
	} {
		inv, problems, err := files{file: text}.load(c.o)
		var v secretVars
		if got := said(inv, problems, err, &v); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
		open := c.o.Keys != nil && c.want == ""
		if open != (v.PW.Reveal() == "hunter2") || leaks(fmt.Sprint(inv.Hosts()[0].Lookup("pw"))) {
			t.Errorf("%s: %q", c.name, v.PW.Reveal())
		}
	}
}

// What was encrypted is never quoted, also where another type is wanted.
func TestVaultValuesAreNotQuoted(t *testing.T) {
	text := "all:\n  hosts: {10.0.0.1: }\n  vars:\n    pw: x\n    port: " + vaultValue(t, "value11.vault")
	inv, problems, err := files{file: text}.load(Options{Keys: withVaults("=" + horse)})
	var v secretVars
	want := "INV040 5:11: port: want a port number (1..65535), got <secret>"
	if got := said(inv, problems, err, &v); got != want {
		t.Errorf("got %s", got)
	}
	raw, _ := inv.Hosts()[0].Lookup("port")
	if raw.String() != "hunter2" || raw.Unevaluated() {
		t.Error("the value itself is not there")
	}
	if got := fmt.Sprintf("%v %+v %#v", raw, inv.Hosts()[0], Explain(inv.Hosts()[0], "port")); leaks(got) {
		t.Error(got)
	}
	var out bytes.Buffer
	if err := (Listing{}).List(&out, inv); err != nil || leaks(out.String()) || !strings.Contains(out.String(), "__ansible_vault") {
		t.Errorf("%v: %s", err, out.String())
	}
}

// A decrypted text is text: neither a number, nor an expression, nor a reference.
func TestVaultValuesAreText(t *testing.T) {
	n := &node{kind: String, text: "env:HOME", seal: &seal{}, src: &source{options: &Options{Env: func(string) (string, bool) { return "no", true }}}}
	if text, err := (Value{n: n}).secretText(); err != nil || text != "env:HOME" {
		t.Error(text, err)
	}
}

func TestVaultFiles(t *testing.T) {
	const main = "all:\n  hosts: {10.0.0.1: }\n"
	locked := sample(t, "vault/testdata/file.vault") // pg_admin_password: hunter2, pg_port: 5432
	inv, problems, err := files{file: main, "group_vars/all.yml": locked}.load(Options{Keys: withVaults("=" + horse)})
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	v, _ := inv.Hosts()[0].Lookup("pg_admin_password")
	if v.String() != "hunter2" || v.Pos.String() != "group_vars/all.yml:2:20" {
		t.Error(v)
	}
	var bad struct {
		Port int `var:"pg_port" max:"10"`
	}
	if got, want := said(inv, nil, nil, &bad), "INV041 group_vars/all.yml:3:10: pg_port: want a whole number of at most 10, got <secret>"; got != want {
		t.Errorf("got %s", got)
	}
	for _, c := range []struct {
		name  string
		files files
		o     Options
		want  string
	}{
		{"no key", files{file: main, "group_vars/all.yml": locked}, Options{}, "INV031 group_vars/all.yml:1:1: this file is not open: it is encrypted, and no vault password was given: want the one it was encrypted with"},
		{"no key expected", files{file: main, "group_vars/all.yml": locked}, Options{Keyless: true}, "INV031 group_vars/all.yml:1:1: warning: this file is not open, and what it sets is taken for not set: it is encrypted, and no vault password was given: want the one it was encrypted with"},
		{"wrong key", files{file: locked}, Options{Keys: withVaults("=x")}, "pigsty.yml:1:1: this file is not open: no vault password that was given opens it: want the one it was encrypted with"},
		{"the inventory itself", files{file: locked}, Options{Keyless: true}, "pigsty.yml:1:1: this file is not open: it is encrypted, and no vault password was given: want the one it was encrypted with"},
		{"no vault", files{file: "$ANSIBLE_VAULT;1.1;ROT13\nhunter2"}, Options{}, "pigsty.yml:1:1: unknown vault cipher: want AES256"},
		{"no inventory in it", files{file: locked}, Options{Keys: withVaults("=" + horse)}, "INV028 2:1: the inventory has no hosts\nINV020 2:1: warning: unknown top-level key pg_admin_password: want all\nINV020 3:1: warning: unknown top-level key pg_port: want all"},
	} {
		inv, problems, err := c.files.load(c.o)
		if got := said(inv, problems, err); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

// sopsKeys opens the files of sops/testdata.
func sopsKeys(t testing.TB) *Keys {
	t.Helper()
	age, ageErr := keyring.Age([]byte(sample(t, "sops/testdata/age.key")))
	pgp, pgpErr := keyring.PGP([]byte(sample(t, "sops/testdata/test.asc")), "")
	if err := errors.Join(ageErr, pgpErr); err != nil {
		t.Fatal(err)
	}
	k := &Keys{}
	k.AddAge(age)
	k.AddPGP(pgp)
	return k
}

func TestSOPSFiles(t *testing.T) {
	type vars struct {
		PW    Secret `var:"pg_admin_password" required:"true"`
		Port  int    `var:"port"`
		On    bool   `var:"on"`
		Users []struct {
			PW   Secret           `var:"password"`
			Rest map[string]Value `var:"*"`
		} `var:"users"`
	}
	const recipient = "age197lp0q7f3f0crwsfymmaaeuzzajjndq25sa09fh47s53xsxce3gs40chvx"
	for _, name := range []string{"age.yml", "regex.yml", "pgp.yml"} {
		text := sample(t, "sops/testdata/"+name)
		inv, problems, err := files{file: text}.load(Options{Keys: sopsKeys(t)})
		if err != nil || HasErrors(problems) {
			t.Fatal(name, err, problems)
		}
		var v vars
		b := Bind(inv.Hosts()[0], &v)
		if v.PW.Reveal() != "hunter2" || v.Port != 5432 || !v.On || len(v.Users) != 2 || v.Users[1].PW.Reveal() != "päss" {
			t.Errorf("%s: %+v, %v", name, v, b.Problems)
		}
		lines := strings.Split(text, "\n")
		if pos := b.Pos("pg_admin_password"); !strings.HasPrefix(lines[pos.Line-1][pos.Column-1:], "ENC[") {
			t.Errorf("%s: the password is at %s", name, pos)
		}
		var out bytes.Buffer
		if err := (Listing{}).List(&out, inv); err != nil || leaks(out.String()) || !strings.Contains(out.String(), "ENC[AES256_GCM") {
			t.Errorf("%s: %v: %s", name, err, out.String())
		}
		if strings.Contains(name, "regex") {
			continue
		}
		inv, problems, err = files{file: text}.load(Options{Keyless: true})
		var keyless vars
		b = Bind(inv.Hosts()[0], &keyless)
		if err != nil || HasErrors(problems) || len(b.Problems) > 0 || b.OK() || keyless.PW.IsZero() || keyless.Port != 0 {
			t.Errorf("%s without keys: %v, %v, %v, %+v", name, err, problems, b.Problems, keyless)
		}
		if got := said(inv, problems, err); name == "age.yml" && !strings.Contains(got, "INV034 25:1: warning: the values of this file are not open: no key at hand opens it: want the age identity of "+recipient) {
			t.Errorf("%s without keys: %s", name, got)
		}
	}
	text := sample(t, "sops/testdata/age.yml")
	inv, problems, err := files{file: text}.load(Options{})
	var v vars
	if got := said(inv, problems, err, &v); !strings.Contains(got, "pg_admin_password: want text, but no key at hand opens this SOPS file") || strings.Contains(got, "ENC[") {
		t.Errorf("without a key: %s", got)
	}
	_, _, err = files{file: strings.Replace(text, "nothing: null", "nothing: 1", 1)}.load(Options{Keys: sopsKeys(t)})
	var p Problem
	if !errors.As(err, &p) || p.Code != CodeChanged {
		t.Errorf("a changed file: %v", err)
	}
}

func TestReferences(t *testing.T) {
	o := Options{
		Env: func(name string) (string, bool) {
			text, ok := map[string]string{"PG_PW": "hunter2", "EMPTY": ""}[name]
			return text, ok
		},
		File: func(name string) ([]byte, error) {
			switch name {
			case "/run/pw", "pw":
				return []byte("hunter2\r\n"), nil
			case "/run/many":
				return []byte("a\nb\n"), nil
			case "/run/empty":
				return []byte("\n"), nil
			case "/run/bytes":
				return []byte("\xff"), nil
			case "/etc/shadow":
				return nil, os.ErrPermission
			case "/dev/sda":
				return nil, errors.New("hunter2")
			}
			return nil, os.ErrNotExist
		},
	}
	const bad = "INV036 1:35: pw: a reference to a secret that is not there: "
	for _, c := range []struct{ value, text, want string }{
		{"env:PG_PW", "hunter2", ""},
		{"'env:PG_PW'", "hunter2", ""},
		{"file:/run/pw", "hunter2", ""},
		{"file:pw", "hunter2", ""},
		{"file:/run/many", "a\nb", ""},
		{"env:PG_P", "", bad + "the variable of the environment it names is not set, or may not be read"},
		{"env:EMPTY", "", bad + "the variable of the environment it names is not set, or may not be read"},
		{"file:/run/none", "", bad + "the file it names does not exist"},
		{"file:/etc/shadow", "", bad + "the file it names may not be read"},
		{"file:/dev/sda", "", bad + "the file it names cannot be read"},
		{"file:/run/empty", "", bad + "the file it names is empty, too large, or no text in UTF-8"},
		{"file:/run/bytes", "", bad + "the file it names is empty, too large, or no text in UTF-8"},
		{"'env:'", "env:", ""},
		{"env:a-b", "env:a-b", ""},
		{"env:1A", "env:1A", ""},
		{"'xenv:PG_PW'", "xenv:PG_PW", ""},
		{"'file: x'", "file: x", ""},
		{"ENV:PG_PW", "ENV:PG_PW", ""},
		{"env:PG_PW:", "env:PG_PW:", ""},
	} {
		inv, problems, err := files{file: "all: {hosts: {10.0.0.1: {note: 1, pw: " + c.value + "}}}"}.load(o)
		want := strings.Replace(c.want, "1:35", "1:39", 1)
		var v struct {
			PW Secret `var:"pw"`
		}
		if got := said(inv, problems, err, &v); got != want || v.PW.Reveal() != c.text {
			t.Errorf("%s: %q\n got %s\nwant %s", c.value, v.PW.Reveal(), got, want)
		}
		raw, _ := inv.Hosts()[0].Lookup("pw")
		if s, err := raw.Secret(); (err == nil) != (c.want == "") || s.Reveal() != c.text {
			t.Errorf("%s: %q, %v", c.value, s.Reveal(), err)
		}
	}
}

// An ordinary parameter is no reference, and a default never is.
func TestReferencesAreForSecretsOnly(t *testing.T) {
	o := Options{Env: func(string) (string, bool) { return "hunter2", true }}
	inv, _, _ := files{file: "all: {hosts: {10.0.0.1: {note: 'env:X'}}}"}.load(o)
	var v struct {
		Note string `var:"note"`
		PW   Secret `var:"pw" default:"env:X"`
	}
	if b := Bind(inv.Hosts()[0], &v); !b.OK() || v.Note != "env:X" || v.PW.Reveal() != "env:X" {
		t.Errorf("%q, %q, %v", v.Note, v.PW.Reveal(), b.Problems)
	}
}

// Where nobody answers, a reference is a problem, or unknown where no keys are expected.
func TestReferencesWithoutAnswer(t *testing.T) {
	for _, value := range []string{"env:X", "file:/x"} {
		var v secretVars
		inv, problems, err := files{file: "all: {hosts: {10.0.0.1: {pw: '" + value + "'}}}"}.load(Options{})
		if got := said(inv, problems, err, &v); !strings.HasPrefix(got, "INV036 1:30: pw: a reference to a secret that is not there: no ") {
			t.Errorf("%s: %s", value, got)
		}
		inv, problems, err = files{file: "all: {hosts: {10.0.0.1: {pw: '" + value + "'}}}"}.load(Options{Keyless: true})
		if got := said(inv, problems, err, &v); got != "" || v.PW.IsZero() {
			t.Errorf("%s without keys: %s", value, got)
		}
	}
}

// Keys serve many at once, and open everything once.
func TestKeysAreShared(t *testing.T) {
	k := withVaults("="+horse, "prod="+odd)
	text := "all:\n  hosts: {10.0.0.1: }\n  vars:\n    pw: " + vaultValue(t, "value12.vault") + "    two: " + vaultValue(t, "value12.vault")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			inv, problems, err := files{file: text}.load(Options{Keys: k})
			if err != nil || len(problems) > 0 {
				t.Error(err, problems)
				return
			}
			if v, _ := inv.Hosts()[0].Lookup("two"); v.String() != "hunter2" {
				t.Error(v)
			}
		})
	}
	wg.Wait()
	if len(k.opened) != 1 {
		t.Errorf("%d values were opened, want one", len(k.opened))
	}
	if got := fmt.Sprintf("%v %+v %#v", k, k, k); strings.Contains(got, "horse") || leaks(got) {
		t.Error(got)
	}
}

// A file with a value for every microsecond of an attacker's patience is not opened whole.
func TestVaultsAreBounded(t *testing.T) {
	l := newLoader(fstest.MapFS{}, file, Options{})
	l.vaults = maxVaults
	if _, err := l.openVault([]byte("$ANSIBLE_VAULT")); !errors.Is(err, errManyVaults) {
		t.Error(err)
	}
}
