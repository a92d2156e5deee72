package reconcile

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
)

// stubborn fails or succeeds by the name of a step, and lets no gate ever hold.
type stubborn struct{ executors.Executor }

func (stubborn) Apply(ctx context.Context, c diff.Change) error {
	switch {
	case c.Action == diff.Check:
		<-ctx.Done()
		return ctx.Err()
	case c.ID.Name == "slow":
		time.Sleep(time.Minute)
	case c.ID.Name == "fails":
		return errors.New("boom")
	}
	return nil
}

func took(t *testing.T, names ...string) time.Duration {
	t.Helper()
	p := &diff.Plan{}
	for i, n := range names {
		p.Steps = append(p.Steps, diff.Step{Change: diff.Change{Resource: resource.Resource{ID: resource.ID{Kind: "file", Name: n, At: "n"}}, Action: diff.Create}})
		if n == "gate" {
			p.Steps[i].Action, p.Steps[i].Needs = diff.Check, []int{0}
		}
	}
	r := &Reconciler{Now: time.Now}
	began := time.Now()
	r.apply(t.Context(), stubborn{}, &Round{Plan: p, Verdicts: make([]policies.Verdict, len(p.Steps)), judged: &policies.Case{Plan: p}})
	return time.Since(began)
}

// Seen on real nodes: one lost power for four seconds, its step failed, and the gates of the others
// waited two minutes for it, though only the next round could mend it.
func TestGatesAreNotWaitedForInVain(t *testing.T) {
	tests := []struct {
		name  string
		steps []string
		want  time.Duration
	}{
		{"nothing failed: the gate has its time", []string{"quick", "gate"}, stepTimeout},
		{"a step failed", []string{"quick", "fails", "gate"}, gateGrace},
		{"a step failed, and another works on", []string{"quick", "fails", "slow", "gate"}, time.Minute + gateGrace},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			if got := took(t, tt.steps...); got != tt.want {
				t.Errorf("%s: took %s, want %s", tt.name, got, tt.want)
			}
		})
	}
}
