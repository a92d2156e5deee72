package stories

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pigsync/pigsync/lab"
)

// soon is for what takes a few rounds.
const soon = 90 * time.Second

// reason finds what is said about the steps of a node.
func (st status) reason(n int) string {
	var all []string
	for i, step := range st.Plan.Steps {
		if strings.HasSuffix(step.ID, "@"+address(n)) {
			text := step.Action + " " + step.ID + ": " + step.Reason
			if i < len(st.Results) {
				text += " " + st.Results[i]
			}
			all = append(all, text)
		}
	}
	return strings.Join(all, "\n")
}

// isUnknown wants all that is asked about a node to be unknown, for the reason given, and the rest to
// be as it should.
func (s *story) isUnknown(n int, reason string) {
	s.Helper()
	st := s.unknown(n)
	s.onlyUnknown(st, n)
	said := st.reason(n)
	if !strings.Contains(said, reason) {
		s.Errorf("it is said of node-%d: %.600s\nwant %q", n, said, reason)
	}
	first, _, _ := strings.Cut(said, "\n")
	s.Logf("%s", first)
}

func TestEtcdHostKeyChanged(t *testing.T) {
	long(t)
	s := onSettledThree(t)
	known, err := os.ReadFile(s.lab.KnownHosts())
	s.must(err)
	var lines []string
	for line := range strings.Lines(string(known)) {
		if !strings.Contains(line, address(2)) {
			lines = append(lines, line)
		}
	}
	other, _, _ := strings.Cut(lines[0], " ")
	lines = append(lines, strings.Replace(lines[0], other, address(2), 1))
	s.must(os.WriteFile(s.path("known_hosts"), []byte(strings.Join(lines, "")), 0o600))
	s.configureFor(s.path("repo"), s.path("known_hosts"))
	s.serve()
	s.isUnknown(2, "host key")
	s.stop()
	s.configure()
	s.serve()
	s.converges(soon)
}

func TestEtcdNodeDown(t *testing.T) {
	long(t)
	s := onSettledThree(t)
	s.must(s.node(2).PowerOff(s.Context()))
	s.serve()
	s.isUnknown(2, "unreachable")
	s.must(s.node(2).PowerOn(s.Context()))
	t.Logf("converged %s after the node was back", round(s.converges(soon)))
}

func TestEtcdSudoAsksForAPassword(t *testing.T) {
	long(t)
	s := onSettledThree(t)
	s.on(2, "sed -i 's/NOPASSWD://' /etc/sudoers /etc/sudoers.d/*")
	s.serve()
	s.isUnknown(2, "sudo")
	s.on(2, "echo 'dba ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/zz-story; chmod 440 /etc/sudoers.d/zz-story")
	s.converges(soon)
}

func TestEtcdNoHelperForTheArchitecture(t *testing.T) {
	long(t)
	s := onBareNodes(t)
	s.must(s.node(2).WriteFile(s.Context(), "/usr/local/bin/uname", []byte("#!/bin/sh\necho Linux sparc64\n"), 0o755))
	s.commit("three members", fleet{members: []int{1, 2, 3}})
	s.serve()
	st := s.stands(soon, "an unknown node", func(st status) bool {
		return st.Plan != nil && strings.Contains(st.reason(2), "no helper") && st.State != "converging"
	})
	t.Log(strings.SplitN(st.reason(2), "\n", 2)[0])
	if !strings.Contains(st.reason(2), "linux/sparc64") {
		t.Errorf("nobody names the architecture: %s", st.reason(2))
	}
	if out := s.on(2, "ls /etc/etcd /etc/pki/ca.crt /var/lib/pigsync 2>/dev/null || true"); out != "" {
		t.Errorf("something was done to the node: %s", out)
	}
}

