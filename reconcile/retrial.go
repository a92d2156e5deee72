package reconcile

import (
	"sync"
	"time"

	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
)

// retrialAfter is how old a judgement may be when a step begins.
const retrialAfter = time.Second

// retrial judges a plan again while it is carried out: a round may take many minutes, and meanwhile a
// window closes, an approval expires, or somebody asks to keep hands off. What it did itself is no
// argument in it: who approved a step has approved the plan it stands in.
type retrial struct {
	*Reconciler
	first policies.Case

	mu       sync.Mutex
	at       time.Time
	verdicts []policies.Verdict
}

func (r *Reconciler) newRetrial(round *Round) *retrial {
	c := *round.judged
	past, began := c.Past, c.Now
	if past != nil {
		c.Past = func(id resource.ID, since time.Time) (before []policies.Event) {
			for _, e := range past(id, since) {
				if !e.When.After(began) {
					before = append(before, e)
				}
			}
			return before
		}
	}
	return &retrial{Reconciler: r, first: c, at: began, verdicts: round.Verdicts}
}

// allows tells whether a step may still begin. What was held stays held in this round.
func (t *retrial) allows(step int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := t.Now(); now.Before(t.at) || now.Sub(t.at) >= retrialAfter {
		again := t.first
		again.Now = now
		if t.Journal != nil {
			again.Holds = t.Journal.Holds(now)
		}
		t.at = now
		t.verdicts, _ = policies.Judge(&again, t.Policies)
	}
	return t.verdicts[step] == policies.Allow
}
