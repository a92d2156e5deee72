package inventory

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// codes returns the codes of problems as "line:column code", without the word on the release.
func codes(problems []Problem) string {
	var all []string
	for _, p := range problems {
		if p.Code != CodeOldRelease && p.Code != CodeDormant {
			all = append(all, fmt.Sprintf("%d:%d %s", p.Pos.Line, p.Pos.Column, p.Code))
		}
	}
	return strings.Join(all, ", ")
}

func TestOldNamesCountWhereTheyStand(t *testing.T) {
	inv, problems, err := load(`all:
  children:
    a:
      hosts:
        10.0.0.1: { pg_fs_bkup: /host }
        10.0.0.2: {}
      vars: { pg_fs_backup: /group }
  vars:
    version: v4.5.0
    pg_fs_bkup: /all
`)
	if err != nil || codes(problems) != "5:21 INV061, 10:5 INV061" {
		t.Fatal(err, problems)
	}
	for addr, want := range map[string]string{"10.0.0.1": "/host", "10.0.0.2": "/group"} {
		if v, _ := inv.Host(addr).Lookup("pg_fs_backup"); v.String() != want {
			t.Errorf("%s: got %s, want %s", addr, v.String(), want)
		}
		if _, ok := inv.Host(addr).Lookup("pg_fs_bkup"); ok {
			t.Errorf("%s: the old name is still there", addr)
		}
	}
	v, _ := inv.Host("10.0.0.1").Lookup("pg_fs_backup")
	if got := v.KeyPos().String() + " " + v.Pos.String(); got != "pigsty.yml:5:21 pigsty.yml:5:33" {
		t.Errorf("the old line is not shown: %s", got)
	}
}

func TestOldValues(t *testing.T) {
	tests := []struct{ vars, name, want, codes string }{
		{"node_disable_firewall: yes", "node_firewall_mode", "off", "INV061"},
		{"node_disable_firewall: no", "node_firewall_mode", "none", "INV061"},
		{"node_disable_selinux: no", "node_selinux_mode", "<nil>", "INV064"},
		{"node_disable_selinux: '{{ x }}'", "node_selinux_mode", "<nil>", "INV064"},
		{"pg_rto: 30", "pg_rto", "norm", "INV065"},
		{"pg_rto: 45", "pg_rto", "norm", "INV073"},
		{"pg_rto: fast", "pg_rto", "fast", ""},
		{"ca_method: copy", "ca_create", "false", "INV061"},
		{"ca_method: recreate", "ca_create", "<nil>", "INV064"},
		{"ca_subject: /CN=x", "ca_cn", "x", "INV061"},
		{"ca_subject: /CN=x/O=y", "ca_cn", "<nil>", "INV064"},
		{"pg_exists_action: skip", "pg_safeguard", "true", "INV061"},
		{"pg_exists_action: clean, pg_disable_purge: true", "pg_safeguard", "true", "INV061 INV061"},
		{"redis_clean: true, redis_rmdata: true", "redis_rm_data", "true", "INV061 INV061"},
		{"redis_clean: true, redis_rmdata: false", "redis_rm_data", "false", "INV062"},
		{"redis_clean: true, redis_rm_data: false", "redis_rm_data", "false", "INV062"},
		{"repo_address: a, repo_port: 81", "repo_endpoint", "http://a:81", "INV061"},
		{"repo_address: 'https://a/b'", "repo_endpoint", "https://a/b", "INV061"},
		{"vip_mode: l2, vip_address: 10.0.0.9, vip_cidrmask: 8", "pg_vip_address", "10.0.0.9/8", "INV061 INV074 INV061"},
		{"vip_mode: none, vip_address: 10.0.0.9", "pg_vip_address", "10.0.0.9/24", "INV061 INV061"},
		{"vip_mode: l4, vip_interface: eth1", "pg_vip_interface", "eth1", "INV064 INV061"},
		{"version: v4.0.0, vip_mode: l2, vip_address: 10.0.0.9", "vip_address", "10.0.0.9", "INV078"},
		{"node_packages: [a], node_extra_packages: [b]", "node_packages", "[b]", "INV061 INV061"},
		{"node_packages: [a], node_extra_packages: [b]", "node_default_packages", "[a]", "INV061 INV061"},
		{"node_packages: [a]", "node_packages", "[a]", ""},
		{"pg_hba_rules: [{rules: [x]}], pg_hba_rules_extra: [{rules: [y]}]", "pg_default_hba_rules", "[map[rules:[x]]]", "INV077 INV061"},
		{"pg_services: [{name: a, src_port: 1, check_method: http, haproxy: {maxconn: 2}}]", "pg_default_services", "[map[maxconn:2 name:a port:1]]", "INV061"},
		{"pg_services: [{name: a, src_port: 1, check_code: 201}]", "pg_services", "[map[check_code:201 name:a src_port:1]]", "INV064"},
		{"pg_services: [{name: a, port: 1}]", "pg_services", "[map[name:a port:1]]", ""},
		{"pg_databases: [{name: a, pool_max_db_conn: 3}]", "pg_databases", "[map[name:a pool_connlimit:3]]", "INV065"},
		{"loki_retention: 3d", "vlogs_options", "<nil>", "INV064"},
		{"pgweb_enabled: true", "pgweb_enabled", "true", "INV063"},
		{"version: v3.1.0, pg_fs_main: /data/", "pg_fs_main", "/data/postgres", "INV072"},
		{"version: v1.4.0, pg_fs_main: /data/", "pg_fs_main", "/data/postgres", "INV072"},
		{"pg_fs_bkup: /b, pg_fs_main: /data", "pg_fs_main", "/data", "INV061 INV072"},
		{"pg_fs_main: /data", "pg_fs_main", "/data", ""},
		{"version: v3.1.0, vip_enabled: true", "vip_interface", "eth0", "INV074"},
		{"version: v3.1.0, pg_vip_enabled: true", "pg_vip_interface", "eth0", "INV074"},
		{"version: v3.1.0, docker_enabled: true", "docker_data", "/var/lib/docker", "INV079"},
		{"version: v3.1.0, minio_cluster: m", "minio_secret_key", "minioadmin", "INV075"},
		{"version: v3.1.0, vip_enabled: false", "vip_interface", "<nil>", ""},
		{"version: v3.1.0, pg_fs_main: /data/postgres", "pg_fs_main", "/data/postgres", ""},
		{"version: v4.5.0, pg_fs_main: /data", "pg_fs_main", "/data", ""},
	}
	for _, tt := range tests {
		inv, problems, err := load("all: { hosts: { 10.0.0.1: {} }, vars: { " + tt.vars + " } }\n")
		if err != nil {
			t.Fatal(err)
		}
		value, _ := inv.All().Lookup(tt.name)
		var got []string
		for _, p := range problems {
			if p.Code > CodeOldRelease && p.Code != CodeDormant {
				got = append(got, p.Code)
			}
		}
		if text := fmt.Sprint(value.Any()); text != tt.want || strings.Join(got, " ") != tt.codes {
			t.Errorf("%s: %s is %s with %v, want %s with %s", tt.vars, tt.name, text, got, tt.want, tt.codes)
		}
	}
}

