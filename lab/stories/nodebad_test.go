package stories

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// blunder is lines of the second node that cannot become true, and what is told of them.
type blunder struct {
	name  string
	old   string // the name of the parameter whose line is replaced; "" for none
	line  string
	harm  string // what is done to the node before
	says  string // a regular expression for the result of a step, or for a problem
	stays string // holds before and after
}

var blunders = []blunder{
	{
		name: "a time zone that cannot be", old: "node_timezone", line: "node_timezone: Mars/Olympus",
		says: `node_timezone: want a time zone`, stays: "test $(date +%Z) = JST",
	},
	{
		name: "a time zone that the node does not know", old: "node_timezone", line: "node_timezone: Europe/Atlantis",
		says: `this node knows no time zone "Europe/Atlantis"`, stays: "test $(date +%Z) = JST",
	},
	{
		name: "a sysctl the kernel refuses", old: "node_sysctl_params", line: "node_sysctl_params: { net.ipv4.ip_nonlocal_bind: sometimes }",
		says: `the kernel refuses "sometimes"`, stays: "test $(cat /proc/sys/net/ipv4/ip_nonlocal_bind) = 1 && grep -qx 'net.ipv4.ip_nonlocal_bind = 1' /etc/sysctl.d/95-pigsync-*",
	},
	{
		// No inventory can make such a line, so the judge is given another one than it was asked about.
		name: "a sudoers line that visudo rejects", old: "node_admin_sudo", line: "node_admin_sudo: all",
		harm: "printf '#!/bin/sh\\nsed s/ALL=/ALL==/ \"$4\" >/run/broken\\nexec /usr/sbin/visudo -c -f /run/broken\\n' >/usr/local/sbin/visudo; chmod 755 /usr/local/sbin/visudo",
		says: `syntax error`, stays: "sudo -n -u ops sudo -n true",
	},
	{
		name: "two modules that want the same directory", line: "etcd_seq: 1\n          etcd_data: /data",
		says: `dir:/data@10.10.10.11 is already declared at pigsty\.yml:\d+`, stays: "test $(stat -c %U /data) = root && ! test -e /etc/etcd",
	},
}

// TestNodeBadInput: of lines that cannot become true the plan or the step says so; what was stays, and
// everything else goes on.
func TestNodeBadInput(t *testing.T) {
	wanted(t)
	s := onBareNodes(t)
	s.serve()
	right := []string{"node_timezone: Asia/Tokyo", settings[2].line, "node_admin_enabled: true", "node_admin_username: ops", "node_admin_uid: 1088", "node_admin_sudo: nopass"}
	s.commit("a machine", machine{right})
	s.converges(2 * time.Minute)
	for _, b := range blunders {
		t.Run(b.name, func(t *testing.T) {
			inner := *s
			inner.TB = t
			inner.blunders(b, right)
		})
	}
	s.on(2, "rm /usr/local/sbin/visudo")
	s.commit("a machine", machine{right})
	s.converges(2 * time.Minute)
	s.agrees()
}

// blunders commits the wrong line, with another for the same node and one for the third that are right.
func (s *story) blunders(b blunder, right []string) {
	s.Helper()
	s.on(2, b.stays)
	if b.harm != "" {
		s.on(2, b.harm)
	}
	vars := slices.DeleteFunc(slices.Clone(right), func(line string) bool { return b.old != "" && strings.HasPrefix(line, b.old+":") })
	text := machine{append(vars, b.line, "node_crontab: [ '@yearly root true' ]")}.String()
	if strings.Contains(b.line, "etcd_seq") {
		text += "    etcd: { hosts: { 10.10.10.11: } }\n"
	}
	text = strings.Replace(text, "10.10.10.12: { nodename: node-3 }", "10.10.10.12: { nodename: node-3, node_aliases: { blunder: \"echo '"+b.name+"'\" } }", 1)
	head := s.commitText(b.name, text)
	told := regexp.MustCompile(b.says)
	st := s.stands(2*time.Minute, b.says, func(st status) bool {
		said := slices.ContainsFunc(st.Results, told.MatchString) ||
			slices.ContainsFunc(st.Problems, func(p problem) bool { return p.Severity == "error" && told.MatchString(p.Message) })
		return st.Revision == head && said && st.State != "converging"
	})
	if st.State != "failed" && st.State != "held" {
		s.Errorf("it stands as %s", st.State)
	}
	s.on(2, b.stays)
	s.on(3, "grep -q '"+b.name+"' /etc/profile.d/node.alias.sh")
	if len(st.Problems) == 0 { // else the owner is frozen as a whole
		s.on(2, "grep -q '@yearly root true' /etc/crontab")
	}
}
