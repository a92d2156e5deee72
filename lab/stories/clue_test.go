package stories

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pigsync/pigsync/lab"
)

// person is somebody with a login of his own, and sudo, on a node.
type person struct {
	s    *story
	name string
	node int
}

// newPerson lets somebody in with the lab's key.
func (s *story) newPerson(n int, name string) person {
	s.Helper()
	s.on(n, fmt.Sprintf(`useradd -m -s /bin/bash %[1]s
		echo '%[1]s ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/%[1]s
		install -d -m 700 -o %[1]s -g %[1]s /home/%[1]s/.ssh
		install -m 600 -o %[1]s -g %[1]s ~%[2]s/.ssh/authorized_keys /home/%[1]s/.ssh/authorized_keys`, name, lab.User))
	return person{s, name, n}
}

// does runs a command on the node over ssh, as the person types it.
func (p person) does(command string) {
	p.s.Helper()
	p.s.run(p.s.lab.Command(p.s.Context(), "ssh", "-i", p.s.lab.Key(), "-o", "BatchMode=yes", "-o", "UserKnownHostsFile="+p.s.lab.KnownHosts(),
		"-o", "IdentitiesOnly=yes", p.name+"@"+address(p.node), command))
}

type clue struct{ Kind, At, Who, What string }

// driftOf is what the daemon tells of a resource that has drifted, once it does.
func (s *story) driftOf(id string) (clues []clue) {
	s.Helper()
	s.eventually(time.Minute, "the drift of "+id+" is told", func() bool {
		var all []struct {
			Drifts []struct {
				ID    string
				Clues []clue
			}
		}
		if json.Unmarshal([]byte(s.pigsync("drift", "-o", "json").out), &all) != nil {
			return false
		}
		for _, in := range all {
			for _, d := range in.Drifts {
				if d.ID == id {
					clues = d.Clues
					return true
				}
			}
		}
		return false
	})
	return clues
}

// Whoever changes something by hand is named: who logged in, what he ran with sudo and on which file, and what became
// of packages; what he typed beside is not told.
func TestDriftNamesWhoWasThere(t *testing.T) {
	long(t)
	if _, err := exec.LookPath("ssh"); err != nil {
		t.Skip("ssh is not installed")
	}
	s := onThree(t)
	s.configure("on_drift: report")
	s.serve()
	s.converges(2 * time.Minute)
	alice := s.newPerson(2, "alice")
	for _, act := range []struct {
		command, id string
		want        []clue
	}{
		{"sudo chmod 666 /etc/etcd/etcd.pass # Canary.Word", "file:/etc/etcd/etcd.pass", []clue{
			{"login", address(2), "alice", "logged in from 10.10.10.1"},
			{"sudo", address(2), "alice", "ran /usr/bin/chmod on /etc/etcd/etcd.pass"},
			{"file", address(2), "root", "/etc/etcd/etcd.pass was moved, or got another owner or mode"},
		}},
		{"sudo systemctl disable etcd", "unit:etcd", []clue{{"sudo", address(2), "alice", "ran /usr/bin/systemctl"}}},
		{"sudo dpkg --force-depends --remove etcd-client", "package:etcd|etcd-client", []clue{
			{"sudo", address(2), "alice", "ran /usr/bin/dpkg"}, {"package", address(2), "", "remove of etcd-client"},
		}},
	} {
		alice.does(act.command)
		clues := s.driftOf(act.id + "@" + address(2))
		for _, w := range act.want {
			if !slices.ContainsFunc(clues, func(c clue) bool {
				return c.Kind == w.Kind && c.At == w.At && c.Who == w.Who && strings.HasPrefix(c.What, w.What)
			}) {
				t.Errorf("%s: no clue %+v among %+v", act.command, w, clues)
			}
		}
		for _, c := range clues {
			if strings.Contains(c.What, "Canary") {
				t.Errorf("%s: %+v", act.command, c)
			}
		}
		t.Logf("%s: %+v", act.command, clues)
	}
	if said := s.succeeds("history").out; !strings.Contains(said, "drift of file:/etc/etcd/etcd.pass@"+address(2)) {
		t.Errorf("the history does not tell of it:\n%s", said)
	}
}
