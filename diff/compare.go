package diff

import (
	"errors"

	"github.com/pigsync/pigsync/resource"
)

// Action is what happens to a resource, spelled as it is printed.
type Action rune

// The actions.
const (
	Create Action = '+'
	Update Action = '~'
	Delete Action = '-'
	Check  Action = '=' // a gate beside a change
	Wait   Action = '?' // unknown: nothing may be done
)

// String is the glyph.
func (a Action) String() string { return string(a) }

// ErrNotKnown is the reason to wait for a resource whose spec depends on what does not exist yet,
// or could not be learned.
var ErrNotKnown = errors.New("what it should be is known only after what it depends on")

var errNotObserved = errors.New("it was not observed")

// Change is one difference between what should be and what is.
type Change struct {
	resource.Resource
	Action Action
	Have   resource.Spec // nil when there is nothing
	Fields []resource.Field
	Err    error // why a Wait waits
	Orphan bool  // its whole owner has left the inventory

	follows bool // it is only needed once a file that others change has changed
}

// Hazard is the union of what the change's fields may cost, and of the loss where something goes.
func (c Change) Hazard() (h resource.Hazard) {
	for _, f := range c.Fields {
		h |= f.Hazard
	}
	if c.Action == Delete {
		h |= loss(c.Spec) | loss(c.Have)
	}
	return h
}

func loss(s resource.Spec) resource.Hazard {
	if p, ok := s.(resource.Precious); ok {
		return p.Loss()
	}
	return 0
}

// Compare returns what must change for want to hold, in want's order, then what prior asked for
// and want no longer does, in prior's. Of an owner that has left as a whole it also returns what cannot be
// observed: otherwise a machine that is down would be forgotten.
func Compare(want, prior *resource.Set, have map[resource.ID]resource.State) []Change {
	var out []Change
	owners := map[string]bool{}
	for r := range want.All() {
		owners[r.Owner] = true
		if c, differs := compare(r, have); differs {
			out = append(out, c)
		}
	}
	for r := range prior.All() {
		if _, still := want.Get(r.ID); still {
			continue
		}
		if c, goes := remove(r, have, r.Parting == resource.Orphaned && !owners[r.Owner]); goes && removable(r, owners) {
			out = append(out, c)
		}
	}
	return append(out, outdated(out, want, have)...)
}

// remove is the change that takes r away, if there is anything to take.
func remove(r resource.Resource, have map[resource.ID]resource.State, orphan bool) (Change, bool) {
	s, seen := have[r.ID]
	c := Change{Resource: r, Action: Delete, Have: s.Spec, Orphan: orphan}
	switch {
	case seen && s.Err == nil && r.Spec != nil:
		if f, ok := r.Spec.(resource.Farewell); ok {
			c.Fields = f.Farewell()
		}
		return c, resource.Remains(s.Spec)
	case !orphan:
		return c, false
	case s.Err != nil:
		c.Action, c.Err, c.Have = Wait, s.Err, nil
	case !seen:
		c.Action, c.Err = Wait, errNotObserved
	default:
		c.Action, c.Err, c.Have = Wait, ErrNotKnown, nil
		return c, resource.Remains(s.Spec)
	}
	return c, true
}

func compare(r resource.Resource, have map[resource.ID]resource.State) (Change, bool) {
	s, seen := have[r.ID]
	c := Change{Resource: r, Have: s.Spec}
	switch {
	case s.Err != nil:
		c.Action, c.Err, c.Have = Wait, s.Err, nil
	case r.Spec == nil:
		c.Action, c.Err = Wait, ErrNotKnown
	case !seen:
		c.Action, c.Err = Wait, errNotObserved
	case s.Spec == nil && nothing(r.Spec):
		return c, false
	case s.Spec == nil:
		c.Action, c.Fields = making(Create, r.Spec), r.Spec.Compare(nil)
	default:
		c.Action, c.Fields = making(Update, r.Spec), r.Spec.Compare(s.Spec)
		return c, len(c.Fields) > 0
	}
	return c, true
}

// nothing tells whether a spec holds where nothing is.
func nothing(s resource.Spec) bool {
	e, ok := s.(resource.Empty)
	return ok && e.Empty()
}

// making is a, but a gate is only ever checked.
func making(a Action, s resource.Spec) Action {
	if _, gate := s.(resource.Gate); gate {
		return Check
	}
	return a
}

// removable tells whether a resource may go when nobody asks for it: a gate is only a question, and what is
// kept stays. Owners are those that still want something.
func removable(r resource.Resource, owners map[string]bool) bool {
	if _, gate := r.Spec.(resource.Gate); gate {
		return false
	}
	if r.Parting != resource.LikeALine && !owners[r.Owner] {
		return r.Parting == resource.Orphaned
	}
	return !r.Retain
}
