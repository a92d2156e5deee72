package inventory

import (
	"errors"
	"io/fs"
	"path"
	"slices"
)

// An edit that gives variables other values leaves all else as it was: who is in which group, what is
// said of it, and every other value. The inventory is then that of before, with other blocks of variables
// in the place of those that were edited.
//
// Values know the file that they stand in, and with it what their expressions and references may ask. So this
// is done only to an inventory that asks for nothing (steady), and what older releases called
// differently is read in the usual way, since it is decided for the inventory as a whole.

// shared is the inventory of before with what was edited in it; nil when more has changed than values.
func (l *loader) shared(text []byte) *Inventory {
	if l.prev == nil || !l.prev.steady || l.name != l.prev.src.name || l.hasVarFiles() {
		return nil
	}
	r := &reader{loader: l, src: l.prev.src, old: *l.prev.read, text: text}
	r.compare()
	if r.shift != 0 || !r.find(r.old.root, 1, lastLine(r.old.text)+1) || !r.parse() || l.prev.saidOf(r.in.entries[r.from].key.line, r.end) {
		return nil
	}
	s := &sharing{reader: r, blocks: map[*entry]layer{}}
	root, ok := s.root()
	if !ok {
		return nil
	}
	inv, swapped := l.prev.with(s.blocks)
	if !swapped {
		return nil
	}
	inv.fsys = l.fsys
	inv.read = &kept{text: text, root: root, nodes: r.nodes, indicators: r.marks, simple: true}
	return inv
}

// hasVarFiles reports whether there may be variables beside the inventory.
func (l *loader) hasVarFiles() bool {
	return slices.ContainsFunc([]string{groupVars, hostVars}, func(dir string) bool {
		_, err := fs.Stat(l.fsys, path.Join(path.Dir(l.name), dir))
		return !errors.Is(err, fs.ErrNotExist)
	})
}

// saidOf reports whether there was a problem in some lines.
func (inv *Inventory) saidOf(from, to int) bool {
	return slices.ContainsFunc(inv.said, func(p Problem) bool { return from <= p.Pos.Line && p.Pos.Line < to })
}

// sharing makes the tree anew along the way to the change, and the blocks that are on it.
type sharing struct {
	*reader
	blocks map[*entry]layer // by the first entry of the block before
}

// part is what a mapping of an inventory holds.
type part uint8

const (
	groupsPart    part = iota // by name
	sectionsPart              // of a group
	hostsPart                 // by name
	variablesPart             // a block of them
	insidePart                // of a value
)

// below is what the value of an entry holds.
func (p part) below(key string) part {
	switch {
	case p == groupsPart:
		return sectionsPart
	case p == hostsPart, p == sectionsPart && key == "vars":
		return variablesPart
	case p == sectionsPart && key == "hosts":
		return hostsPart
	case p == sectionsPart:
		return groupsPart
	}
	return insidePart
}

// root is the new root; not when the change is not in variables alone.
func (s *sharing) root() (*node, bool) {
	held := groupsPart
	parts := make([]part, len(s.path))
	for i, way := range s.path {
		parts[i] = held
		held = held.below(way.in.entries[way.at].key.text)
	}
	made, ok := s.replaced(held)
	for i := len(s.path) - 1; i >= 0 && ok; i-- {
		way := s.path[i]
		entries := slices.Clone(way.in.entries)
		entries[way.at].value = made
		ok = s.note(parts[i], way.in.entries, entries, way.in.entries[way.at:way.at+1])
		made = way.in.holding(entries)
	}
	return made, ok
}

// replaced is the mapping around the change, which holds what was read again.
func (s *sharing) replaced(held part) (*node, bool) {
	old := s.in.entries[s.from:s.to]
	if slices.ContainsFunc(s.fresh, func(e entry) bool { return asks(e.value) }) {
		return nil, false
	}
	entries := slices.Concat(s.in.entries[:s.from], s.fresh, s.in.entries[s.to:])
	ok := held == insidePart ||
		held == variablesPart && s.note(held, s.in.entries, entries, slices.Concat(old, s.fresh)) ||
		held < variablesPart && s.same(held, old, s.fresh)
	return s.in.holding(entries), ok
}

// same reports whether the same names stand in the same places, and notes the blocks that belong to them.
func (s *sharing) same(held part, old, fresh []entry) bool {
	return slices.EqualFunc(old, fresh, func(was, e entry) bool {
		if was.key.text != e.key.text || was.key.kind != e.key.kind || was.key.pos() != e.key.pos() || was.value.kind != e.value.kind {
			return false
		}
		switch below := held.below(e.key.text); {
		case e.value.kind == Null:
			return true
		case e.value.kind != Map:
			return false
		case below == variablesPart:
			return s.note(below, was.value.entries, e.value.entries, slices.Concat(was.value.entries, e.value.entries))
		default:
			return s.same(below, was.value.entries, e.value.entries)
		}
	})
}

// note remembers the block in the place of another; not when what changed in it matters to more than values.
func (s *sharing) note(held part, was, entries, changed []entry) bool {
	if held != variablesPart {
		return true
	}
	if len(changed) == 0 {
		return true
	}
	if len(was) == 0 || slices.ContainsFunc(changed, func(e entry) bool { return decides(e.key.text) }) {
		return false
	}
	s.blocks[&was[0]] = newLayer(entries)
	return true
}

// decides reports whether more depends on a variable than its value.
func decides(name string) bool {
	_, old := oldNames()[name]
	return old || shapes[name] != nil || name == "version" || name == priority
}

// asks reports whether something in a value comes from elsewhere.
func asks(n *node) bool {
	return n.first(func(n *node) bool { return n.held != ready || n.kind == String && isReference(n.text) }) != nil
}

// holding is the mapping with other entries.
func (n *node) holding(entries []entry) *node {
	made := *n
	made.entries = entries
	return &made
}
