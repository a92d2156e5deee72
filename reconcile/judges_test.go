package reconcile_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/sources"
)

// wantHeld wants a run to end held, with these objections and until then.
func (s *story) wantHeld(rev sources.Revision, code string, until time.Time) *reconcile.Round {
	s.t.Helper()
	round := s.run(s.t.Context(), rev)
	if round.Outcome() != reconcile.Held {
		s.t.Fatalf("it is %v, want held\n%s", round.Outcome(), show(round))
	}
	for _, o := range round.Objections {
		if o.Code == code {
			if !o.Until.Equal(until) {
				s.t.Errorf("%s until %s, want %s", code, o.Until, until)
			}
			return round
		}
	}
	s.t.Errorf("no %s:\n%s", code, show(round))
	return round
}

// What was there before us is only compared until somebody accepts it; what is in sync needs nobody.
func TestAdoption(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(t)
		s.Policies, s.Adopts = append(s.Policies, policies.Adoption([]string{"toy/*"})), true
		rev := s.commit("A", toyText(map[string]string{nodeA: "toy_files: [x]"}))
		s.wantHeld(rev, "PS127", time.Time{})
		if err := s.Journal.Append(history.Adopted{Owners: []string{"toy/" + nodeA}, By: "me"}); err != nil {
			t.Fatal(err)
		}
		s.converge(rev, false)
		s.wantThere(nodeA, "x")
		// In sync once is ours for ever, also for the process that comes next.
		policy, adopts := s.Policies, s.Adopts
		s.restart()
		s.Modules, s.Policies, s.Adopts = []*modules.Module{toy()}, policy, adopts
		s.converge(s.commit("B", toyText(map[string]string{nodeA: "toy_files: [x, y]"})), false)
		s.wantThere(nodeA, "x", "y")
	})
}

// crier is a witness of one word.
type crier struct {
	word sources.Word
	err  error
}

func (c *crier) Words(context.Context, string) ([]sources.Word, error) {
	if c.err != nil {
		return nil, c.err
	}
	return []sources.Word{c.word}, nil
}

// Who agreed elsewhere to exactly this plan lets it through, once; a witness who does not answer says nothing.
func TestAWordGivenElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := leaving(t, tended)
		held := s.leaves()
		w := &crier{word: sources.Word{ID: "1", Digest: "000000000000", By: "ann", Via: policies.ViaCommit, When: time.Now()}}
		s.Witnesses = []sources.Witness{w}
		s.wantHeld(s.commits["B"], "PS108", time.Time{}) // another plan
		w.err, w.word.Digest = errors.New("no answer"), held.Plan.Digest()
		s.wantHeld(s.commits["B"], "PS108", time.Time{})
		w.err = nil
		s.converge(s.commits["B"], false)
		s.wantThere(nodeB, "k")
		// The same commit again, the same word: it was used up.
		s.converge(s.commit("C", toyText(map[string]string{nodeA: "toy_files: [x]", nodeB: tended})), false)
		s.wantHeld(s.commits["B"], "PS108", time.Time{})
		s.wantThere(nodeB, "k", "p", "q")
	})
}

// A review that was dismissed, edited or taken back counts no more, however often it was heard before; nor does one of
// which nobody can tell.
func TestAReviewThatIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := leaving(t, tended)
		s.Policies = append(s.Policies, policies.Consents([]policies.Consent{
			{Need: 2, Via: []string{policies.ViaReview}, Scope: policies.Scope{Owners: []string{"toy/" + nodeB}}},
		}, nil))
		held := s.leaves()
		review := func(id string) sources.Word {
			return sources.Word{ID: id, Digest: held.Plan.Digest(), By: "gitea:git/" + id, Via: policies.ViaReview, When: time.Now()}
		}
		ann, bob := &crier{word: review("ann")}, &crier{word: review("bob")}
		b := s.commits["B"]
		s.Witnesses = []sources.Witness{ann}
		s.wantHeld(b, "PS115", time.Time{})
		ann.word.Digest = "" // dismissed
		s.Witnesses = []sources.Witness{ann, bob}
		s.wantHeld(b, "PS115", time.Time{})
		ann.word, bob.err = review("ann"), errors.New("no answer")
		s.wantHeld(b, "PS115", time.Time{})
		s.wantThere(nodeB, "k", "p", "q")
		bob.err = nil
		s.converge(b, false)
		s.wantThere(nodeB, "k")
	})
}

