package node_test

import (
	"testing"

	"github.com/pigsync/pigsync/resource"
)

// A number of somebody else is refused with his name, and nothing is made.
func TestAccountNumberTaken(t *testing.T) {
	l := local(t, machine(t))
	user := id(resource.KindUser, "dba")
	fails(t, set(t, l, user, resource.User{UID: 1, Group: "daemon"}), "uid 1 is already that of daemon: choose a number that nobody has")
	group := id(resource.KindGroup, "admin")
	fails(t, set(t, l, group, resource.Group{GID: 1}), "gid 1 is already that of daemon: choose a number that nobody has")
	if see(t, l, user) != nil || see(t, l, group) != nil {
		t.Error("something was made")
	}
}
