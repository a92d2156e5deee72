package etcd_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/executors/etcd"
	"github.com/pigsync/pigsync/resource"
)

const (
	canaryRoot = "c4n4ry-root"
	canaryNew  = "c4n4ry-new-root"
	canaryUser = "c4n4ry-user"
	canaryBad  = "c4n4ry-bad"
)

func secret(s string) resource.Secret { return resource.NewSecret(s) }

// quiet fails when an error or the log shows a password.
func (f *fleet) quiet(errs ...error) {
	f.t.Helper()
	for _, err := range errs {
		if s := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(s, "c4n4ry") {
			f.t.Errorf("an error shows a password: %s", s)
		}
	}
	if strings.Contains(f.log.String(), "c4n4ry") {
		f.t.Errorf("the log shows a password: %s", f.log)
	}
}

// trusted are n nodes whose passwords are known, with nothing on them.
func trusted(t testing.TB, n int) *fleet {
	t.Helper()
	f := newFleet(t, n)
	f.place.Passwords = []resource.Secret{secret(canaryRoot)}
	f.place.Logins["root"] = secret(canaryRoot)
	f.place.Logins["pg-test"] = secret(canaryUser)
	f.move()
	return f
}

// guarded is a cluster of one with authentication on, made in the order of a plan.
func guarded(t testing.TB, members ...int) *fleet {
	t.Helper()
	f := trusted(t, len(members))
	f.bootstrap(members...)
	f.made(id(resource.KindEtcdRole, "root"), resource.EtcdRole{})
	must(t, f.to(id(resource.KindEtcdUser, "root"), resource.EtcdUser{Password: secret(canaryRoot), Roles: []string{"root"}}))
	f.made(id(resource.KindEtcdAuth, "auth"), resource.EtcdAuth{Enabled: true})
	f.made(id(resource.KindEtcdRole, "pg-test"), resource.EtcdRole{Prefixes: []string{"/pg/pg-test/"}})
	f.made(id(resource.KindEtcdUser, "pg-test"), resource.EtcdUser{Password: secret(canaryUser), Roles: []string{"pg-test"}})
	return f
}

