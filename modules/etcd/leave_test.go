package etcd_test

import (
	"slices"
	"testing"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/resource"
)

// Of several members that go, one leaves the list after the other, also with one between them that
// stays: who is ill first, the leader last.
func TestMembersLeaveOneAfterTheOther(t *testing.T) {
	for _, c := range []struct {
		stays string
		ill   int
		want  []string // the healthy member with the lowest number leads
	}{
		{"3", 4, []string{"etcd-4", "etcd-2", "etcd-5", "etcd-1"}},
		{"3", 1, []string{"etcd-1", "etcd-4", "etcd-5", "etcd-2"}},
		{"1", 4, []string{"etcd-4", "etcd-2", "etcd-3", "etcd-5"}},
	} {
		w, five := nodes(newWorld()), group("", "1", "2", "3", "4", "5")
		converge(t, w, five, nil, 5)
		w.stop(c.ill)
		r, err := w.assess(group("", c.stays), []*inventory.Inventory{five}, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		last := -1
		for i, s := range r.plan.Steps {
			if s.Action != diff.Delete || s.ID.Kind != resource.KindEtcdMember {
				continue
			}
			if last >= 0 && !slices.Contains(s.Needs, last) {
				t.Errorf("%s does not wait for %s", s.ID, r.plan.Steps[last].ID)
			}
			last, got = i, append(got, s.ID.Name)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("with etcd-%d ill and etcd-%s to stay they leave in the order %v, want %v", c.ill, c.stays, got, c.want)
		}
	}
}
