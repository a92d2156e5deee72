package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// threes writes an inventory of n hosts in clusters of three, with the parameters that a small
// production inventory has.
func threes(n int) string {
	var b strings.Builder
	b.WriteString("all:\n  vars:\n    version: v4.5.0\n    admin_ip: 10.0.0.1\n    region: default\n")
	b.WriteString("    node_repo_modules: node,infra,pgsql\n    pg_version: 18\n    grafana_admin_password: pigsty\n")
	b.WriteString("    infra_portal:\n      home: { domain: i.pigsty }\n      grafana: { domain: g.pigsty, endpoint: \"${admin_ip}:3000\", websocket: true }\n  children:\n")
	for i := range n {
		if i%3 == 0 {
			c := i / 3
			fmt.Fprintf(&b, "    pg-c%d:\n      vars:\n        pg_cluster: pg-c%d\n        pg_users: [ { name: app%d, password: Db.User, pgbouncer: true, roles: [ dbrole_admin ] } ]\n"+
				"        pg_databases: [ { name: app%d, owner: app%d, extensions: [ { name: postgis } ] } ]\n        pg_conf: oltp.yml\n        node_tune: oltp\n        pg_vip_enabled: true\n"+
				"        pg_vip_address: 10.%d.%d.2/24\n      hosts:\n", c, c, c, c, c, 100+c>>8, c&255)
		}
		role := [...]string{"primary", "replica", "replica"}[i%3]
		fmt.Fprintf(&b, "        10.%d.%d.%d: { pg_seq: %d, pg_role: %s }\n", 1+i>>16, i>>8&255, i&255, i%3+1, role)
	}
	return b.String()
}

// cost is what one run of a program took.
type cost struct {
	wall, cpu time.Duration
	memory    int64 // at its peak, bytes
}

// runOnce runs a program below time (apt-get install time), which is small: to the kernel, the peak of a
// program begins with what the one had that started it.
func runOnce(b *testing.B, name string, args ...string) cost {
	b.Helper()
	peak := filepath.Join(b.TempDir(), "peak")
	cmd := exec.Command("time", append([]string{"--format", "%M", "--output", peak, name}, args...)...)
	cmd.Dir = b.TempDir()
	cmd.Stderr = os.Stderr
	start := time.Now()
	out, err := cmd.Output()
	if err != nil || len(out) == 0 {
		b.Fatal(name, err, len(out))
	}
	wall := time.Since(start)
	text, err := os.ReadFile(peak)
	if err != nil {
		b.Fatal(err)
	}
	memory, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return cost{wall, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), memory << 10}
}

// BenchmarkInventoryList runs the built program beside ansible-inventory.
func BenchmarkInventoryList(b *testing.B) {
	binary := filepath.Join(b.TempDir(), "pigsync")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		b.Fatal(err, string(text))
	}
	for _, hosts := range []int{100, 1000, 5000} {
		b.Run(fmt.Sprint(hosts), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "pigsty.yml")
			if err := os.WriteFile(path, []byte(threes(hosts)), 0o600); err != nil {
				b.Fatal(err)
			}
			var sum cost
			for b.Loop() {
				c := runOnce(b, binary, "inventory", path, "--list")
				sum = cost{sum.wall + c.wall, sum.cpu + c.cpu, max(sum.memory, c.memory)}
			}
			runs := time.Duration(b.N)
			ours := cost{sum.wall / runs, sum.cpu / runs, sum.memory}
			report(b, "pigsync", ours)
			if _, err := exec.LookPath("ansible-inventory"); err != nil {
				return
			}
			theirs := runOnce(b, "ansible-inventory", "-i", path, "--list")
			report(b, "ansible", theirs)
			b.ReportMetric(float64(theirs.wall)/float64(ours.wall), "x-faster")
			b.ReportMetric(float64(theirs.cpu)/float64(ours.cpu), "x-less-cpu")
			b.ReportMetric(float64(theirs.memory)/float64(ours.memory), "x-less-memory")
		})
	}
}

func report(b *testing.B, who string, c cost) {
	b.ReportMetric(float64(c.wall)/1e6, who+"-ms")
	b.ReportMetric(float64(c.cpu)/1e6, who+"-cpu-ms")
	b.ReportMetric(float64(c.memory)/1e6, who+"-MB")
}