func TestAuthentication(t *testing.T) {
	t.Parallel()
	f := guarded(t, 1)
	if c := f.living(); !c.Auth || len(c.Members) != 1 {
		t.Errorf("got %+v", c)
	}
	rootUser, pgUser := id(resource.KindEtcdUser, "root"), id(resource.KindEtcdUser, "pg-test")
	pgRole := id(resource.KindEtcdRole, "pg-test")
	if s := f.see(rootUser); !reflect.DeepEqual(s.Spec, resource.EtcdUser{Password: secret(canaryRoot), Roles: []string{"root"}}) {
		t.Errorf("root: %+v", s)
	}

	t.Run("roles are exactly what is wanted", func(t *testing.T) {
		f.t = t
		f.made(pgRole, resource.EtcdRole{Prefixes: []string{"/pg/a/", "/pg/b/"}})
		f.etcdctl("role", "grant-permission", "pg-test", "read", "/everything")
		f.etcdctl("role", "grant-permission", "pg-test", "--prefix", "read", "/pg/b/")
		got, _ := f.see(pgRole).Spec.(resource.EtcdRole)
		if len(got.Prefixes) != 3 || strings.Contains(strings.Join(got.Prefixes[1:], " "), "/pg/a/") {
			t.Errorf("got %q", got.Prefixes)
		}
		f.made(pgRole, resource.EtcdRole{Prefixes: []string{"/pg/b/"}})
	})
	t.Run("a password and roles are changed", func(t *testing.T) {
		f.t = t
		f.etcdctl("role", "add", "extra")
		f.etcdctl("user", "grant-role", "pg-test", "extra")
		f.etcdctlIn(canaryBad+"\n", "user", "passwd", "pg-test", "--interactive=false")
		if s := f.see(pgUser); !reflect.DeepEqual(s.Spec, resource.EtcdUser{Roles: []string{"extra", "pg-test"}}) {
			t.Errorf("drifted: %+v", s)
		}
		f.made(pgUser, resource.EtcdUser{Password: secret(canaryUser), Roles: []string{"pg-test"}})
	})
	t.Run("root's password is rotated", func(t *testing.T) {
		f.t = t
		f.place.Passwords = []resource.Secret{secret(canaryNew), secret(canaryRoot)}
		f.place.Logins["root"] = secret(canaryNew)
		f.move()
		if s := f.see(rootUser); !reflect.DeepEqual(s.Spec, resource.EtcdUser{Roles: []string{"root"}}) {
			t.Errorf("before: %+v", s)
		}
		f.made(rootUser, resource.EtcdUser{Password: secret(canaryNew), Roles: []string{"root"}})
		// A fresh process knows the new one only.
		f.place.Passwords = f.place.Passwords[:1]
		f.renew()
		if c := f.living(); !c.Auth {
			t.Errorf("after: %+v", c)
		}
	})
	t.Run("a stale token is renewed", func(t *testing.T) {
		f.t = t
		f.living()
		f.etcdctlIn(canaryNew+"\n", "user", "passwd", "root", "--interactive=false") // ends every token of root
		f.living()
		must(t, f.to(pgRole, resource.EtcdRole{Prefixes: []string{"/pg/c/"}}))
	})
	t.Run("what moved is left alone", func(t *testing.T) {
		f.t = t
		for _, c := range []diff.Change{
			{Resource: resource.Resource{ID: pgUser, Spec: resource.EtcdUser{Password: secret(canaryBad)}}, Action: diff.Create},
			{Resource: resource.Resource{ID: pgRole, Spec: resource.EtcdRole{Prefixes: []string{"/x/"}}}, Action: diff.Update, Have: resource.EtcdRole{Prefixes: []string{"/y/"}}},
			{Resource: resource.Resource{ID: id(resource.KindEtcdRole, "gone"), Spec: resource.EtcdRole{}}, Action: diff.Delete, Have: resource.EtcdRole{}},
			{Resource: resource.Resource{ID: id(resource.KindEtcdAuth, "auth"), Spec: resource.EtcdAuth{Enabled: true}}, Action: diff.Create},
		} {
			err := f.apply(c)
			f.quiet(err)
			if !errors.Is(err, executors.ErrMoved) {
				t.Errorf("%s %s: %v", c.Action, c.ID, err)
			}
		}
	})
	t.Run("what would lock us out is refused", func(t *testing.T) {
		f.t = t
		for _, id := range []resource.ID{rootUser, id(resource.KindEtcdRole, "root"), id(resource.KindEtcdAuth, "auth")} {
			err := f.to(id, nil)
			f.quiet(err)
			if err == nil || errors.Is(err, executors.ErrMoved) {
				t.Errorf("removing %s: %v", id, err)
			}
		}
		for id, want := range map[resource.ID]resource.Spec{
			id(resource.KindEtcdAuth, "auth"):    resource.EtcdAuth{},
			pgUser:                               resource.EtcdUser{Roles: []string{"pg-test"}},
			pgRole:                               resource.EtcdRole{Prefixes: []string{""}},
			id(resource.KindEtcdRole, "root"):    resource.EtcdRole{Prefixes: []string{"/x"}},
			id(resource.KindEtcdHealth, "x"):     resource.EtcdHealth{},
			resource.EtcdClusterOf(clusterName):  resource.EtcdCluster{},
			id(resource.KindEtcdUser, "no-role"): resource.EtcdUser{Password: secret(canaryBad), Roles: []string{"nobody's"}},
		} {
			err := f.to(id, want)
			f.quiet(err)
			if err == nil {
				t.Errorf("%s was made %+v", id, want)
			}
		}
	})
	t.Run("users and roles go", func(t *testing.T) {
		f.t = t
		f.made(pgUser, nil)
		f.made(pgRole, nil)
	})
	t.Run("a password that is refused makes all unknown", func(t *testing.T) {
		f.t = t
		f.place.Passwords = []resource.Secret{secret(canaryBad), secret(canaryBad + "2")}
		f.renew()
		f.unknown("authentication failed for user root")
		for _, s := range f.exec.Observe(t.Context(), everything()) {
			f.quiet(s.Err)
			if !errors.Is(s.Err, etcd.ErrAuth) {
				t.Errorf("got %v", s.Err)
			}
		}
		f.place.Passwords = nil
		f.renew()
		f.unknown("authentication failed for user root")
		f.stop(1)
		f.absent()
	})
	f.quiet()
}

// Without a quorum nobody can log in; the cluster is there all the same.
func TestWithoutAQuorumAndWithAuthentication(t *testing.T) {
	t.Parallel()
	f := guarded(t, 1, 2, 3)
	f.living()
	f.stop(1)
	f.stop(2)
	for range 2 { // with a token, and without
		f.eventually("the loss of the quorum", func() bool { c, err := f.cluster(); f.quiet(err); return err == nil && !c.Quorum })
		f.renew()
	}
	f.start(2, "new", f.initial(1, 2, 3))
	f.eventually("the quorum", func() bool { c, _ := f.cluster(); return c.Quorum && c.Auth })
	if s := f.see(id(resource.KindEtcdUser, "pg-test")); s.Err != nil || s.Spec == nil {
		t.Errorf("got %+v", s)
	}
}
