package ssh_test

import (
	"os"
	"slices"
	"testing"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/executors/ssh"
	"github.com/pigsync/pigsync/resource"
)

const publicKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8mTsJVBz0Z8wDWvmM4Rm3uO5D0dJ0VbXkxyGSFbk7j"

// What stands beside a private key is told without its comment; what is no key is left out.
func TestIdentity(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a.pub": publicKey + " me@home\n", "b.pub": "no key\n"} {
		if err := os.WriteFile(dir+"/"+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	e := executors.Mux{resource.KindIdentity: &ssh.Identity{KeyFiles: []string{dir + "/b", dir + "/none", dir + "/a"}}}
	other := resource.ID{Kind: resource.KindIdentity, Name: "x", At: "y"}
	seen := e.Observe(t.Context(), []resource.ID{resource.IdentityID, other})
	got, ok := seen[resource.IdentityID].Spec.(resource.Identity)
	if !ok || !slices.Equal(got.Keys, []string{publicKey}) || seen[other].Err == nil {
		t.Errorf("got %+v", seen)
	}
	if e.Apply(t.Context(), diff.Change{Resource: resource.Resource{ID: resource.IdentityID}}) == nil {
		t.Error("it was changed")
	}
}
