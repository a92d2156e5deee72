package notify

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/reconcile"
)

// Kind is what a note is about.
type Kind string

// The kinds. All but Converged are conditions: they begin and are over.
const (
	Drift     Kind = "drift"     // something differs from a commit that had converged
	Held      Kind = "held"      // something waits for somebody
	Failed    Kind = "failed"    // a step does not succeed
	Unknown   Kind = "unknown"   // something cannot be observed
	Refused   Kind = "refused"   // a commit, or a part of it, cannot be acted on
	Source    Kind = "source"    // the repository cannot be read
	Converged Kind = "converged" // a commit has converged
)

// Kinds are all of them.
var Kinds = []Kind{Drift, Held, Failed, Unknown, Refused, Source, Converged}

// Note is one thing to tell.
type Note struct {
	When      time.Time
	Inventory string
	Owner     string // "" for the whole inventory
	Kind      Kind
	Over      bool     // it was so, and is no more
	Details   []string // what differs, old → new, masked
	Revision  string
	Author    string
	Subject   string
	Next      string // what to do
}

// topic is what is told of once until it is over.
type topic struct {
	inventory, owner string
	kind             Kind
}

// Memory is what was told: News tells what has changed since. The zero value has told nothing.
type Memory struct {
	standing  map[topic]bool
	converged map[string]string // the revision of an inventory that was last seen to converge
}

const maxDetails = 5

// News compares a picture with what was told, and remembers it as told.
func (m *Memory) News(s *reconcile.Status) (notes []Note) {
	if m.standing == nil {
		m.standing, m.converged = map[topic]bool{}, map[string]string{}
	}
	now := conditions(s)
	for t, n := range now {
		if !m.standing[t] {
			m.standing[t] = true
			notes = append(notes, n)
		}
	}
	for t := range m.standing {
		if _, still := now[t]; t.inventory == s.Inventory && !still && s.State != reconcile.Starting {
			delete(m.standing, t)
			over := note(s, t.owner, t.kind)
			over.Over = true
			notes = append(notes, over)
		}
	}
	if s.State == reconcile.InSync && m.converged[s.Inventory] != s.Revision {
		if m.converged[s.Inventory] != "" { // else the daemon has just begun
			notes = append(notes, note(s, "", Converged))
		}
		m.converged[s.Inventory] = s.Revision
	}
	slices.SortFunc(notes, func(a, b Note) int {
		return cmp.Or(cmp.Compare(a.Owner, b.Owner), cmp.Compare(a.Kind, b.Kind))
	})
	return notes
}

// conditions are what a picture shows that somebody should know.
func conditions(s *reconcile.Status) map[topic]Note {
	found := map[topic]Note{}
	add := func(owner string, kind Kind, next string) {
		n := note(s, owner, kind)
		n.Details, n.Next = details(s, owner), next
		found[topic{s.Inventory, owner, kind}] = n
	}
	kinds := map[reconcile.State]Kind{reconcile.OnHold: Held, reconcile.Failing: Failed, reconcile.Unknown: Unknown}
	for _, o := range s.Owners {
		if kind, tells := kinds[o.State]; tells {
			add(o.Owner, kind, next(s, kind))
		}
		if drifts(s, o.Owner) {
			add(o.Owner, Drift, next(s, Drift))
		}
	}
	if s.State == reconcile.Rejected {
		add("", Refused, next(s, Refused))
		n := found[topic{s.Inventory, "", Refused}]
		n.Details = problems(s)
		found[topic{s.Inventory, "", Refused}] = n
	}
	if s.Fetch != "" {
		add("", Source, next(s, Source))
	}
	return found
}

// drifts tells whether something of an owner has moved away from a commit that had converged.
func drifts(s *reconcile.Status, owner string) bool {
	return s.Drift && s.Plan != nil && slices.ContainsFunc(s.Plan.Steps, func(step diff.Step) bool {
		return step.Owner == owner && !step.Orphan && acts(step)
	})
}

func acts(s diff.Step) bool {
	return s.Action == diff.Create || s.Action == diff.Update || s.Action == diff.Delete
}

func note(s *reconcile.Status, owner string, kind Kind) Note {
	return Note{
		When: s.Seen, Inventory: s.Inventory, Owner: owner, Kind: kind,
		Revision: s.Revision, Author: s.Author, Subject: s.Subject,
	}
}

// details are the first differences of an owner, as a plan shows them.
func details(s *reconcile.Status, owner string) (lines []string) {
	if s.Plan == nil || owner == "" {
		return nil
	}
	more := 0
	for i, step := range s.Plan.Steps {
		if step.Owner != owner || step.Action == diff.Check {
			continue
		}
		if len(lines) == maxDetails {
			more++
			continue
		}
		lines = append(lines, detail(s, i))
	}
	if more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return lines
}

func detail(s *reconcile.Status, i int) string {
	step := s.Plan.Steps[i]
	text := fmt.Sprintf("%c %s", rune(step.Action), step.ID)
	for _, f := range s.Plan.Shown(step.Change) {
		text += fmt.Sprintf("; %s: %s → %s", f.Path, short(f.Have), short(f.Want))
	}
	for _, o := range s.Objections {
		if o.Step == i {
			return text + "; " + o.Code + " " + short(o.Reason)
		}
	}
	return text
}

func problems(s *reconcile.Status) (lines []string) {
	for _, p := range s.Problems {
		if p.Severity == "error" && len(lines) < maxDetails {
			lines = append(lines, p.Place+": "+short(p.Message))
		}
	}
	return lines
}

// short is as much of a text as fits into a line.
func short(text string) string {
	const most = 120
	line := []rune{}
	for _, r := range text {
		if len(line) == most {
			return string(line) + "…"
		}
		if r == '\n' || r == '\r' || r == '\t' {
			r = ' '
		}
		line = append(line, r)
	}
	return string(line)
}

// next is what to do about a condition.
func next(s *reconcile.Status, kind Kind) string {
	name := " --name " + s.Inventory
	switch kind {
	case Held:
		if s.Plan != nil {
			return "pigsync approve " + s.Plan.Digest() + name
		}
	case Drift:
		return "pigsync plan" + name
	case Refused:
		return "mend the commit: pigsync check"
	case Source, Failed, Unknown, Converged:
	}
	return "pigsync status" + name
}
