package node_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/pigsync/pigsync/resource"
)

// A pair is made once, tells its public half, and is never made again.
func TestSSHKey(t *testing.T) {
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("needs ssh-keygen")
	}
	dir := machine(t)
	l := local(t, dir)
	must(t, os.MkdirAll(dir+"/home/dba", 0o700))
	key := resource.SSHKeyOf("/home/dba/id_ed25519", "n")
	want := resource.SSHKey{Mode: 0o600, Comment: "dba@10.10.10.10", Published: true}
	if err := set(t, l, key, want); err != nil {
		t.Fatal(err)
	}
	made := see(t, l, key).(resource.SSHKey)
	private := text(t, dir+"/home/dba/id_ed25519")
	if !strings.HasPrefix(made.Public, "ssh-ed25519 AAAA") || text(t, dir+"/home/dba/id_ed25519.pub") != made.Public+" dba@10.10.10.10\n" {
		t.Errorf("got %+v", made)
	}
	out, err := exec.Command("ssh-keygen", "-y", "-f", dir+"/home/dba/id_ed25519").Output()
	if err != nil || !strings.HasPrefix(string(out), made.Public) {
		t.Errorf("ssh-keygen reads %s, %v", out, err)
	}
	if left, err := os.ReadDir(dir + "/var/lib/pigsync/keys"); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
	must(t, os.Chmod(dir+"/home/dba/id_ed25519", 0o644))
	write(t, dir+"/home/dba/id_ed25519.pub", "ssh-ed25519 AAAA somebody else's\n")
	if d := want.Compare(see(t, l, key)); len(d) != 2 {
		t.Errorf("got %+v", d)
	}
	if err := set(t, l, key, want); err != nil {
		t.Fatal(err)
	}
	if d := want.Compare(see(t, l, key)); len(d) > 0 || text(t, dir+"/home/dba/id_ed25519") != private {
		t.Errorf("got %+v", d)
	}
}

// What is no key of a form we know is told by what stands beside it.
func TestSSHKeyForms(t *testing.T) {
	dir := machine(t)
	l := local(t, dir)
	key := resource.SSHKeyOf("/etc/id_rsa", "n")
	for private, public := range map[string]string{
		"-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n":                         "ssh-rsa AAAAB3",
		"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END OPENSSH PRIVATE KEY-----\n": "ssh-rsa AAAAB3",
		"": "ssh-rsa AAAAB3",
	} {
		write(t, dir+"/etc/id_rsa", private)
		write(t, dir+"/etc/id_rsa.pub", "ssh-rsa AAAAB3 me\n")
		if got := see(t, l, key).(resource.SSHKey); got.Public != public || !got.Published {
			t.Errorf("%q: got %+v", private, got)
		}
	}
}
