package node

import (
	"errors"
	"testing"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

// An etcd that was taken off its cluster's list ends by itself, right before its unit is to go: seen on
// real nodes in every removal.
func TestAUnitThatEndedByItselfMayGo(t *testing.T) {
	running, ended := resource.Unit{Active: true, Enabled: true}, resource.Unit{Enabled: true}
	for _, tt := range []struct {
		name      string
		have, now resource.Unit
		moved     bool
	}{
		{"as it was", running, running, false},
		{"it ended", running, ended, false},
		{"somebody started it", ended, running, true},
	} {
		c := diff.Change{Resource: resource.Resource{ID: resource.ID{Kind: resource.KindUnit, Name: "etcd", At: "n"}, Spec: running}, Action: diff.Delete, Have: tt.have}
		if _, err := judge(c, tt.now); errors.Is(err, executors.ErrMoved) != tt.moved {
			t.Errorf("%s: got %v", tt.name, err)
		}
	}
}

// A package that another change brought, and whose script failed, is for its own change to mend: only so
// does anybody learn what is wrong with it.
func TestAPackageInTroubleIsMendedByItsChange(t *testing.T) {
	id := resource.ID{Kind: resource.KindPackage, Name: "a", At: "n"}
	c := diff.Change{Resource: resource.Resource{ID: id, Spec: resource.Package{}}, Action: diff.Create}
	if done, err := judge(c, resource.Package{Name: "a", Trouble: "half-configured"}); done || err != nil {
		t.Errorf("done %v, %v", done, err)
	}
	c.Spec = resource.Package{Version: "2"}
	if _, err := judge(c, resource.Package{Name: "a", Version: "1"}); !errors.Is(err, executors.ErrMoved) {
		t.Errorf("another version: %v", err)
	}
}

// An account comes with its home. That is as good as if we had made it, unless it is another one than was wanted.
func TestAHomeThatCameWithItsAccountIsThere(t *testing.T) {
	want := resource.Dir{Mode: 0o700, Owner: "postgres", Group: "postgres"}
	c := diff.Change{Resource: resource.Resource{ID: resource.ID{Kind: resource.KindDir, Name: "/var/lib/pgsql", At: "n"}, Spec: want}, Action: diff.Create}
	if done, err := judge(c, want); !done || err != nil {
		t.Errorf("as it was wanted: done %v, %v", done, err)
	}
	open := want
	open.Mode = 0o755
	if _, err := judge(c, open); !errors.Is(err, executors.ErrMoved) {
		t.Errorf("open to all: %v", err)
	}
}
