package etcd_test

import (
	"strings"
	"testing"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// What is kept below a prefix goes as a whole, while nobody leads, and nothing beside it: pg-1 is not pg-10.
func TestKeysBelow(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	f.bootstrap(1)
	keys := id(resource.KindEtcdKeys, "/pg/pg-1/")
	if s := f.see(keys); s.Err != nil || s.Spec != nil {
		t.Errorf("without a key: %+v", s)
	}
	for _, key := range []string{"/pg/pg-1/leader", "/pg/pg-1/members/pg-1-1", "/pg/pg-10/leader", "/pg/pg-1"} {
		f.etcdctl("put", key, "x")
	}
	if s := f.see(keys); s.Err != nil || s.Spec != (resource.EtcdKeys{}) {
		t.Errorf("with keys: %+v", s)
	}
	drop := diff.Change{Resource: resource.Resource{ID: keys, Spec: resource.EtcdKeys{}}, Action: diff.Delete, Have: resource.EtcdKeys{}}
	if err := f.exec.Apply(t.Context(), drop); err == nil || !strings.Contains(err.Error(), "still leads") {
		t.Errorf("while somebody leads: %v", err)
	}
	f.etcdctl("del", "/pg/pg-1/leader")
	if err := f.exec.Apply(t.Context(), drop); err != nil {
		t.Error(err)
	}
	if s := f.see(keys); s.Err != nil || s.Spec != nil {
		t.Errorf("they are there still: %+v", s)
	}
	for _, key := range []string{"/pg/pg-10/leader", "/pg/pg-1"} {
		f.etcdctl("put", key, "--ignore-value") // which fails where there is no key
	}
	for _, prefix := range []string{"/", "", "//", "/pg/pg-1"} {
		drop.ID.Name = prefix
		if err := f.exec.Apply(t.Context(), drop); err == nil {
			t.Errorf("all below %q went", prefix)
		}
	}
}
