package node_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/pigsync/pigsync/executors/node"
	"github.com/pigsync/pigsync/resource"
)

// The helper of a controller that was killed may still be installing when the next one begins: neither
// lifts the policy of the other, which would let a package start its service.
func TestTwoInstallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, first := debian(t)
		d.offers["etcd-client"] = "3.5"
		begun, end := make(chan string), make(chan struct{})
		first.Run = func(ctx context.Context, c node.Command) ([]byte, error) {
			if slices.Contains(c.Argv, "install") && !slices.Contains(c.Argv, "--simulate") {
				begun <- c.Argv[len(c.Argv)-1]
				<-end
			}
			return d.run(ctx, c)
		}
		second := local(t, d.dir)
		second.Run = first.Run
		ended := make(chan error, 2)
		go func() { ended <- set(t, first, id(resource.KindPackage, "etcd-server"), resource.Package{}) }()
		if name := <-begun; name != "etcd-server" {
			t.Errorf("%s is installed first", name)
		}
		go func() { ended <- set(t, second, id(resource.KindPackage, "etcd-client"), resource.Package{}) }()
		synctest.Wait() // the second waits
		end <- struct{}{}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if name := <-begun; name != "etcd-client" {
			t.Errorf("%s is installed second", name)
		}
		if policy, err := os.ReadFile(d.dir + "/usr/sbin/policy-rc.d"); err != nil || !strings.Contains(string(policy), "exit 101") {
			t.Errorf("no policy keeps the second package quiet: %q, %v", policy, err)
		}
		end <- struct{}{}
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(d.dir + "/usr/sbin/policy-rc.d"); err == nil {
			t.Error("the policy stayed")
		}
	})
}
