package reconcile_test

import (
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/reconcile"
)

// maxComment is how many bytes of a comment every forge takes.
const maxComment = 65_536

// A commit changes every one of many clusters, five thousand with PIGSYNC_SOAK=1: all converge, the next commit is not lost
// meanwhile, what is said of it on a forge is short enough, the journal stays whole, and memory is given back.
func TestACommitOfManyClusters(t *testing.T) {
	many := 100
	if os.Getenv("PIGSYNC_SOAK") == "1" {
		many = 5000
	}
	hosts := map[string]string{}
	for i := range many {
		hosts[fmt.Sprintf("10.0.%d.%d", i/250, i%250+1)] = "toy_files: [a], toy_text: one"
	}
	one := toyText(hosts)
	synctest.Test(t, func(t *testing.T) {
		s := tell(t, newFleet(t, slices.Collect(maps.Keys(hosts))...))
		s.Modules = []*modules.Module{toy()}
		v := serve(t, s)
		v.push("A", one)
		after(time.Minute)
		before := v.wantState(reconcile.InSync, "A").Round()
		held := heap()
		v.push("B", strings.ReplaceAll(one, "toy_text: one", "toy_text: two"))
		proposal, err := v.d.Preview(t.Context(), "B", v.commit("P", strings.ReplaceAll(one, "toy_text: one", "toy_text: three")).Tree)
		if err != nil {
			t.Fatal(err)
		}
		review := reconcile.NewReview(proposal, before)
		if review.Steps != many || len(review.Text) > maxComment || !strings.Contains(review.Text, fmt.Sprint(many)) {
			t.Errorf("%d steps are said in %d bytes", review.Steps, len(review.Text))
		}
		v.push("C", strings.ReplaceAll(one, "toy_text: one", "toy_text: four"))
		after(time.Minute)
		v.wantState(reconcile.InSync, "C")
		after(10 * time.Minute)
		if more := heap() - held; more > 100<<20 {
			t.Errorf("%d MB are held afterwards", more>>20)
		}
		if err := history.Verify(s.dir); err != nil {
			t.Error(err)
		}
	})
}

// heap is what is in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
