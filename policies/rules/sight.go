package rules

import (
	"github.com/google/cel-go/cel"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
)

// sight is all that an expression can tell steps apart by, in small numbers. What it does not name is left zero, so that
// steps that look the same to it are judged once.
type sight struct {
	owner, kind, labels, changes int32
	action                       diff.Action
	hazard                       resource.Hazard
	orphan, open                 bool
}

// look is what an expression sees of a step by the variables that it names.
type look uint16

const (
	seesKind look = 1 << iota
	seesOwner
	seesLabels
	seesChanges
	seesAction
	seesHazards
	seesOrphan
	seesWindow
	seesItself              // what differs from step to step
	sameEverywhere look = 0 // what is the same of all
)

// only is what is seen of a step with such a look.
func (s sight) only(l look) (seen sight) {
	if l&seesOwner != 0 {
		seen.owner = s.owner
	}
	if l&seesKind != 0 {
		seen.kind = s.kind
	}
	if l&seesLabels != 0 {
		seen.labels = s.labels
	}
	if l&seesChanges != 0 {
		seen.changes = s.changes
	}
	if l&seesAction != 0 {
		seen.action = s.action
	}
	if l&seesHazards != 0 {
		seen.hazard = s.hazard
	}
	seen.orphan = l&seesOrphan != 0 && s.orphan
	return seen
}

// expression is a rule's condition, and what it looks at.
type expression struct {
	cel.Program
	looks look
}

// looksAt finds what the variables see that an expression names.
func looksAt(ast *cel.Ast) (l look) {
	for _, ref := range ast.NativeRep().ReferenceMap() {
		if v, ours := variables[ref.Name]; ours {
			l |= v.sees
		}
	}
	return l
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
	if e.looks&seesItself != 0 {
		return ask(r, e.Program, m)
	}
	s := m.sights[m.at].only(e.looks)
	s.open = e.looks&seesWindow != 0 && m.open()[m.at]
	said, asked := o[s]
	if !asked {
		said = ask(r, e.Program, m)
		o[s] = said
	}
	return said
}