// agree lets the plan of a round through for a month.
func (s *story) agree(r *reconcile.Round) time.Time {
	s.t.Helper()
	now := time.Now()
	planned := history.NewPlanned(r.Revision.ID, r.Plan, r.Verdicts, r.Objections)
	if err := s.Journal.Append(history.Approved{Approval: planned.Approval("me", now, now.Add(30*24*time.Hour))}); err != nil {
		s.t.Fatal(err)
	}
	return now
}

const week = 7 * 24 * time.Hour

// What leaves rests for a week once that was approved, and goes then; who comes back meanwhile has all of it back.
func TestQuarantine(t *testing.T) {
	for name, back := range map[string]bool{"gone": false, "back again": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := leaving(t, tended)
				s.Policies = append(s.Policies, policies.Quarantines(policies.Quarantine{Period: week}))
				b := s.commit("B", toyText(map[string]string{nodeA: "toy_files: [x]"}))
				approved := s.agree(s.wantHeld(b, "PS108", time.Time{}))
				time.Sleep(6 * 24 * time.Hour)
				s.wantHeld(b, "PS126", approved.Add(week))
				s.wantThere(nodeB, "k", "p", "q")
				if back {
					s.converge(s.commit("C", toyText(map[string]string{nodeA: "toy_files: [x]", nodeB: tended})), false)
					time.Sleep(week)
					s.wantThere(nodeB, "k", "p", "q")
					return
				}
				time.Sleep(24 * time.Hour)
				s.converge(b, false)
				s.wantThere(nodeB, "k")
			})
		})
	}
}

// A commit reaches the second ring when the first has it, has soaked, and measures well; nobody who answers is a no.
func TestRingsOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(t)
		few := 0.01
		sample := policies.Sample{Err: "connection refused"}
		s.Policies = append(s.Policies, policies.Rings([]policies.Ring{
			{Name: "dev", Owners: []string{"toy/" + nodeA}, Soak: time.Hour, Gates: []policies.Gate{{Name: "errors", Max: &few}}},
			{Name: "production", Owners: []string{"toy/*"}},
		}))
		s.Measure = func(context.Context) map[string]policies.Sample {
			sample.When = time.Now()
			return map[string]policies.Sample{"errors": sample}
		}
		rev := s.commit("A", toyText(map[string]string{nodeA: "toy_files: [x]", nodeB: "toy_files: [x]"}))
		s.wantHeld(rev, "PS124", time.Now().Add(time.Hour))
		s.wantThere(nodeA, "x")
		s.wantThere(nodeB)
		time.Sleep(time.Hour)
		if round := s.wantHeld(rev, "PS125", time.Time{}); !strings.Contains(show(round), "connection refused") {
			t.Error(show(round))
		}
		sample = policies.Sample{Value: 0.5}
		s.wantHeld(rev, "PS125", time.Time{})
		sample = policies.Sample{Value: 0.001}
		s.converge(rev, false)
		s.wantThere(nodeB, "x")
	})
}

// What somebody changes back again and again is let go of, until the hour is over.
func TestAFight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(t)
		rev := s.commit("A", toyText(map[string]string{nodeA: "toy_files: [x]"}))
		s.converge(rev, false)
		first := time.Now() // the commit made it, and counts
		for range 4 {
			time.Sleep(time.Minute)
			s.fleet.Set(toyFile("x", nodeA), nil)
			s.converge(rev, false)
		}
		time.Sleep(time.Minute)
		s.fleet.Set(toyFile("x", nodeA), nil)
		s.wantHeld(rev, "PS129", first.Add(time.Hour))
		time.Sleep(time.Until(first.Add(time.Hour + time.Second)))
		s.converge(rev, false)
		s.wantThere(nodeA, "x")
	})
}
