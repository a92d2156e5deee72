package reconcile_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/sources"
)

// poller looks once a minute, and each look takes two seconds; it finds what the feed has.
type poller struct{ *feed }

func (p poller) Next(ctx context.Context, after string) (sources.Revision, error) {
	for ctx.Err() == nil {
		time.Sleep(2 * time.Second)
		sources.Looked(ctx, 2*time.Second)
		p.mu.Lock()
		rev := *p.now
		p.mu.Unlock()
		if rev.ID != after {
			return rev, nil
		}
		time.Sleep(58 * time.Second)
	}
	return sources.Revision{}, ctx.Err()
}

// Each look at the source is measured, and none of the time between them.
func TestEachLookAtTheSourceIsMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(t)
		f := &feed{story: s, news: make(chan struct{})}
		rev := s.commit("A", toyText(map[string]string{nodeA: "toy_files: [f]"}))
		f.set(&rev, nil)
		reg := prometheus.NewRegistry()
		d := reconcile.NewDaemon(s.Reconciler, poller{f}, time.Minute, reconcile.NewMetrics(reg, s.Name))
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- d.Serve(ctx) }()
		after(10*time.Minute + 3*time.Second)
		stop()
		<-done
		looks, took := histogram(t, reg, "pigsync_git_fetch_duration_seconds")
		if looks < 10 || took != 2*float64(looks) {
			t.Errorf("%d looks that took %v seconds in ten minutes, want one a minute, of two seconds each", looks, took)
		}
	})
}

// histogram gives the count and the sum of the only series of a histogram.
func histogram(t *testing.T, reg *prometheus.Registry, name string) (count uint64, sum float64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name && len(f.GetMetric()) == 1 {
			h := f.GetMetric()[0].GetHistogram()
			return h.GetSampleCount(), h.GetSampleSum()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0, 0
}
