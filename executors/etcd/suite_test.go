package etcd_test

import (
	"context"
	"errors"
	"flag"
	"net"
	"os"
	"reflect"
	"testing"

	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/executors/etcd"
	"github.com/pigsync/pigsync/executors/exectest"
	"github.com/pigsync/pigsync/resource"
)

// TestMain lets more tests run at a time than there are processors: they wait for servers, mostly.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// blind is a hand that does not get to the cluster.
func blind(testing.TB) executors.Executor {
	e := etcd.New(etcd.Options{Dial: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("no way there") }})
	e.SetPlaces([]resource.EtcdPlace{{
		At: clusterName, User: "root", CA: "PEM", Passwords: []resource.Secret{secret(canaryRoot)},
		Endpoints: []resource.Endpoint{{Member: "etcd-1", Node: "n", Addr: "127.0.0.1:1"}},
	}})
	return e
}

// suite are the samples of a cluster, and what is true of every one.
func suite(samples ...exectest.Sample) exectest.Options {
	return exectest.Options{
		Samples: samples, Blind: blind,
		Strange: []resource.ID{id(resource.KindFile, "/etc/etcd/etcd.conf"), {Kind: resource.KindEtcdRole, Name: "r", At: "elsewhere"}},
		Secrets: func() []string { return []string{canaryRoot, canaryUser} },
	}
}

func role(name string, prefixes ...string) resource.Resource {
	return resource.Resource{ID: id(resource.KindEtcdRole, name), Spec: resource.EtcdRole{Prefixes: prefixes}}
}

// roles is a sample of its own name, next to that of root.
func roles() exectest.Sample {
	return exectest.Sample{
		ID: role("r").ID,
		Specs: []resource.Spec{
			resource.EtcdRole{}, resource.EtcdRole{Prefixes: []string{"/b/", "/a/"}}, resource.EtcdRole{Prefixes: []string{"/a/", "/c"}}, resource.EtcdRole{Prefixes: []string{"/d/"}},
		},
		Never: []resource.Spec{resource.EtcdRole{Prefixes: []string{""}}},
	}
}

// Before authentication is on, nobody needs to log in. It is only ever switched on, and only once
// there is a root who can: whose password cannot be tested before.
func TestSuiteOpen(t *testing.T) {
	t.Parallel()
	root := resource.Resource{ID: id(resource.KindEtcdUser, "root"), Spec: resource.EtcdUser{Password: secret(canaryRoot), Roles: []string{"root"}}}
	exectest.Run(t, func(t testing.TB) executors.Executor {
		f := trusted(t, 1)
		f.bootstrap(1)
		return f.exec
	}, suite(roles(), exectest.Sample{
		ID: id(resource.KindEtcdAuth, "auth"), First: resource.EtcdAuth{}, Specs: []resource.Spec{resource.EtcdAuth{Enabled: true}},
		Needs: []resource.Resource{role("root"), root}, Never: []resource.Spec{nil, resource.EtcdAuth{}},
	}))
}

// With authentication, root stays: without it nobody could log in. Users go through roles; a password
// is known only when it is the declared one.
func TestSuiteGuarded(t *testing.T) {
	t.Parallel()
	user := func(word string, roles ...string) resource.EtcdUser {
		return resource.EtcdUser{Password: secret(word), Roles: roles}
	}
	f := guarded(t, 1)
	o := suite(
		roles(),
		exectest.Sample{
			ID: role("root").ID, First: resource.EtcdRole{},
			Never: []resource.Spec{nil, resource.EtcdRole{Prefixes: []string{"/x"}}},
		},
		exectest.Sample{
			ID: id(resource.KindEtcdUser, "root"), First: user(canaryRoot, "root"), Never: []resource.Spec{nil, user("")},
		},
		exectest.Sample{
			ID: id(resource.KindEtcdUser, "pg-test"), First: user(canaryUser, "pg-test"), Needs: []resource.Resource{role("one"), role("two")},
			Specs: []resource.Spec{user(canaryUser, "one", "two"), user(canaryUser), user(canaryUser, "two")},
			Never: []resource.Spec{user("", "one")},
		},
		exectest.Sample{
			ID: id(resource.KindEtcdAuth, "auth"), First: resource.EtcdAuth{Enabled: true}, Never: []resource.Spec{nil, resource.EtcdAuth{}},
		},
	)
	exectest.Run(t, func(t testing.TB) executors.Executor {
		t.Cleanup(func() { f.putBack(o.Samples) })
		return newExecutor(f)
	}, o)
}

// putBack makes every sample what it was first.
func (f *fleet) putBack(samples []exectest.Sample) {
	for _, s := range samples {
		switch now := f.see(s.ID); {
		case now.Err != nil:
			f.t.Error(now.Err)
		case !reflect.DeepEqual(now.Spec, s.First):
			f.made(s.ID, s.First)
		}
	}
}

// Root could be lost before authentication is on, too: then the server would not mind.
func TestRootStays(t *testing.T) {
	t.Parallel()
	f := trusted(t, 1)
	f.bootstrap(1)
	root := id(resource.KindEtcdUser, "root")
	must(t, f.to(role("root").ID, resource.EtcdRole{}))
	must(t, f.to(root, resource.EtcdUser{Password: secret(canaryRoot), Roles: []string{"root"}}))
	for _, id := range []resource.ID{root, role("root").ID} {
		if err := f.to(id, nil); err == nil || f.see(id).Spec == nil {
			t.Errorf("%s went: %v", id, err)
		}
	}
}
