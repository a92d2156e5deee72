package etcd_test

import (
	"slices"
	"testing"
	"time"

	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

// What Patroni keeps of a cluster is watched: its configuration stirs, positions in the log do not, and neither
// do the keys of other clusters.
func TestKeysOfPatroniAreWatched(t *testing.T) {
	f := newFleet(t, 1)
	f.bootstrap(1)
	f.exec.SetPatroni([]resource.PGPlace{{At: "pg-test", Keys: "/pg/pg-test/"}})
	stirs := make(chan executors.Stir, 100)
	f.exec.Watch([]resource.ID{resource.PGClusterOf("pg-test")}, func(s executors.Stir) { stirs <- s })
	next := func() executors.Stir {
		select {
		case s := <-stirs:
			return s
		case <-time.After(20 * time.Second):
			t.Fatalf("nothing stirs: %+v", f.exec.Watches())
		}
		return executors.Stir{}
	}
	if s := next(); s.At != "pg-test" || s.IDs != nil {
		t.Fatalf("the watch began with %+v, want a reason to look at everything", s)
	}
	if w := f.exec.Watches(); len(w) != 1 || w[0].Err != nil || w[0].Source != executors.SourceEtcd {
		t.Fatalf("the watches are %+v", w)
	}
	f.etcdctl("put", "/pg/pg-meta/config", "{}")
	f.etcdctl("put", "/pg/pg-test/status", "1")
	f.etcdctl("put", "/pg/pg-test/members/pg-test-1", `{"state":"running","xlog_location":1}`)
	if s := next(); len(s.IDs) != 1 || s.IDs[0].Name != "members/pg-test-1" {
		t.Errorf("a new member stirs %+v", s)
	}
	f.etcdctl("put", "/pg/pg-test/members/pg-test-1", `{"state":"running","xlog_location":2}`)
	f.etcdctl("put", "/pg/pg-test/config", `{"ttl":33}`)
	if s := next(); len(s.IDs) != 1 || s.IDs[0].Name != "config" {
		t.Errorf("after a position and a configuration were written %+v stirred, want the configuration", s)
	}
	for range 2 {
		if s := next(); len(s.IDs) != 1 || s.IDs[0].Name != "config" {
			t.Errorf("a while after a configuration was written %+v stirs, want the configuration again", s)
		}
	}
	f.stop(1)
	if s := next(); s.IDs != nil {
		t.Errorf("after the loss %+v stirs, want everything", s)
	}
	lost := func(w executors.Watch) bool { return w.Err != nil }
	if w := f.exec.Watches(); !slices.ContainsFunc(w, lost) {
		t.Errorf("the watch was lost, and is told to be %+v", w)
	}
}
