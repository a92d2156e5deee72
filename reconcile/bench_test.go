package reconcile_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/executors/memory"
	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/modules/all"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/resource"
	"github.com/pigsync/pigsync/sources"
)

// nodes is an inventory of n hosts and the world they live in.
func nodes(n int) (sources.Revision, *memory.World) {
	w, text := memory.New(1), "all:\n  vars: { node_repo_modules: '' }\n  hosts:\n"
	for i := range n {
		at := fmt.Sprintf("10.0.%d.%d", i/250, 1+i%250)
		text += fmt.Sprintf("    %s: { nodename: n%d, node_packages: [a, b, c] }\n", at, i)
		w.Set(resource.FactsOf(at), resource.Facts{Hostname: "h", Distro: "debian", Release: "13", Packages: "deb"})
	}
	return revision("A", text), w
}

func settledOn(b *testing.B, rev sources.Revision, w *memory.World) *reconcile.Reconciler {
	b.Helper()
	j, err := history.Open(b.TempDir()+"/journal", history.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { j.Close() })
	r := &reconcile.Reconciler{
		Name: "test", File: "pigsty.yml", Modules: all.Modules(), Policies: policies.Default(),
		Reach: func(resource.Places) executors.Executor { return w }, Now: time.Now,
	}
	if round, err := r.Run(b.Context(), rev, nil, nil); err != nil || round.Outcome() != reconcile.Converged {
		b.Fatal(err, show(round))
	}
	r.Journal = j
	return r
}

func BenchmarkRound(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("quiet/%dnodes", n), func(b *testing.B) {
			rev, w := nodes(n)
			r := settledOn(b, rev, w)
			b.ReportAllocs()
			for b.Loop() {
				if round, err := r.Run(b.Context(), rev, nil, nil); err != nil || round.Outcome() != reconcile.Converged {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRoundPriors is a round while so many commits have been tried since one converged.
func BenchmarkRoundPriors(b *testing.B) {
	rev, w := nodes(100)
	r := settledOn(b, rev, w)
	priors := make([]sources.Revision, 50)
	for i := range priors {
		priors[i] = rev
		priors[i].ID = fmt.Sprint("P", i)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Round(b.Context(), rev, priors); err != nil {
			b.Fatal(err)
		}
	}
}
