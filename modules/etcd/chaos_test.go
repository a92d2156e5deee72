package etcd_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/policies"
)

// Whatever happens to a minority, and whatever is wanted then of those that can be reached: the
// cluster becomes that, and then nothing is left to do.
func TestAnyMinorityIsSurvived(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.SampledFrom([]int{1, 3, 5}).Draw(t, "size")
		w := nodes(newWorld())
		var was []string
		for n := 1; n <= size; n++ {
			was = append(was, strconv.Itoa(n))
		}
		old := group("", was...)
		settle(t, w, old, nil)
		burnt := harm(t, w, size)
		var is []string
		for n := 1; n <= size+2; n++ {
			if !slices.Contains(burnt, n) && (n == 1 || rapid.Bool().Draw(t, fmt.Sprint("wanted ", n))) {
				is = append(is, strconv.Itoa(n))
			}
		}
		if len(is) == 0 {
			is = []string{strconv.Itoa(size + 1)}
		}
		vars := rapid.SampledFrom([]string{"", "etcd_election_timeout: 3000"}).Draw(t, "vars")
		if !settle(t, w, group(vars, is...), []*inventory.Inventory{old}) {
			return
		}
		var got []string
		for _, p := range w.members {
			if p.learner || !w.healthy(p) {
				t.Fatalf("left: %s", w)
			}
			got = append(got, p.name[len("etcd-"):])
		}
		slices.Sort(got)
		if !slices.Equal(got, is) {
			t.Fatalf("members %v, want %v", got, is)
		}
	})
}

// harm does something to a minority, and lists the nodes that are gone for good.
func harm(t *rapid.T, w *world, size int) (burnt []int) {
	for i := range rapid.IntRange(0, (size-1)/2).Draw(t, "harmed") {
		n := rapid.IntRange(1, size).Draw(t, fmt.Sprint("victim ", i))
		switch rapid.SampledFrom([]string{"stop", "lose", "burn"}).Draw(t, fmt.Sprint("harm ", i)) {
		case "stop":
			w.stop(n)
		case "lose":
			w.lose(n)
		case "burn":
			w.burn(n)
			burnt = append(burnt, n)
		}
	}
	return burnt
}

// settle makes rounds until nothing is left to do. It reports false where the quorum policy stops it for
// good: of two voters none can ever be spared for a restart.
func settle(t *rapid.T, w *world, inv *inventory.Inventory, priors []*inventory.Inventory) bool {
	const most = 12
	var last *round
	for range most {
		r, err := w.assess(inv, priors, judges())
		if err != nil {
			t.Fatal(err)
		}
		if len(r.plan.Steps) == 0 {
			return true
		}
		w.walk(r)
		last = r
	}
	stopped := func(o policies.Objection) bool { return o.Code == "PS104" }
	if all, up := w.voters(); all != 2 || up != 2 || !slices.ContainsFunc(last.objected, stopped) {
		t.Fatalf("not converged after %d rounds: %s; the last was %s", most, w, last.brief())
	}
	return false
}