// TestDangers: what the release decides is a warning, and what nobody can know an error (!).
func TestDangers(t *testing.T) {
	tests := []struct{ vars, codes string }{
		{"version: v3.4.0, pg_cluster: a", "INV071!"},
		{"version: v3.4.0, pg_cluster: a, pg_version: 17", ""},
		{"version: v3.4.0, pg_cluster: a, pg_version: 17, pg_fs_main: /data", "INV072"},
		{"version: v3.4.0, pg_cluster: a, pg_version: 17, pg_fs_main: '{{ x }}', x: /data", "INV072!"},
		{"version: v3.4.0, pg_fs_main: /data", "INV072"},
		{"version: v3.4.0, pg_fs_main: '{{ x }}', x: /data", ""},
		{"version: v3.4.0, redis_cluster: a, redis_fs_main: /data", "INV072"},
		{"pg_fs_bkup: /b, redis_cluster: a, redis_fs_main: /data", "INV061 INV072!"},
		{"pg_fs_bkup: /b, pg_cluster: a, pg_version: 17", "INV061"},
		{"pg_cluster: a, pg_version: 17, pg_fs_main: /data", "INV072!"},
		{"pg_cluster: a, pg_version: 17, pg_fs_main: /data/postgres", ""},
		{"pg_cluster: a, gp_role: master, pg_fs_main: /data", ""},
		{"pg_fs_main: /data", ""},
		{"version: v3.4.0, pg_vip_enabled: true", "INV074"},
		{"version: v3.4.0, pg_vip_enabled: true, pg_vip_interface: eth1", ""},
		{"version: v3.4.0, vip_enabled: false", ""},
		{"pg_fs_bkup: /b, vip_enabled: true", "INV061 INV074!"},
		{"version: v3.4.0, minio_cluster: a", "INV075"},
		{"version: v3.4.0, minio_cluster: a, minio_secret_key: x", ""},
		{"pg_fs_bkup: /b, minio_cluster: a", "INV061 INV075!"},
		{"version: v3.4.0, docker_enabled: true", "INV079"},
		{"version: v3.4.0, infra_portal: { grafana: { endpoint: 'a:3000' }, loki: { endpoint: 'a:3100' } }", "INV080"},
		{"version: v1.4.0, pg_cluster: a", "INV070"},
		{"version: v1.4.0, dcs_servers: { a: 10.0.0.1 }", "INV076"},
		{"version: v4.5.0, dcs_servers: { a: 10.0.0.1 }", "INV076!"},
		{"version: v4.5.0, pg_hba_rules_extra: [], pg_hba_rules: [{ rules: [x] }]", "INV077! INV061"},
		{"version: v4.5.0, pg_cluster: a, redis_cluster: b, redis_fs_main: /data, minio_cluster: c, vip_enabled: true, docker_enabled: true", ""},
	}
	for _, tt := range tests {
		_, problems, err := load("all: { hosts: { 10.0.0.1: {} }, vars: { " + tt.vars + " } }\n")
		var got []string
		for _, p := range problems {
			if p.Code != CodeOldRelease && p.Code != CodeDormant {
				got = append(got, p.Code+map[Severity]string{Error: "!"}[p.Severity])
			}
		}
		slices.Sort(got)
		want := strings.Fields(tt.codes)
		slices.Sort(want)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %v (%v), want %s", tt.vars, problems, err, tt.codes)
		}
	}
}

