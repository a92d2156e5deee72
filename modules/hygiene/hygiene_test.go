package hygiene

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/manual"
)

type etcdVars struct {
	Password inventory.Secret `var:"etcd_root_password" default:"Etcd.Root"`
}

type pgVars struct {
	Admin    string                      `var:"pg_admin_username" default:"dbuser_dba"`
	Password inventory.Secret            `var:"pg_admin_password" default:"DBUser.DBA"`
	Users    []user                      `var:"pg_users"`
	Web      map[string]inventory.Secret `var:"nginx_users"`
	Proxy    map[string]inventory.Secret `var:"proxy_env"`
	Grafana  inventory.Secret            `var:"grafana_pgurl"`
}

type user struct {
	Name     string           `var:"name"`
	Password inventory.Secret `var:"password"`
}

func found(t *testing.T, text string) []string {
	t.Helper()
	inv, problems, err := inventory.Load(fstest.MapFS{"p.yml": {Data: []byte(text)}}, "p.yml")
	if err != nil || inventory.HasErrors(problems) {
		t.Fatal(err, problems)
	}
	m := manual.New([]*modules.Module{{Name: "etcd", Vars: etcdVars{}}, {Name: "pgsql", Vars: pgVars{}}})
	var lines []string
	for _, p := range Check(inv, m) {
		if p.Severity != inventory.Warning {
			t.Errorf("%v is no warning", p)
		}
		name, _, _ := strings.Cut(p.Msg, ":")
		lines = append(lines, fmt.Sprintf("%d %s %s", p.Pos.Line, p.Code, name))
	}
	return lines
}

const quiet = "    haproxy_admin_password: '{{ x }}'\n"

