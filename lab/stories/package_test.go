package stories

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pigsync/pigsync/lab"
)

// debian makes the package of a version, and gives its file.
func (s *story) debian(version string) string {
	s.Helper()
	cmd := exec.CommandContext(s.Context(), "../../packages/build.sh")
	cmd.Env = append(os.Environ(), "VERSION="+version)
	s.run(cmd)
	files, err := filepath.Glob("../../dist/pigsync_" + version + "*.deb")
	s.must(err)
	if len(files) != 1 {
		s.Fatalf("packages of %s: %q, want one", version, files)
	}
	return files[0]
}

// brings puts a file of this machine onto a node.
func (s *story) brings(n int, from, to string, mode os.FileMode) {
	s.Helper()
	content, err := os.ReadFile(from)
	s.must(err)
	s.must(s.node(n).WriteFile(s.Context(), to, content, mode))
}

// installed is a node on which the package is; it looks after another one.
type installed struct {
	*story
	node int
}

func (i installed) pid() string { return i.on(i.node, "systemctl show -P MainPID pigsync") }

// converges waits until the daemon there, which was begun after a time, has seen the fleet as it should be.
func (i installed) converges(what string) {
	i.Helper()
	i.eventually(2*time.Minute, what, func() bool {
		_, err := i.story.node(i.node).Run(i.Context(), "sh", "-ec", "systemctl is-active -q pigsync && pigsync status | grep -q '^admin: converged'")
		return err == nil
	})
}

// The package installs on a bare machine with systemd, runs, and goes on after a reload, a broken reload, kill -9, an
// upgrade and a reboot. Its removal leaves what a fleet was made with.
func TestThePackageOnABareNode(t *testing.T) {
	long(t)
	s := onBareNodes(t)
	older, newer := s.debian("1.0.0"), s.debian("1.0.1")
	i := installed{s, 5}
	s.brings(5, older, "/root/old.deb", 0o644)
	s.brings(5, newer, "/root/new.deb", 0o644)
	s.on(5, "dpkg -i /root/old.deb")
	s.on(5, "pigsync --version | grep -qw 1.0.0; test -s /usr/share/man/man1/pigsync.1.gz; test -s /usr/share/bash-completion/completions/pigsync; id pigsync; ! systemctl is-active pigsync")
	s.brings(5, s.lab.Key(), "/etc/pigsync/ssh-key", 0o600)
	s.brings(5, s.lab.KnownHosts(), "/etc/pigsync/known_hosts", 0o644)
	s.must(s.node(5).WriteFile(s.Context(), "/etc/pigsync/pigsync.yml", fmt.Appendf(nil, "ssh: { user: %s, keys: [ /run/credentials/pigsync.service/ssh-key ], known_hosts: [ known_hosts ] }\n"+
		"inventories: [ { name: admin, dir: /srv/pigsty, interval: 2s } ]\n", lab.User), 0o644))
	s.on(5, "mkdir -p /srv/pigsty")
	s.must(s.node(5).WriteFile(s.Context(), "/srv/pigsty/pigsty.yml", []byte(fleet{absent: []int{2, 3, 4, 5}}.String()), 0o644))
	s.on(5, "systemctl enable --now pigsync")
	i.converges("converged after the installation")
	s.on(1, "hostname | grep -qx node-1")

	t.Run("reload", func(t *testing.T) {
		before := i.pid()
		s.on(5, "systemctl reload pigsync && systemctl is-active pigsync")
		i.converges("converged after a reload")
		if now := i.pid(); now != before {
			t.Errorf("process %s became %s", before, now)
		}
	})
	t.Run("broken", func(t *testing.T) {
		before := i.pid()
		s.on(5, "cp /etc/pigsync/pigsync.yml /root/whole.yml; echo 'inventoris: []' >>/etc/pigsync/pigsync.yml; systemctl reload pigsync; sleep 1; systemctl is-active pigsync")
		said := s.on(5, "journalctl -u pigsync --no-pager; systemctl status pigsync --no-pager")
		for _, part := range []string{"inventoris", "the one before stays in force"} {
			if !strings.Contains(said, part) {
				t.Errorf("nobody said %q:\n%s", part, said)
			}
		}
		if now := i.pid(); now != before {
			t.Errorf("process %s became %s", before, now)
		}
		s.on(5, "cp /root/whole.yml /etc/pigsync/pigsync.yml; systemctl reload pigsync")
		i.converges("converged after the file was mended")
	})
	t.Run("killed", func(t *testing.T) {
		before := i.pid()
		s.on(1, "hostnamectl set-hostname elsewhere")
		s.on(5, "systemctl kill -s KILL --kill-whom=main pigsync")
		s.eventually(time.Minute, "another process", func() bool { now := i.pid(); return now != before && now != "0" })
		i.converges("converged after kill -9")
		s.on(1, "hostname | grep -qx node-1")
		s.on(5, "pigsync history --verify")
	})
	t.Run("upgrade", func(t *testing.T) {
		before := i.pid()
		s.on(5, "dpkg -i /root/new.deb && systemctl is-enabled pigsync && dpkg-query -W -f '${Version}' pigsync | grep -q '^1.0.1'")
		i.converges("converged after the upgrade")
		if i.pid() == before {
			t.Error("the old program still runs")
		}
		s.on(5, "test -s /etc/pigsync/pigsync.yml && pigsync history --verify")
	})
	t.Run("reboot", func(t *testing.T) {
		s.must(s.node(5).PowerOff(s.Context()))
		s.must(s.node(5).PowerOn(s.Context()))
		s.must(s.lab.WaitReady(s.Context()))
		i.converges("converged after a reboot")
	})
	t.Run("figures", func(t *testing.T) {
		cpu := func() string { return s.on(5, "systemctl show -P CPUUsageNSec pigsync") }
		first := cpu()
		time.Sleep(20 * time.Second)
		t.Logf("CPU ns %s -> %s in 20 s; RSS %s", first, cpu(), s.on(5, "grep VmRSS /proc/$(systemctl show -P MainPID pigsync)/status"))
	})
	t.Run("removal", func(t *testing.T) {
		s.on(5, "dpkg -r pigsync && ! systemctl is-active pigsync && test -d /var/lib/pigsync/inventories && test -s /etc/pigsync/pigsync.yml && id pigsync")
	})
}