// TestV1IsOnlyRead: what tells that a fleet is of v1 also keeps hands off it.
func TestV1IsOnlyRead(t *testing.T) {
	for vars, want := range map[string]bool{"version: v1.4.0": true, "meta_node: true": true, "version: v2.0.0": false, "version: v4.5.0, meta_node: true": false} {
		inv, problems, err := load("all: { hosts: { 10.0.0.1: {} }, vars: { " + vars + " } }\n")
		if err != nil {
			t.Fatal(err)
		}
		why, dormant := inv.Dormant()
		told := slices.ContainsFunc(problems, func(p Problem) bool { return p.Code == CodeDormant && p.Severity == Warning })
		if dormant != want || told != want || dormant != (why.Code == CodeDormant && why.Severity == Error) {
			t.Errorf("%s: dormant is %t, told %t: %v", vars, dormant, told, why)
		}
	}
}

// What is undecided is not decided by rewriting the names that told the release.
func TestNothingIsRewrittenOfWhatIsUndecided(t *testing.T) {
	text := "all: { hosts: { 10.0.0.1: { vip_enabled: true } }, vars: { pg_fs_bkup: /b } }\n"
	inv, _, err := load(text)
	if err != nil {
		t.Fatal(err)
	}
	if out, done, _ := Modernize(inv, file, []byte(text)); string(out) != text || len(done) > 0 {
		t.Errorf("%v was done: %s", done, out)
	}
}

// What was only a default is written down with the value that it had.
func TestDefaultsAreWrittenDown(t *testing.T) {
	text := "all:\n  hosts:\n    10.0.0.1: { vip_enabled: true, docker_enabled: true }\n  vars:\n    version: v3.4.0 # old\n"
	inv, _, err := load(text)
	if err != nil {
		t.Fatal(err)
	}
	out, done, left := Modernize(inv, file, []byte(text))
	if want := text + "    docker_data: /var/lib/docker\n    vip_interface: eth0\n"; string(out) != want || len(done) != 2 || len(left) > 0 {
		t.Errorf("%v is done, %v left:\n%s", done, left, out)
	}
}

func TestGroupMetaIsInfra(t *testing.T) {
	inv, problems, err := load("meta: { hosts: { 10.0.0.1: {} }, vars: { meta_node: true } }\n")
	if err != nil || codes(problems) != "1:1 INV066" {
		t.Fatal(err, problems)
	}
	h := inv.Host("10.0.0.1")
	if inv.Group("infra") != inv.Group("meta") || !h.In("infra") || !h.In("meta") || len(inv.Groups()) != 1 || h.PosIn("infra") != h.Pos {
		t.Error("meta is not read as infra")
	}
	if inv, _, _ = load("meta: { hosts: { 10.0.0.1: {} } }\n"); inv.Group("infra") != nil {
		t.Error("a group is not the one of v1 because it is called so")
	}
}

// Every name in the table says something to the user.
func TestEveryOldNameIsKnown(t *testing.T) {
	for name, old := range oldNames() {
		inv, problems, err := load("all: { hosts: { 10.0.0.1: {} }, vars: { version: v4.5.0, " + name + ": x } }\n")
		if err != nil || len(problems) == 0 && !old.group {
			t.Errorf("%s: no word of it (%v)", name, err)
		}
		if more := Check(inv); len(more) > 0 {
			t.Errorf("%s: %v", name, more)
		}
	}
	for _, names := range [][]string{slices.Collect(maps.Keys(conversions)), slices.Collect(maps.Keys(notCarried)), slices.Collect(maps.Keys(droppedLater)), oldestTells} {
		for _, name := range names {
			if old, ok := oldNames()[name]; !ok || old.to == "" && old.convert != nil {
				t.Errorf("%s is no old name, or one that was dropped", name)
			}
		}
	}
}

