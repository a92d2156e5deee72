package stories

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// tuning is what the kernel of a machine is asked. The sandbox's refuses vm.* and kernel.*, and has no swap,
// no boot loader and no disks of its own: net.* and the files show what is done.
var tuning = []string{
	"node_tune: oltp", "node_disable_swap: true",
	"node_sysctl_params: { net.ipv4.ip_nonlocal_bind: 0, net.ipv4.tcp_keepalive_time: 77 }",
}

const (
	profileRuns = "test $(cat /etc/tuned/active_profile) = oltp && test $(cat /proc/sys/net/ipv4/tcp_keepalive_intvl) = 10 && test $(cat /proc/sys/net/core/somaxconn) = 65535"
	ownersAgree = "test $(cat /proc/sys/net/ipv4/tcp_keepalive_time) = 77 && ! grep -q keepalive_time /etc/tuned/profiles/oltp/tuned.conf"
)

// TestNodeKernel: a profile of tuned is in force and stays so, what the inventory says by name wins over
// it, fstab has no swap, and all of that is given back. A parameter that the kernel refuses is told, and
// the rest goes on.
func TestNodeKernel(t *testing.T) {
	long(t)
	s := onBareNodes(t)
	table := s.on(2, "echo '/dev/sdz9 none swap sw 0 0' >>/etc/fstab; echo 'LABEL=nowhere /mnt/disk xfs nofail 0 2' >>/etc/fstab; cat /etc/fstab")
	s.serve()
	s.commit("a kernel", machine{tuning})
	t.Logf("converged after %s", round(s.converges(3*time.Minute)))
	s.holds("profile", profileRuns)
	s.holds("owners", ownersAgree)
	s.holds("swap", "grep -q '^# pigsync swap: /dev/sdz9' /etc/fstab")
	started := s.on(2, "systemctl show -P InvocationID tuned")
	s.quietLooks(2, "converged")

	for _, harm := range []struct{ name, script, healed string }{
		{"another profile", "tuned-adm profile balanced", profileRuns},
		{"a parameter of the profile", "echo 128 >/proc/sys/net/core/somaxconn", profileRuns},
		{"a parameter by name", "echo 7200 >/proc/sys/net/ipv4/tcp_keepalive_time", ownersAgree},
		{"the profile's text", "echo net.core.somaxconn=1 >>/etc/tuned/profiles/oltp/tuned.conf; tuned-adm profile oltp", profileRuns},
		{"swap", "sed -i 's/^# pigsync swap: //' /etc/fstab", "grep -q '^# pigsync swap: /dev/sdz9' /etc/fstab"},
	} {
		s.on(2, harm.script)
		s.eventually(time.Minute, harm.name+" is healed", func() bool {
			_, err := s.node(2).Run(s.Context(), "sh", "-ec", harm.healed)
			return err == nil
		})
	}
	s.converges(time.Minute)
	if now := s.on(2, "systemctl show -P InvocationID tuned"); now != started {
		t.Error("tuned was restarted")
	}

	s.commit("what cannot be", machine{append(slices.Clone(tuning[:2]),
		"node_sysctl_params: { net.ipv4.tcp_keepalive_time: 78, vm.swappiness: 33, net.ipv4.nonsense: 1 }", "node_data: /mnt/disk", "node_aliases: { a: b }")})
	s.eventually(time.Minute, "the refusals are told", func() bool {
		said := s.journal()
		return slices.ContainsFunc(said, func(r record) bool { return strings.Contains(r.Data.Err, "refuses \"33\"") }) &&
			slices.ContainsFunc(said, func(r record) bool { return strings.Contains(r.Data.Err, "has no such parameter") }) &&
			slices.ContainsFunc(said, func(r record) bool { return strings.Contains(r.Data.Err, "which is not mounted") })
	})
	s.holds("the rest", "test $(cat /proc/sys/net/ipv4/tcp_keepalive_time) = 78 && test -e /etc/profile.d/node.alias.sh && ! test -e /mnt/disk")

	s.commit("as the machine came", machine{})
	s.converges(2 * time.Minute)
	s.holds("no profile", "test $(cat /etc/tuned/active_profile) = virtual-guest && ! test -e /etc/tuned/profiles/oltp")
	if now := s.on(2, "cat /etc/fstab"); now != table {
		t.Errorf("fstab became %s", now)
	}
}
