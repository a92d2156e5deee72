package history

import (
	"time"

	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
)

// maxEventText is how much of an error is kept in memory; the journal has more.
const maxEventText = 200

// trail is the newest events of all resources, by resource.
type trail struct {
	limit int
	byID  map[resource.ID]*track
	order []*track // a ring of whose event came when, once it is full
	next  int      // the oldest of the ring
}

type track struct {
	id     resource.ID
	events []policies.Event
}

func newTrail(limit int) trail { return trail{limit: limit, byID: map[resource.ID]*track{}} }

// add forgets the oldest event when there is no room.
func (t *trail) add(id resource.ID, e policies.Event) {
	e.Err = cut(e.Err, maxEventText)
	k := t.byID[id]
	if k == nil {
		k = &track{id: id}
		t.byID[id] = k
	}
	k.events = append(k.events, e)
	if len(t.order) < t.limit {
		t.order = append(t.order, k)
		return
	}
	t.forget(t.order[t.next])
	t.order[t.next] = k
	t.next = (t.next + 1) % t.limit
}

func (t *trail) forget(k *track) {
	if k.events = k.events[1:]; len(k.events) == 0 {
		delete(t.byID, k.id)
	}
}

// since copies the events of a resource from that time on.
func (t *trail) since(id resource.ID, since time.Time) []policies.Event {
	k := t.byID[id]
	if k == nil {
		return nil
	}
	return filter(k.events, func(e policies.Event) bool { return !e.When.Before(since) })
}
