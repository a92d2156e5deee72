package reconcile_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/reconcile"
)

// A freeze that begins in the middle of a round stops it there, and its end lets it go on.
func TestAFreezeStopsARoundUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(t)
		s.hands = &slow{Executor: s.fleet, takes: time.Minute}
		now := time.Now()
		s.Policies = append(s.Policies, policies.Freezes([]policies.Freeze{{From: now.Add(90 * time.Second), Until: now.Add(time.Hour), Reason: "evening"}}))
		rev := s.commit("A", toyText(map[string]string{nodeA: "toy_files: [f1, f2, f3]"}))
		if round := s.run(t.Context(), rev); round.Outcome() != reconcile.Held {
			t.Errorf("it is %v\n%s", round.Outcome(), show(round))
		}
		s.wantThere(nodeA, "f1", "f2") // the second had begun
		time.Sleep(time.Hour)
		s.converge(rev, false)
		s.wantThere(nodeA, "f1", "f2", "f3")
	})
}

// deciding writes into the journal after the first change.
type deciding struct {
	*slow
	decide func()
	done   bool
}

func (d *deciding) Apply(ctx context.Context, c diff.Change) error {
	err := d.slow.Apply(ctx, c)
	if !d.done {
		d.done = true
		d.decide()
	}
	return err
}

// So does somebody who asks to keep hands off.
func TestAHoldStopsARoundUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(t)
		s.hands = &deciding{slow: &slow{Executor: s.fleet, takes: time.Minute}, decide: func() {
			order := policies.HoldOrder{Owner: "toy/*", By: "me", Reason: "wait", Until: time.Now().Add(time.Hour)}
			if err := s.Journal.Append(history.HoldOrdered{HoldOrder: order}); err != nil {
				t.Error(err)
			}
		}}
		rev := s.commit("A", toyText(map[string]string{nodeA: "toy_files: [f1, f2, f3]"}))
		if round := s.run(t.Context(), rev); round.Outcome() != reconcile.Held {
			t.Errorf("it is %v\n%s", round.Outcome(), show(round))
		}
		s.wantThere(nodeA, "f1")
		time.Sleep(time.Hour)
		s.converge(rev, false)
		s.wantThere(nodeA, "f1", "f2", "f3")
	})
}

// What a round does itself takes no approval away from it: what was approved together goes in one round.
func TestAnApprovalLastsForItsRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(t)
		s.hands = &slow{Executor: s.fleet, takes: time.Minute}
		s.converge(s.commit("A", toyText(map[string]string{nodeA: "toy_files: [f1, f2, f3]"})), false)
		s.Policies = []*policies.Policy{{Name: "p", Judge: func(c *policies.Case) (os []policies.Objection) {
			for i, step := range c.Plan.Steps {
				os = append(os, policies.Objection{Step: i, Verdict: policies.Hold})
				gone := func(e policies.Event) bool { return e.Action == diff.Delete }
				if len(c.Approvals) > 0 && !slices.ContainsFunc(c.Past(step.ID, c.Approvals[0].When), gone) {
					os = os[:len(os)-1]
				}
			}
			// All or nothing, as removals are judged.
			if len(os) > 0 {
				os = append(os, policies.Objection{Step: len(c.Plan.Steps) - 1, Verdict: policies.Hold})
			}
			return os
		}}}
		rev := s.commit("B", toyText(map[string]string{nodeA: "toy_files: []"}))
		round := s.run(t.Context(), rev)
		s.approve(round)
		if round = s.run(t.Context(), rev); round.Outcome() != reconcile.Converged {
			t.Errorf("it is %v\n%s", round.Outcome(), show(round))
		}
		s.wantThere(nodeA)
	})
}
