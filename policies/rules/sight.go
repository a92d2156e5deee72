package rules

import (
	"github.com/google/cel-go/cel"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
)

// sight is all that an expression can tell steps apart by. What it does not name is left zero, so that steps that
// look the same to it are judged once.
type sight struct {
	kind    resource.Kind
	owner   string
	labels  int // which of the sets of labels
	changes int
	action  diff.Action
	hazard  resource.Hazard
	orphan  bool
	open    bool
}

// What an expression sees of a step by naming a variable.
var (
	sameEverywhere = func(*moment, *sight) {}
	seesKind       = func(m *moment, s *sight) { s.kind = m.step.ID.Kind }
	seesOwner      = func(m *moment, s *sight) { s.owner = m.step.Owner }
	seesLabels     = func(m *moment, s *sight) { s.labels = m.alike[m.step.Owner] }
	seesChanges    = func(m *moment, s *sight) { s.changes = m.changes[m.step.Owner] }
	seesAction     = func(m *moment, s *sight) { s.action = m.step.Action }
	seesHazards    = func(m *moment, s *sight) { s.hazard = m.step.Hazard() }
	seesOrphan     = func(m *moment, s *sight) { s.orphan = m.step.Orphan }
	seesWindow     = func(m *moment, s *sight) { s.open = m.open()[m.at] }
)

// expression is a rule's condition, and what it looks at.
type expression struct {
	cel.Program
	looks  []func(*moment, *sight)
	unlike bool // it names what differs from step to step
}

// looksAt finds the variables that an expression names.
func looksAt(ast *cel.Ast) (looks []func(*moment, *sight), unlike bool) {
	seen := map[string]bool{}
	for _, ref := range ast.NativeRep().ReferenceMap() {
		v, ours := variables[ref.Name]
		if !ours || seen[ref.Name] {
			continue
		}
		seen[ref.Name] = true
		unlike = unlike || v.sees == nil
		looks = append(looks, v.sees)
	}
	return looks, unlike
}

// opinion is what a rule says of a step.
type opinion struct {
	policies.Objection
	objects bool
}

// opinions are what a rule said of steps so far, by how they look to it.
type opinions map[sight]opinion

// of asks the rule, unless a step that looks the same was judged before.
func (o opinions) of(r Rule, e *expression, m *moment) opinion {
	if e.unlike {
		return ask(r, e.Program, m)
	}
	var s sight
	for _, look := range e.looks {
		look(m, &s)
	}
	said, asked := o[s]
	if !asked {
		said = ask(r, e.Program, m)
		o[s] = said
	}
	return said
}
