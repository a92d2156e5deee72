package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func configOf(t *testing.T, text string) (*config, string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pigsync.yml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := readConfig(file)
	return c, filepath.Dir(file), err
}

func TestConfig(t *testing.T) {
	c, dir, err := configOf(t, `
state: state
ssh: { keys: [ id, /etc/id ], agent: true }
inventories:
  - name: prod
    git: { url: https://git.example.org/prod.git, ref: main, interval: 30s, password_file: token }
    heal: false
    report_only: [ 'etcd/*' ]
    approve: [ restart, data-loss ]
  - name: dev
    dir: inventory
    interval: 10s
    file: dev.yml
`)
	if err != nil {
		t.Fatal(err)
	}
	prod, dev := c.Inventories[0], c.Inventories[1]
	for what, ok := range map[string]bool{
		"paths":     c.State == dir+"/state" && c.SSH.Keys[0] == dir+"/id" && c.SSH.Keys[1] == "/etc/id" && dev.Dir == dir+"/inventory" && prod.Git.PasswordFile == dir+"/token",
		"defaults":  c.Listen == defaultListen && c.CA == dir+"/state/ca" && c.SSH.KnownHosts[0] == dir+"/state/known_hosts" && prod.File == "pigsty.yml",
		"durations": prod.Git.Interval == 30*time.Second && dev.Interval == 10*time.Second && prod.Interval == 0,
		"pointers":  prod.Heal != nil && !*prod.Heal && dev.Heal == nil && dev.Git == nil,
		"lists":     len(prod.Approve) == 2 && len(prod.ReportOnly) == 1 && dev.Approve == nil,
		"scalars":   c.SSH.Agent && prod.Git.Ref == "main" && dev.File == "dev.yml",
	} {
		if !ok {
			t.Errorf("%s: %+v", what, c)
		}
	}
}

// An empty list is a wish of its own: no hazard needs approval.
func TestConfigTellsNoneFromDefault(t *testing.T) {
	c, _, err := configOf(t, "inventories:\n  - { name: a, dir: /x, approve: [] }\n  - { name: b, dir: /x, approve: }\n")
	if err != nil {
		t.Fatal(err)
	}
	if a, b := c.Inventories[0].Approve, c.Inventories[1].Approve; a == nil || b != nil {
		t.Errorf("got %#v and %#v", a, b)
	}
}

func TestBadConfig(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"empty":        {"", "1:1: inventories: want at least one"},
		"no mapping":   {"[ a ]", "1:1: want a mapping, got a list"},
		"syntax":       {"state: /x\ninventories: [\n", "2:1: not YAML: did not find expected node content"},
		"all at once":  {"listen: 9099\nstat: /x\ninventories:\n  - dir: /a\n    git: { url: '' }\n    interval: soon\n    approve: [ reboot ]\n  - name: B\n  - name: c\n    dir: [ x ]\n  - { name: c, dir: /x, report_only: [ '[' ] }\n", "1:9: listen: want host:port such as 127.0.0.1:9099\n2:1: stat: unknown key: did you mean \"state\"?\n4:5: inventories[0].name: is required\n4:5: inventories[0]: want git or dir, got both\n5:17: inventories[0].git.url: is required\n6:15: inventories[0].interval: want a time such as 30s or 5m\n7:16: inventories[0].approve[0]: unknown hazard \"reboot\": want one of reload, restart, failover, topology, data-loss, lockout\n8:5: inventories[1]: want git or dir, got neither\n8:11: inventories[1].name: want lower-case letters, digits, _ and -, got \"B\"\n10:10: inventories[2].dir: want a text, got a list\n11:13: inventories[3].name: c is the name of inventories[2] already\n11:40: inventories[3].report_only[0]: want a pattern of owners such as etcd/*, got \"[\""},
		"unknown":      {"ssh: { password: SECRET }\ninventories: [ { name: a, dir: /x } ]\n", "1:8: ssh.password: unknown key: want one of agent, keys, known_hosts, user"},
		"twice":        {"inventories: [ { name: a, dir: /x, name: b } ]\n", "1:36: inventories[0].name: is given twice"},
		"types":        {"ssh: x\ninventories: [ { name: a, dir: /x, heal: maybe, interval: -1s, git: { url: [ 'https://me:SECRET@x/y' ] } } ]\n", "1:6: ssh: want a mapping, got a single value\n2:16: inventories[0]: want git or dir, got both\n2:42: inventories[0].heal: want true or false\n2:59: inventories[0].interval: want a time such as 30s or 5m\n2:76: inventories[0].git.url: want a text, got a list"},
		"alias to all": {"inventories: &a\n  - *a\n", "1:14: inventories[0]: want a mapping, got a list"},
	} {
		t.Run(name, func(t *testing.T) {
			_, dir, err := configOf(t, tt.text)
			if err == nil {
				t.Fatal("is taken")
			}
			got := strings.ReplaceAll(err.Error(), dir+"/pigsync.yml:", "")
			if strings.Contains(got, "SECRET") {
				t.Errorf("a value is told: %s", got)
			}
			if got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// A reader of configurations neither panics nor hangs, whatever the file.
func FuzzConfig(f *testing.F) {
	f.Add("inventories: [ { name: a, dir: /x } ]")
	f.Add("a: &a [ *a ]")
	f.Add("inventories: { ? [ x ] : y }")
	f.Fuzz(func(t *testing.T, text string) {
		c := &config{}
		d := newDecoder("f")
		d.decode([]byte(text), c)
		c.check(d)
		if len(d.problems) == 0 != (d.err() == nil) {
			t.Error("problems without an error")
		}
		for _, p := range d.problems {
			if !p.pos.IsValid() {
				t.Errorf("%s has no place", p.msg)
			}
		}
	})
}
