package inventory

import (
	"fmt"
	"strings"
	"testing"
)

func TestSecretName(t *testing.T) {
	for name, want := range map[string]bool{
		"password": true, "pg_admin_password": true, "secret_key": true, "minio_secret_key": true, "s3_key": true,
		"s3_key_secret": true, "cipher_pass": true, "vip_auth_pass": true, "ansible_ssh_pass": true, "token": true, "pg_exporter_url": true, "grafana_pgurl": true, "https_proxy": true, "no_proxy": false,
		"pg_pwd_enc": false, "compass": false, "ca_key": false, "ansible_ssh_private_key_file": false,
		"minio_access_key": false, "pg_tokens": false, "": false,
	} {
		if SecretName(name) != want {
			t.Errorf("%q: want %t", name, want)
		}
	}
	for _, p := range Parameters() {
		if p.Type == "password" && !SecretName(p.Name) {
			t.Errorf("%s is a password of the table, and not called one", p.Name)
		}
	}
}

// spoiled are values that are wrong for a password in every way the file can be wrong.
var spoiled = []string{
	"[ hunter2 ]", "{ hunter2: 1 }", "{ hunter2: 1, hunter2: 2 }", "!hunter2 x", "!hunter2", "!!int hunter2", "!hunter2 [ x ]",
	"{ !hunter2 x: 1 }", "{ ? [ hunter2 ] : 1 }", "{ <<: hunter2 }", "*hunter2", "&hunter2 [ *hunter2 ]", "'hunter2", "{ hunter2", "@hunter2", "%hunter2", "`hunter2",
	"\"hunter2\\q\"", "hunter2: x", "'{{ hunter2 }}'", "'{{ hunter2'", "{{ hunter2 }}", "!vault hunter2", "'{% hunter2 %}'", "{ hunter2: { hunter2: [ hunter2 ] } }",
}

// TestNoSecretParameterIsQuoted spoils every parameter of the table that is a password.
func TestNoSecretParameterIsQuoted(t *testing.T) {
	names := []string{"pg_users", "pgbackrest_repo"} // objects that hold secrets
	for _, p := range Parameters() {
		if p.Secret() {
			names = append(names, p.Name)
		}
	}
	for _, name := range names {
		for _, value := range spoiled {
			line := name + ": " + value
			if name == "pg_users" {
				line = "pg_users: [ { name: a, password: " + value + " } ]"
			}
			if name == "pgbackrest_repo" {
				line = "pgbackrest_repo: { minio: { s3_key_secret: " + value + ", cipher_pass: " + value + " } }"
			}
			if text := saidOf("all: { hosts: { 10.0.0.1: { " + line + " } } }\n"); leaks(text) {
				t.Errorf("%s: %s", line, text)
			}
			if text := saidOf("all:\n  hosts: { 10.0.0.1: }\n  vars:\n    " + line + "\n"); leaks(text) {
				t.Errorf("%s: %s", line, text)
			}
		}
	}
}

var known = NewKnown()

// saidOf is everything that is said of an inventory.
func saidOf(text string) string {
	inv, problems, err := load(text)
	if err != nil {
		return err.Error()
	}
	problems = append(problems, known.Check(inv)...)
	problems = append(problems, bindAll(inv)...)
	for _, h := range inv.Hosts() {
		for _, name := range h.Names() {
			v, _ := h.Lookup(name)
			for _, err := range mistaken(v) {
				problems = append(problems, Problem{Msg: fmt.Sprint(err)})
			}
		}
	}
	return fmt.Sprint(problems)
}

// mistaken takes a value for everything it may not be, and what is in it too.
func mistaken(v Value) (errs []error) {
	_, err := v.Int()
	errs = append(errs, err)
	_, err = v.Bool()
	errs = append(errs, err)
	_, err = v.Float()
	errs = append(errs, err)
	_, err = v.Text()
	errs = append(errs, err)
	items, err := v.List()
	errs = append(errs, err)
	entries, err := v.Map()
	errs = append(errs, err)
	for _, e := range entries {
		errs = append(errs, mistaken(e.Key)...)
		items = append(items, e.Value)
	}
	for _, item := range items {
		errs = append(errs, mistaken(item)...)
	}
	return errs
}

// TestFieldsOfSecretsAreNotQuoted binds what no name tells to be a secret.
func TestFieldsOfSecretsAreNotQuoted(t *testing.T) {
	for _, value := range []string{"hunter2", "[ hunter2 ]", "5", "on", "{ a: [ hunter2 ] }"} {
		inv, _, err := load("all: { hosts: { 10.0.0.1: { web: " + value + ", list: " + value + ", one: " + value + " } } }\n")
		if err != nil {
			t.Fatal(err)
		}
		var v struct {
			Web  map[string]Secret `var:"web"`
			List []Secret          `var:"list" pattern:"[A-Z]+"`
			One  *Secret           `var:"one" pattern:"[A-Z]+"`
		}
		b := Bind(inv.Hosts()[0], &v)
		if b.OK() {
			t.Errorf("%s: accepted", value)
		}
		if text := fmt.Sprint(b.Problems); leaks(text) || strings.Contains(text, "5") && strings.Contains(value, "5") && strings.Contains(text, "got 5") {
			t.Errorf("%s: %s", value, text)
		}
	}
}
