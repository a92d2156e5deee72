package reconcile

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

// lookTimeout ends a look at last, should an executor have no deadline of its own for it.
const lookTimeout = 5 * time.Minute

// look is one picture of the fleet. Every id is looked at once; a quiet round asks for everything it
// will need at the first look, and so asks every node once.
type look struct {
	hands executors.Executor
	now   func() time.Time
	began time.Time
	took  time.Duration
	seen  map[resource.ID]resource.State
}

func newLook(hands executors.Executor, now func() time.Time) *look {
	return &look{hands: hands, now: now, began: now(), seen: map[resource.ID]resource.State{}}
}

// see looks at what was not looked at yet.
func (l *look) see(ctx context.Context, lists ...[]resource.ID) {
	var ids []resource.ID
	for _, list := range lists {
		for _, id := range list {
			if _, known := l.seen[id]; !known {
				l.seen[id] = resource.State{Err: errNoAnswer}
				ids = append(ids, id)
			}
		}
	}
	if len(ids) == 0 {
		return
	}
	slices.SortFunc(ids, resource.ID.Compare)
	began := l.now()
	maps.Copy(l.seen, l.ask(ctx, ids))
	l.took += l.now().Sub(began)
}

// ask looks with a deadline.
func (l *look) ask(ctx context.Context, ids []resource.ID) map[resource.ID]resource.State {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	return executors.Seen(ids, func() map[resource.ID]resource.State { return l.hands.Observe(ctx, ids) })
}

// machines are what nodes were when they were last seen, by the ids of their facts.
type machines map[resource.ID]resource.State

// recall adds to what was seen what those machines were that are out of reach now.
func (m *machines) recall(surveyed []resource.ID, seen map[resource.ID]resource.State) {
	for _, id := range surveyed {
		if id != resource.FactsOf(id.At) {
			continue
		}
		switch last, known := (*m)[id]; {
		case seen[id].Spec != nil:
			m.note(id, seen[id])
		case known:
			seen[resource.LastFactsOf(id.At)] = last
		}
	}
}

func (m *machines) note(id resource.ID, s resource.State) {
	if *m == nil {
		*m = machines{}
	}
	(*m)[id] = s
}

// times says of every place that it was looked at when the look began.
func (l *look) times() map[string]time.Time {
	at := map[string]time.Time{}
	for id := range l.seen {
		at[id.At] = l.began
	}
	return at
}
