package stories

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// fleet is what an inventory of these stories says.
type fleet struct {
	members []int          // nodes that are members of etcd, numbered as they are
	vars    []string       // "name: value", for all
	of      map[int]string // further vars of a member: ", name: value"
	absent  []int          // nodes that the inventory does not know
	nodes   int            // how many there are; 0 means 5
}

func address(node int) string { return fmt.Sprintf("10.10.10.%d", 9+node) }

// String is the inventory.
func (f fleet) String() string {
	var b strings.Builder
	b.WriteString(head)
	for _, v := range f.vars {
		fmt.Fprintf(&b, "    %s\n", v)
	}
	b.WriteString("  children:\n    infra:\n      hosts:\n        10.10.10.10: { infra_seq: 1 }\n    machines:\n      hosts:\n")
	for i := 1; i <= f.count(); i++ {
		if !has(f.absent, i) {
			fmt.Fprintf(&b, "        %s: { nodename: node-%d }\n", address(i), i)
		}
	}
	if len(f.members) > 0 {
		b.WriteString("    etcd:\n      hosts:\n")
	}
	for _, m := range f.members {
		fmt.Fprintf(&b, "        %s: { etcd_seq: %d%s }\n", address(m), m, f.of[m])
	}
	return b.String()
}

func (f fleet) count() int {
	if f.nodes == 0 {
		return 5
	}
	return f.nodes
}

func has(list []int, i int) bool {
	for _, x := range list {
		if x == i {
			return true
		}
	}
	return false
}

// head is what every inventory of these stories begins with: packages come from the lab.
const head = `all:
  vars:
    version: v4.5.0
    admin_ip: 10.10.10.10
    node_repo_modules: local
    repo_upstream:
      - name: pigsty-local
        description: the offline repository
        module: local
        releases: [ '12', '13' ]
        arch: [ x86_64, aarch64 ]
        baseurl: { default: 'http://10.10.10.1/pigsty/${distro_codename} ./' }
    etcd_root_password: Etcd.Story
    # what NODE gives every machine unasked, one line each: a story asks for what it is about
    haproxy_enabled: false
    node_admin_enabled: false
    node_kernel_modules: []
    node_sysctl_params: {}
    node_firewall_mode: none
    node_tune: none
    node_static_network: false
    node_etc_hosts: [ 10.10.10.10 one.story, 10.10.10.11 two.story ]
    node_exporter_enabled: false
    vector_enabled: false
    node_default_packages: []
    node_dns_method: none
    node_ntp_enabled: false
    pgbackrest_enabled: false
    pg_exporter_enabled: false
    pgbouncer_exporter_enabled: false
    pg_dbsu_sudo: none
    pg_dbsu_ssh_exchange: false
    vmetrics_enabled: false
    dns_enabled: false
    grafana_enabled: false
`

// commit makes the inventory what the repository says, and gives the commit.
func (s *story) commit(subject string, inventory fmt.Stringer) string {
	s.Helper()
	return s.commitText(subject, inventory.String())
}

func (s *story) commitText(subject, inventory string) string {
	s.Helper()
	if _, err := os.Stat(s.path("repo")); err != nil {
		s.run(exec.CommandContext(s.Context(), "git", "init", "-q", "-b", "main", s.path("repo")))
	}
	s.must(os.WriteFile(s.path("repo/pigsty.yml"), []byte(inventory), 0o644))
	return s.commitAll(subject)
}

func (s *story) commitAll(subject string) string {
	s.Helper()
	s.git("add", "-A")
	s.git("commit", "-q", "--allow-empty", "-m", subject)
	return s.git("rev-parse", "HEAD")
}

// git runs git in the repository.
func (s *story) git(args ...string) string {
	s.Helper()
	cmd := exec.CommandContext(s.Context(), "git", append([]string{"-C", s.path("repo")}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_AUTHOR_NAME=story", "GIT_AUTHOR_EMAIL=story@localhost",
		"GIT_COMMITTER_NAME=story", "GIT_COMMITTER_EMAIL=story@localhost")
	return strings.TrimSpace(s.run(cmd))
}
