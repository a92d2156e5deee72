package node_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/pigsync/pigsync/resource"
)

// What is seen of Ansible, by its processes and by what it leaves in a home.
func TestAnsible(t *testing.T) {
	const login = "root:x:0:0:root:/root:/bin/bash\nadmin:x:1000:1000::/home/admin:/bin/bash\nnobody:x:65534:65534::/:/usr/sbin/nologin\n"
	tmp := "/home/admin/.ansible/tmp"
	for _, c := range []struct {
		name, program, arguments string
		left                     time.Duration // since a task was in a home; 0 for never
		homes                    string        // another file system for homes
		want                     resource.Ansible
	}{
		{name: "nothing"},
		{name: "a playbook", program: "ansible-playboo", want: resource.Ansible{Runs: 812}},
		{name: "a command", program: "ansible", want: resource.Ansible{Runs: 812}},
		{name: "only a reader", program: "ansible-invento"},
		{name: "a module", program: "python3", arguments: "/usr/bin/python3\x00/home/admin/.ansible/tmp/ansible-tmp-1/AnsiballZ_copy.py\x00", want: resource.Ansible{Tasks: true}},
		{name: "a module that comes through a pipe", program: "sudo", arguments: "sudo\x00-u\x00root\x00/bin/sh\x00-c\x00echo BECOME-SUCCESS-abc ; /usr/bin/python3\x00", want: resource.Ansible{Tasks: true}},
		{name: "another program in Python", program: "python3", arguments: "/usr/bin/python3\x00/usr/bin/patroni\x00"},
		{name: "a file that somebody looks at", program: "less", arguments: "less\x00AnsiballZ_copy.py\x00"},
		{name: "between two tasks", left: time.Second, want: resource.Ansible{Tasks: true}},
		{name: "a while ago", left: time.Minute},
		{name: "in a home that a server has", left: time.Second, homes: "nas:/home /home nfs4 rw 0 0\n"},
		{name: "in a home on another disk", left: time.Second, homes: "/dev/sdb /home xfs rw 0 0\n", want: resource.Ansible{Tasks: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := machine(t)
			write(t, dir+"/etc/passwd", login)
			write(t, dir+"/proc/self/mounts", "/dev/sda1 / ext4 rw 0 0\n"+c.homes)
			if c.program != "" {
				write(t, dir+"/proc/812/comm", c.program+"\n")
				write(t, dir+"/proc/812/cmdline", c.arguments)
			}
			if c.left != 0 {
				must(t, os.MkdirAll(dir+tmp, 0o700))
				when := time.Now().Add(-c.left)
				must(t, os.Chtimes(dir+tmp, when, when))
			}
			if got := see(t, local(t, dir), resource.FactsOf("n")).(resource.Facts).Ansible; got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// The kernel calls a process as the program is called, and tells its arguments.
func TestAnsibleOnThisMachine(t *testing.T) {
	playbook := filepath.Join(t.TempDir(), "ansible-playbook")
	must(t, os.WriteFile(playbook, []byte("#!/bin/sh\nread x\n"), 0o700)) //nolint:gosec // it is run
	for _, c := range []struct {
		argv []string
		want func(pid int) resource.Ansible
	}{
		{[]string{playbook}, func(pid int) resource.Ansible { return resource.Ansible{Runs: pid} }},
		{[]string{"sh", "-c", "echo BECOME-SUCCESS-abc; read x"}, func(int) resource.Ansible { return resource.Ansible{Tasks: true} }},
	} {
		cmd := exec.CommandContext(t.Context(), c.argv[0], c.argv[1:]...)
		in, err := cmd.StdinPipe()
		must(t, err)
		must(t, cmd.Start())
		got := see(t, local(t, "/"), resource.FactsOf("n")).(resource.Facts).Ansible
		if want := c.want(cmd.Process.Pid); got != want {
			t.Errorf("%v as process %d: got %+v, want %+v", c.argv, cmd.Process.Pid, got, want)
		}
		_ = cmd.Process.Kill()
		_ = in.Close()
		_ = cmd.Wait()
	}
}