func TestEtcdDiskFull(t *testing.T) {
	long(t)
	s := onSettledThree(t)
	s.on(2, "rm /etc/etcd/etcd.pass; apt-get -qq remove -y etcd-client; sync")
	s.must(s.node(2).FillDisk(s.Context(), lab.Root))
	s.serve()
	st := s.stands(soon, "a step that fails", func(st status) bool { return st.State == "failed" })
	if said := st.reason(2); !strings.Contains(said, "no space left") {
		t.Errorf("it is said: %s, want that no space is left", said)
	} else {
		t.Log(said)
	}
	s.must(s.node(2).FreeDisk(s.Context(), lab.Root))
	t.Logf("converged %s after there was space", round(s.converges(soon)))
	s.on(2, "test -s /etc/etcd/etcd.pass; test -z \"$(ls /etc/etcd | grep -v -e '^ca.crt$' -e '^etcd' -e '^formed$' -e '^server')\"")
}

func TestEtcdDataDiskFull(t *testing.T) {
	long(t)
	s := onThree(t)
	s.serve()
	s.converges(soon)
	w := s.writesTo(1, 2, 3)
	s.must(s.node(2).FillDisk(s.Context(), lab.Data))
	s.on(2, "systemctl restart etcd || true")
	s.looks(2)
	s.must(s.node(2).FreeDisk(s.Context(), lab.Data))
	t.Logf("converged %s after there was space", round(s.converges(2*time.Minute)))
	s.isCluster([]int{1, 2, 3})
	w.kept()
}

// looks waits for n looks, whatever they come to.
func (s *story) looks(n int) {
	s.Helper()
	for range n {
		last := s.status().Seen
		s.stands(soon, "another look", func(st status) bool { return st.Seen.After(last) })
	}
}

func TestEtcdDiskReadOnly(t *testing.T) {
	long(t)
	s := onThree(t)
	s.serve()
	s.converges(soon)
	s.on(2, "rm /etc/etcd/etcd.pass; sync")
	s.must(s.node(2).ReadOnlyDisk(s.Context(), lab.Root))
	st := s.stands(soon, "a step that fails", func(st status) bool { return st.State == "failed" || st.State == "converged" })
	if said := st.reason(2); st.State == "failed" && !strings.Contains(said, "read-only") {
		t.Errorf("it is said: %s, want that the file system is read-only", said)
	}
	s.must(s.node(2).PowerCut(s.Context()))
	s.must(s.node(2).PowerOn(s.Context()))
	t.Logf("converged %s after the node was back", round(s.converges(2*time.Minute)))
	s.isCluster([]int{1, 2, 3})
}

func TestEtcdJournalCannotBeWritten(t *testing.T) {
	long(t)
	s := onThree(t)
	dir := s.path("state/inventories/story/journal")
	s.ownDisk(dir)
	s.serve()
	s.converges(soon)
	filler := filepath.Join(dir, "filler")
	s.run(exec.CommandContext(s.Context(), "sh", "-c", "cat /dev/zero >"+filler+"; test -s "+filler))
	said := ""
	s.eventually(soon, "the journal is full", func() bool { // a few records still fit
		s.on(2, "chmod 666 /etc/etcd/etcd.pass")
		s.looks(1)
		said = strings.Join(s.status().Results, " ")
		return strings.Contains(said, "journal cannot be written")
	})
	if !strings.Contains(said, "no space left") {
		t.Errorf("the daemon says %q, want why the journal cannot be written", said)
	}
	s.looks(2)
	if mode := s.on(2, "stat -c %a /etc/etcd/etcd.pass"); mode != "666" {
		t.Errorf("something was done that could not be noted: the mode is %s", mode)
	}
	s.must(os.Remove(filler))
	s.converges(soon)
	if mode := s.on(2, "stat -c %a /etc/etcd/etcd.pass"); mode != "640" {
		t.Errorf("the mode is %s after all", mode)
	}
	s.succeeds("history", "--verify")
}

// ownDisk puts a directory, with what is in it, on a disk of its own with little space.
func (s *story) ownDisk(dir string) {
	s.Helper()
	s.copyDir(dir, dir+".kept")
	s.run(exec.CommandContext(s.Context(), "mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", dir))
	s.Cleanup(func() {
		s.stop()
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil {
			s.Errorf("unmount the journal: %v: %s", err, out)
		}
	})
	s.copyDir(dir+".kept/.", dir)
}
