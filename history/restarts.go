package history

import (
	"slices"
	"time"

	"github.com/pigsync/pigsync/resource"
)

// What is remembered of restarts that are waited for at most: what is beyond that is as old as its first sight since
// the last start.
const (
	maxRestarts   = 2000
	maxReasons    = 16
	maxReasonText = 100
)

// Restarts tells which instances of PostgreSQL wait for a restart, or for other reasons than before, and which do
// no longer.
type Restarts struct {
	Pending []PendingRestart `json:"pending,omitempty"`
	Over    []resource.ID    `json:"over,omitempty"`
}

// PendingRestart is an instance that waits. Of its parameters the names are written down alone: a value may be a secret.
type PendingRestart struct {
	ID      resource.ID     `json:"id"`
	Cluster string          `json:"cluster"`
	Since   time.Time       `json:"since"` // when it was first seen to wait for what it waits for now
	Reasons []PendingReason `json:"reasons,omitempty"`
}

// PendingReason is a parameter that takes effect with the restart.
type PendingReason struct {
	Name  string    `json:"name"`
	Since time.Time `json:"since"`
}

// Names are those of its parameters.
func (p PendingRestart) Names() (names []string) {
	for _, r := range p.Reasons {
		names = append(names, r.Name)
	}
	return names
}

// Kind is KindRestarts.
func (Restarts) Kind() Kind { return KindRestarts }

func (r Restarts) bound() Entry {
	r.Pending = slices.Clone(r.Pending[:min(len(r.Pending), maxRestarts)])
	for i, p := range r.Pending {
		p.Cluster, p.Reasons = oneLine(p.Cluster), slices.Clone(p.Reasons[:min(len(p.Reasons), maxReasons)])
		for j := range p.Reasons {
			p.Reasons[j].Name = cut(oneLine(p.Reasons[j].Name), maxReasonText)
		}
		r.Pending[i] = p
	}
	return r
}

// wait takes in who waits for a restart; who is known is not forgotten for others. It is no outcome: a round that was
// held before is held still.
func (s *state) wait(e Restarts) {
	news := make(map[resource.ID]PendingRestart, len(e.Pending))
	for _, p := range e.Pending {
		news[p.ID] = p
	}
	var all []PendingRestart
	for _, p := range s.Restarts {
		if now, again := news[p.ID]; again {
			p = now
			delete(news, p.ID)
		} else if slices.Contains(e.Over, p.ID) {
			continue
		}
		all = append(all, p)
	}
	for _, p := range e.Pending {
		if _, fresh := news[p.ID]; fresh && len(all) < maxRestarts {
			all = append(all, p)
			delete(news, p.ID)
		}
	}
	s.Restarts = all
}

// PendingRestarts are the instances that are known to wait for a restart.
func (j *Journal) PendingRestarts() map[resource.ID]PendingRestart {
	j.mu.RLock()
	defer j.mu.RUnlock()
	known := make(map[resource.ID]PendingRestart, len(j.state.Restarts))
	for _, p := range j.state.Restarts {
		known[p.ID] = p
	}
	return known
}