func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"a default that is written": {"    etcd_root_password: Etcd.Root\n", []string{"3 HYG001 etcd_root_password"}},
		"the default of another":    {"    etcd_root_password: DBUser.DBA\n", []string{"3 HYG001 etcd_root_password"}},
		"like the samples":          {"    pg_users: [ { name: a, password: DBUser.Other } ]\n", []string{"3 HYG001 pg_users[0].password"}},
		"short":                     {"    etcd_root_password: abc\n", []string{"3 HYG002 etcd_root_password", "3 HYG004 etcd_root_password"}},
		"a number":                  {"    etcd_root_password: 123\n", []string{"3 HYG002 etcd_root_password", "3 HYG004 etcd_root_password"}},
		"common":                    {"    etcd_root_password: Passw0rd\n", []string{"3 HYG002 etcd_root_password", "3 HYG004 etcd_root_password"}},
		"the user's name":           {"    pg_users: [ { name: reporting, password: Reporting } ]\n", []string{"3 HYG002 pg_users[0].password", "3 HYG004 pg_users[0].password"}},
		"the user of a map":         {"    nginx_users: { operator: operator }\n", []string{"3 HYG002 nginx_users.operator", "3 HYG004 nginx_users.operator"}},
		"the user beside it":        {"    pg_admin_username: the_admin\n    pg_admin_password: the_admin\n", []string{"4 HYG002 pg_admin_password", "4 HYG004 pg_admin_password"}},
		"twice":                     {"    etcd_root_password: kT5-qa9-Wm2\n    patroni_password: kT5-qa9-Wm2\n", []string{"3 HYG004 etcd_root_password", "4 HYG003 patroni_password", "4 HYG004 patroni_password"}},
		"twice for one user":        {"    pg_admin_username: me\n    pg_admin_password: kT5-qa9-Wm2\n    pg_users: [ { name: me, password: kT5-qa9-Wm2 } ]\n", []string{"4 HYG004 pg_admin_password", "5 HYG004 pg_users[0].password"}},
		"kept elsewhere":            {"    etcd_root_password: env:ETCD_ROOT\n    patroni_password: file:/run/x\n", nil},
		"an expression":             {"    etcd_root_password: '{{ lookup(\"env\", \"X\") }}'\n", nil},
		"a verifier":                {"    pg_users: [ { name: a, password: 'SCRAM-SHA-256$4096:a$b:c' }, { name: b, password: md50123456789abcdef0123456789abcdef } ]\n", nil},
		"an address":                {"    proxy_env: { no_proxy: 'localhost,10.0.0.0/8', http_proxy: 'http://proxy:3128' }\n    grafana_pgurl: postgres://me@db:5436/grafana\n", nil},
		"a password in an address":  {"    proxy_env: { http_proxy: 'http://me:kT5-qa9-Wm2@proxy:3128' }\n    grafana_pgurl: 'host=db password=kT5-qa9-Wm2'\n", []string{"3 HYG004 proxy_env.http_proxy", "4 HYG004 grafana_pgurl"}},
		"empty":                     {"    pg_dbsu_password: ''\n    etcd_root_password:\n", nil},
		"without types":             {"    minio_users: [ { access_key: a, secret_key: S3User.Backup } ]\n    kafka_users: [ { name: k, password: kafka } ]\n", []string{"3 HYG001 minio_users[0].secret_key", "4 HYG002 kafka_users[0].password", "4 HYG004 kafka_users[0].password"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := found(t, "all:\n  vars:\n"+c.text+quiet+"  hosts: { 10.10.10.10: {}, 10.10.10.11: {} }\n")
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// A default that nobody changed counts where the module is, once for all hosts.
func TestUnset(t *testing.T) {
	got := found(t, `all:
  vars: { haproxy_admin_password: '{{ x }}' }
  hosts: { 10.10.10.9: {} }
  children:
    etcd:
      hosts: { 10.10.10.10: {}, 10.10.10.11: {}, 10.10.10.12: { etcd_root_password: '{{ y }}' } }
    minio:
      vars: { minio_cluster: minio, minio_secret_key: '{{ z }}' }
      hosts: { 10.10.10.13: {} }
`)
	if want := []string{"1 HYG001 etcd_root_password", "1 HYG001 minio_users"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	inv, _, _ := inventory.Load(fstest.MapFS{"p.yml": {Data: []byte("all:\n  hosts: { 10.10.10.9: {}, 10.10.10.8: {} }\n")}}, "p.yml")
	for _, p := range Check(inv, manual.New(nil)) {
		if !strings.HasPrefix(p.Msg, "haproxy_admin_password: is not set") || !strings.HasSuffix(p.Msg, "on 10.10.10.8 and 10.10.10.9") {
			t.Errorf("%v", p)
		}
	}
}

// Of the backup repositories only the one in use has a default that matters.
func TestRepositoryInUse(t *testing.T) {
	for method, want := range map[string]bool{"local": false, "minio": true} {
		got := strings.Join(found(t, "all:\n  vars: { pg_cluster: a, pgbackrest_method: "+method+" }\n  hosts: { 10.10.10.9: {} }\n"), "\n")
		if strings.Contains(got, "pgbackrest_repo") != want {
			t.Errorf("%s: %s", method, got)
		}
	}
}

// No message holds a secret.
func TestTellsNothing(t *testing.T) {
	const canary = "CANARY-7"
	inv, _, err := inventory.Load(fstest.MapFS{"p.yml": {Data: []byte("all:\n  hosts: { 10.10.10.9: {} }\n  vars:\n    etcd_root_password: " + canary +
		"\n    patroni_password: " + canary + "\n    pg_users: [ { name: x, password: " + canary + " } ]\n    minio_users: [ { secret_key: " + canary + " } ]\n")}}, "p.yml")
	if err != nil {
		t.Fatal(err)
	}
	problems := Check(inv, manual.New(nil))
	if len(problems) < 7 {
		t.Errorf("only %v", problems)
	}
	for _, p := range problems {
		if strings.Contains(p.Error(), "CANARY") {
			t.Error(p)
		}
	}
}
