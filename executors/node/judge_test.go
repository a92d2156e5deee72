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
