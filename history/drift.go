package history

import (
	"slices"
	"time"

	"github.com/pigsync/pigsync/resource"
)

// MaxDrifts is how many drifts are remembered; what is beyond that is as old as the newest sight of it.
const MaxDrifts = 1000

const (
	maxClues    = 32
	maxClueText = 200
)

// Drifted tells what has moved away from a commit that had converged, and what of that has come back before
// all had.
type Drifted struct {
	Revision string        `json:"revision"`
	Began    []Drift       `json:"began,omitempty"`
	Ended    []resource.ID `json:"ended,omitempty"`
}

// Drift is one resource that has drifted. What differs is not written down: it may be a secret.
type Drift struct {
	ID    resource.ID     `json:"id"`
	Owner string          `json:"owner"`
	Since time.Time       `json:"since"` // when it was first seen
	Clues []resource.Clue `json:"clues,omitempty"`
}

// Kind is KindDrifted.
func (Drifted) Kind() Kind { return KindDrifted }

func (d Drifted) bound() Entry {
	d.Revision, d.Began = oneLine(d.Revision), slices.Clone(d.Began[:min(len(d.Began), MaxDrifts)])
	for i, b := range d.Began {
		b.Owner = oneLine(b.Owner)
		b.Clues = slices.Clone(b.Clues[:min(len(b.Clues), maxClues)])
		for j, c := range b.Clues {
			c.At, c.Who, c.What = cut(oneLine(c.At), maxClueText), cut(oneLine(c.Who), maxClueText), cut(oneLine(c.What), maxClueText)
			b.Clues[j] = c
		}
		d.Began[i] = b
	}
	return d
}

// drift takes in what began and what ended.
func (s *state) drift(e Drifted) {
	s.last.outcome = nil
	s.Drifts = filter(s.Drifts, func(d Drift) bool { return !slices.Contains(e.Ended, d.ID) })
	for _, b := range e.Began {
		s.Drifts = filter(s.Drifts, func(d Drift) bool { return d.ID != b.ID })
		if len(s.Drifts) < MaxDrifts {
			s.Drifts = append(s.Drifts, b)
		}
	}
}

// Drifts are what is known to have drifted, by resource.
func (j *Journal) Drifts() map[resource.ID]Drift {
	j.mu.RLock()
	defer j.mu.RUnlock()
	known := make(map[resource.ID]Drift, len(j.state.Drifts))
	for _, d := range j.state.Drifts {
		known[d.ID] = d
	}
	return known
}
