package reconcile

import (
	"errors"
	"testing"

	"github.com/pigsync/pigsync/resource"
)

// What a machine was is known while it is away, and only then.
func TestMachinesAreRemembered(t *testing.T) {
	a, b := resource.FactsOf("a"), resource.FactsOf("b")
	var m machines
	seen := map[resource.ID]resource.State{a: {Spec: resource.Facts{CPU: 2}}, b: {Err: errors.New("away")}}
	m.recall([]resource.ID{a, b}, seen)
	if len(seen) != 2 {
		t.Errorf("something is remembered of who was never away, or never seen: %v", seen)
	}
	seen = map[resource.ID]resource.State{a: {Err: errors.New("away")}, b: {Err: errors.New("away")}}
	m.recall([]resource.ID{a, b}, seen)
	if f, _ := seen[resource.LastFactsOf("a")].Spec.(resource.Facts); f.CPU != 2 || len(seen) != 3 || seen[a].Err == nil {
		t.Errorf("got %v, want what a was", seen)
	}
}
