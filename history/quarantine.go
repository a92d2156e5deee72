package history

import (
	"slices"
)

const (
	maxGood        = 20 // revisions that converged
	maxQuarantined = 100
)

// Quarantined tells that a revision is known to be bad: it is not acted on, and an earlier one is in force.
type Quarantined struct {
	Revision string `json:"revision"`
	Return   string `json:"return"`       // the revision that is in force instead
	By       string `json:"by,omitempty"` // "" where its convergence has failed
	Reason   string `json:"reason"`
	Decision string `json:"decision,omitempty"`
}

// Forgiven tells that a revision is acted on again.
type Forgiven struct {
	Revision string `json:"revision"`
	By       string `json:"by"`
	Decision string `json:"decision,omitempty"`
}

// Kind is KindQuarantined.
func (Quarantined) Kind() Kind { return KindQuarantined }

// Kind is KindForgiven.
func (Forgiven) Kind() Kind { return KindForgiven }

func (q Quarantined) bound() Entry {
	q.Revision, q.Return, q.By, q.Reason = oneLine(q.Revision), oneLine(q.Return), oneLine(q.By), oneLine(q.Reason)
	return q
}

func (f Forgiven) bound() Entry {
	f.Revision, f.By = oneLine(f.Revision), oneLine(f.By)
	return f
}

func checkQuarantine(q *Quarantined) error {
	switch {
	case q.Revision == "" || q.Return == "":
		return badDecision("a rollback needs the revision that is bad and the one to return to")
	case q.Revision == q.Return:
		return badDecision("a revision cannot be returned to from itself")
	case q.By == "" || q.Reason == "":
		return badDecision("a rollback needs somebody and a reason")
	}
	return nil
}

func checkForgiven(f *Forgiven) error {
	if f.Revision == "" || f.By == "" {
		return badDecision("to forgive needs a revision and somebody")
	}
	return nil
}

// converge remembers a revision as good. The one that was good last is the last of them.
func (s *state) converge(e Converged) {
	s.Converged, s.Attempted, s.Idle, s.Left, s.Unfinished = e.Revision, nil, "", "", nil
	s.Good = newest(append(filter(s.Good, func(r string) bool { return r != e.Revision }), e.Revision), maxGood)
	s.last.outcome = e
}

func (s *state) quarantine(e Quarantined) {
	s.decide(e.Decision)
	s.forget(e.Revision)
	s.Quarantine = newest(append(s.Quarantine, e), maxQuarantined)
}

// forget takes a revision out of quarantine.
func (s *state) forget(revision string) {
	s.Quarantine = filter(s.Quarantine, func(q Quarantined) bool { return q.Revision != revision })
}

// Quarantined tells whether a revision is known to be bad, and what is in force instead.
func (j *Journal) Quarantined(revision string) (q Quarantined, bad bool) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	i := slices.IndexFunc(j.state.Quarantine, func(q Quarantined) bool { return q.Revision == revision })
	if i < 0 {
		return q, false
	}
	return j.state.Quarantine[i], true
}

// Bad are the revisions that are in quarantine, the oldest first.
func (j *Journal) Bad() []Quarantined {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return slices.Clone(j.state.Quarantine)
}

// LastGood is the newest revision that converged and is neither the one given nor in quarantine.
func (j *Journal) LastGood(other string) (revision string, ok bool) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	for _, r := range slices.Backward(j.state.Good) {
		bad := slices.ContainsFunc(j.state.Quarantine, func(q Quarantined) bool { return q.Revision == r })
		if r != other && !bad {
			return r, true
		}
	}
	return "", false
}

// Newest is the revision that was attempted last, "" when none was.
func (j *Journal) Newest() string {
	j.mu.RLock()
	defer j.mu.RUnlock()
	if n := len(j.state.Attempted); n > 0 {
		return j.state.Attempted[n-1]
	}
	return j.state.Converged
}

// Acted tells whether something was done for a revision that has not converged yet.
func (j *Journal) Acted(revision string) bool {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return slices.Contains(j.state.Attempted, revision) && j.state.Idle != revision
}
