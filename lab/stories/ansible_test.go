package stories

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pigsync/pigsync/lab"
)

// playbook changes a file of pg-test's pooler again and again for a while, as one does that has many tasks, and puts it back.
const playbook = `- hosts: all
  gather_facts: false
  become: true
  tasks:
    - { name: a change, lineinfile: { path: /etc/pgbouncer/database.txt, line: '; by a playbook' } }
    - { name: work, shell: 'sleep 0.2; echo {{ item }} >> /root/played', with_sequence: count=%d }
    - { name: only here, pause: { seconds: %d }, delegate_to: localhost }
    - { name: another change, lineinfile: { path: /etc/pgbouncer/database.txt, line: '; by a playbook', state: absent } }
`

// withAnsible installs it from the lab's repository, whatever sources the node has.
const withAnsible = `. /etc/os-release; echo "deb [trusted=yes] http://10.10.10.1/pigsty/$VERSION_CODENAME ./" >/root/sources
apt="apt-get -qq -o Dir::Etc::sourcelist=/root/sources -o Dir::Etc::sourceparts=- -o Dir::State::lists=/root/lists"
mkdir -p /root/lists/partial; $apt update; $apt install -y --no-install-recommends ansible-core >/dev/null`

// plays runs the playbook on a node, against itself or another one, and gives what waits for its end.
func (s *story) plays(on int, args string, tasks, pause int) (ends func()) {
	s.Helper()
	s.must(s.node(on).WriteFile(s.Context(), "/root/play.yml", fmt.Appendf(nil, playbook, tasks, pause), 0o600))
	s.on(on, "command -v ansible-playbook || { "+withAnsible+"; }")
	done := make(chan error, 1)
	go func() {
		out, err := s.node(on).Run(context.WithoutCancel(s.Context()), "sh", "-c", "cd /root && ansible-playbook "+args+" play.yml 2>&1")
		if err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
		done <- err
	}()
	return func() {
		s.Helper()
		select {
		case err := <-done:
			s.must(err)
		case <-time.After(3 * time.Minute):
			s.Fatal("the playbook does not end")
		}
	}
}

// standsBack makes a commit while a playbook runs, and wants nothing done of what is not ours to touch meanwhile.
func (s *story) standsBack(node int, i fmt.Stringer, because string, not ...string) {
	s.Helper()
	s.eventually(time.Minute, "the change of the playbook", func() bool {
		_, err := s.node(node).Run(s.Context(), "grep", "-q", "by a playbook", "/etc/pgbouncer/database.txt")
		return err == nil
	})
	from := len(s.journal())
	s.isTold(s.commit("meanwhile", i), because)
	time.Sleep(8 * time.Second) // of those that the playbook takes
	for _, did := range s.acted(from) {
		for _, part := range not {
			if strings.Contains(did, part) {
				s.Errorf("done while a playbook ran: %s", did)
			}
		}
	}
}

// TestPgsqlBesideAnsible: who runs a playbook, on a node of the fleet or from elsewhere, is not crossed; what he leaves is
// what the inventory says in the end.
func TestPgsqlBesideAnsible(t *testing.T) {
	long(t)
	s := onCluster(t)
	writer := s.loads(5433, true, 50)

	ends := s.plays(1, "-i localhost, -c local", 3, 25)
	s.standsBack(1, inside{users: []string{"{ name: patient }"}}, "PS132 somebody runs Ansible on 10.10.10.10 (process ", "")
	s.hasRole("patient", false)
	ends()
	s.converges(2 * time.Minute)
	s.hasRole("patient", true)

	key, err := os.ReadFile(s.lab.Key())
	s.must(err)
	s.must(s.node(5).WriteFile(s.Context(), "/root/key", key, 0o600))
	for _, piped := range []string{"False", "True"} {
		name := "patient_" + strings.ToLower(piped)
		s.must(s.node(5).WriteFile(s.Context(), "/root/ansible.cfg", []byte("[defaults]\nhost_key_checking = False\n[ssh_connection]\npipelining = "+piped+"\n"), 0o600))
		ends = s.plays(5, "-i "+address(2)+", -u "+lab.User+" --private-key /root/key", 20, 1)
		s.standsBack(2, beside{inside{users: []string{"{ name: patient }", "{ name: " + name + " }"}}, name},
			"PS132 somebody's Ansible works on 10.10.10.11", "@pg-test", "@"+address(2))
		if got := s.on(1, "grep -cw "+name+" /etc/hosts"); got != "1" {
			s.Errorf("the first node has %s lines of %s", got, name)
		}
		s.hasRole(name, false)
		ends()
		s.converges(2 * time.Minute)
		s.hasRole(name, true)
	}
	writer.lostNothing()
	s.quietLooks(2, "converged")
}

// beside is an inventory with a name that the first node alone knows.
type beside struct {
	inside
	name string
}

func (b beside) String() string {
	return strings.Replace(b.inside.String(), "pg_seq: 1, pg_role: primary", "pg_seq: 1, pg_role: primary, node_etc_hosts: [ 192.0.2.1 "+b.name+" ]", 1)
}