// drawOld draws an inventory with old names on every level, in several layouts.
func drawOld(t *rapid.T) string {
	lines := []string{
		"pg_fs_bkup: /b", "pg_fs_backup: /n", "node_disable_firewall: off", "node_firewall_mode: zone", "pg_exists_action: abort", "pg_disable_purge: false",
		"node_packages: [p]", "node_extra_packages: [e]", "node_default_packages: [d]", "vip_mode: l2", "vip_address: 10.9.9.9", "vip_cidrmask: 16", "vip_interface: eth1",
		"pg_hba_rules: [{ title: t, rules: [a] }]", "pg_hba_rules_extra: []", "pgbouncer_hba_rules: []", "repo_address: r", "repo_port: 8080", "pg_rto: 30", "pg_rto: 31",
		"pg_services: [{ name: s, src_port: 1, haproxy: { maxconn: 5, default_server_options: o } }]", "pg_services_extra: [{ name: e, src_ip: '*', src_port: 2, check_port: patroni }]",
		"pg_databases: [{ name: d, pool_size_reserve: 1 }]", "loki_retention: 1d", "meta_node: true", "pgweb_enabled: on", "redis_clean: true", "redis_rmdata: true",
		"pg_fs_main: /data", "version: v3.4.0", "dcs_name: x", "other: { pg_fs_bkup: 1 }",
	}
	comments := 0
	vars := func(indent string) string {
		picked := rapid.SliceOfNDistinct(rapid.SampledFrom(lines), 0, 7, func(s string) string { return s[:strings.IndexByte(s, ':')] }).Draw(t, "lines")
		if len(picked) == 0 {
			return " {}\n"
		}
		if rapid.Bool().Draw(t, "flow") {
			return " { " + strings.Join(picked, ", ") + " }\n"
		}
		var b strings.Builder
		b.WriteString("\n")
		for _, line := range picked {
			comments++
			fmt.Fprintf(&b, "%s%s   # c%d\n", indent, line, comments)
		}
		return b.String()
	}
	return "all:\n  vars:" + vars("    ") + "  children:\n    meta:\n      hosts:\n        10.0.0.1:" + vars("          ") +
		"    b:\n      vars:" + vars("        ") + "      hosts:\n        10.0.0.1: {}\n        10.0.0.2:" + vars("          ")
}

// TestModernizeKeepsTheMeaning rewrites random old inventories: every host has the same value of
// every parameter after it, nothing is left that can be rewritten, and a second time changes nothing.
func TestModernizeKeepsTheMeaning(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawOld(t)
		before, old, err := load(text)
		if err != nil {
			t.Fatal(err)
		}
		out, done, left := Modernize(before, file, []byte(text))
		if len(left) > 0 {
			t.Fatalf("left %v of\n%s", left[0].Err, text)
		}
		after, problems, err := load(string(out))
		if err != nil {
			t.Fatal(err)
		}
		if err := SameMeaning(before, after); err != nil {
			t.Fatalf("%v:\n%s\n---\n%s", err, text, out)
		}
		if HasErrors(old) != HasErrors(problems) {
			t.Fatalf("a danger came or went:\n%s\n%v\n---\n%s\n%v", text, old, out, problems)
		}
		if len(after.Outdated()) > 0 || len(done) == 0 && string(out) != text {
			t.Fatalf("%v is left, %v done:\n%s\n---\n%s", after.Outdated(), done, text, out)
		}
		if again, _, _ := Modernize(after, file, out); string(again) != string(out) {
			t.Fatalf("a second time:\n%s\n---\n%s", out, again)
		}
		commentsStay(t, text, string(out))
	})
}

// commentsStay checks that comments go only with the lines that became part of others.
func commentsStay(t *rapid.T, before, after string) {
	joined := []string{"vip_cidrmask", "repo_port", "pg_disable_purge", "pg_exists_action", "redis_rmdata", "redis_clean"}
	for line := range strings.Lines(before) {
		_, comment, ok := strings.Cut(line, "#")
		name, _, _ := strings.Cut(strings.TrimSpace(line), ":")
		if ok && !strings.Contains(after, "#"+comment) && !slices.Contains(joined, name) {
			t.Fatalf("#%s is gone:\n%s\n---\n%s", comment, before, after)
		}
	}
}
