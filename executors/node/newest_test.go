package node_test

import (
	"strings"
	"testing"

	"github.com/pigsync/pigsync/resource"
)

// The package manager is asked once for as long as neither its index nor the packages change.
func TestNewest(t *testing.T) {
	d, l := debian(t)
	name := id(resource.KindNewest, "etcd-server")
	if got := see(t, l, name); got != nil {
		t.Errorf("of a package that is not there it says %v", got)
	}
	must(t, d.write("etcd-server", "3.4"))
	asked := func() (n int) {
		for _, s := range d.said {
			if strings.HasPrefix(s, "apt-cache policy") {
				n++
			}
		}
		return n
	}
	for range 3 {
		if got := see(t, l, name); got != (resource.Newest{Installed: "3.4", Offered: "3.5"}) {
			t.Errorf("got %v", got)
		}
	}
	if n := asked(); n != 1 {
		t.Errorf("apt was asked %d times for what has not changed", n)
	}
	must(t, set(t, l, name, resource.Newest{}))
	if got := see(t, l, name); got != (resource.Newest{Installed: "3.5", Offered: "3.5"}) {
		t.Errorf("got %v", got)
	}
}
