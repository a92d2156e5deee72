package etcd_test

import (
	"errors"
	"testing"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

// A key that holds nothing is taken away; one that holds something never is, whatever the plan says.
func TestBlankKey(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	f.bootstrap(1)
	key := id(resource.KindEtcdBlank, "/pg/pg-test/initialize")
	change := diff.Change{Resource: resource.Resource{ID: key, Spec: resource.EtcdBlank{}}, Action: diff.Update, Have: resource.EtcdBlank{Blank: true}}
	if s := f.see(key); s.Err != nil || s.Spec != (resource.EtcdBlank{}) {
		t.Errorf("without a key: %+v", s)
	}
	f.etcdctl("put", key.Name, "")
	if s := f.see(key); s.Err != nil || s.Spec != (resource.EtcdBlank{Blank: true}) {
		t.Errorf("with a blank one: %+v", s)
	}
	if err := f.exec.Apply(t.Context(), change); err != nil {
		t.Error(err)
	}
	if s := f.see(key); s.Err != nil || s.Spec != (resource.EtcdBlank{}) {
		t.Errorf("it is there still: %+v", s)
	}
	f.etcdctl("put", key.Name, "7001")
	if err := f.exec.Apply(t.Context(), change); !errors.Is(err, executors.ErrMoved) {
		t.Errorf("of a key that holds something: %v, want ErrMoved", err)
	}
	f.etcdctl("put", key.Name, "--ignore-value") // which fails where there is no key
}
