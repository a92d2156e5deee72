package inventory

import (
	"fmt"
	"go/token"
	"slices"

	"gopkg.in/yaml.v3"
)

// Edit is one change to the text of an inventory: see Set, Rename, Delete, Insert and Append.
type Edit struct {
	op    operation
	at    Spot
	name  string // the new key
	value any
	after string // the key behind which a new one goes; empty for the end
}

type operation uint8

const (
	opSet operation = iota
	opRename
	opDelete
	opInsert
	opAppend
	opLift
)

// Spot is where an edit is made. Path names it from the top, with a dot between keys and the
// number of an item in brackets: all.children.pg-test.hosts.10.10.10.11.pg_seq, pg_users[0].name.
// A key with dots in it needs no quotes: the longest key that fits is taken. When Path is empty,
// Pos is the place of a key or of a value, as problems and values tell it; it is a place in the
// text as given to Apply, whatever edits come before. The zero Spot is the whole file.
type Spot struct {
	Path string
	Pos  token.Position
}

// At is the spot of a path.
func At(path string) Spot { return Spot{Path: path} }

func (s Spot) String() string {
	if s.Path != "" {
		return s.Path
	}
	return s.Pos.String()
}

// Set replaces a value. The value may be nil, a bool, an int, an int64, a finite float64, a
// string, a []any, a map[string]any, which is written in the order of its keys, or Pairs.
func Set(at Spot, value any) Edit { return Edit{op: opSet, at: at, value: value} }

// Rename gives a key another name.
func Rename(at Spot, name string) Edit { return Edit{op: opRename, at: at, name: name} }

// Delete removes a key with its value, or an item of a list, and the comments on its own lines.
func Delete(at Spot) Edit { return Edit{op: opDelete, at: at} }

// Insert adds a key to the mapping at a spot: behind the key called after, or at the end when
// after is empty.
func Insert(at Spot, key string, value any, after string) Edit {
	return Edit{op: opInsert, at: at, name: key, value: value, after: after}
}

// Append adds an item to the end of the list at a spot.
func Append(at Spot, value any) Edit { return Edit{op: opAppend, at: at, value: value} }

// Lift puts the entries of the mapping at a spot in the place of the key that held them.
func Lift(at Spot) Edit { return Edit{op: opLift, at: at} }

// Pairs is a mapping with an order.
type Pairs []Pair

// Pair is one entry of Pairs.
type Pair struct {
	Key   string
	Value any
}

// Apply makes the edits one after the other in the text of the file called name, and returns the
// new text. What is not asked for stays as it is, byte for byte: comments, layout, quotes and line
// ends. The result is read again: it has exactly the changes asked for, or there is an error and
// no text. An edit is refused where it would also change what an alias elsewhere stands for.
func Apply(name string, text []byte, edits ...Edit) ([]byte, error) {
	d, err := readDraft(name, text)
	if err != nil {
		return nil, err
	}
	todo, err := d.plan(edits)
	if err != nil {
		return nil, err
	}
	faults := d.faults
	for len(todo) > 0 {
		next, done, err := d.round(todo)
		if err != nil {
			return nil, err
		}
		if next.faults > faults {
			return nil, fmt.Errorf("%s: the edit would leave something that is no inventory", todo[0].at)
		}
		d, todo = next, todo[done:]
	}
	return d.text, nil
}

// planned is an edit with the steps that lead to it. For a path they are known when its turn
// comes, since it is a path in the text that the edits before leave.
type planned struct {
	Edit
	steps []step
}

// plan finds the places that are given as positions, which only the original text can tell.
func (d *draft) plan(edits []Edit) ([]planned, error) {
	todo := make([]planned, len(edits))
	var index map[[2]int]*trail
	for i, e := range edits {
		todo[i].Edit = e
		if e.at.Path != "" || !e.at.Pos.IsValid() {
			continue
		}
		if index == nil {
			index = d.positions()
		}
		found := index[[2]int{e.at.Pos.Line, e.at.Pos.Column}]
		if found == nil {
			return nil, fmt.Errorf("%s: no key and no value begins here", e.at)
		}
		todo[i].steps = found.steps()
	}
	return todo, nil
}

// round makes as many edits as do not disturb each other, at least the first, and returns the
// text with them, read again and compared with what was asked for.
func (d *draft) round(todo []planned) (*draft, int, error) {
	var all patches
	touched := map[*yaml.Node]bool{} // containers in which something came or went
	want, done := d.tree, 0
	for i := range todo {
		made, at, err := d.one(&todo[i])
		if i > 0 && (err != nil || at.through(touched) || all.overlap(made)) {
			break // the next round meets it in the text that these edits leave
		}
		if err != nil {
			return nil, 0, fmt.Errorf("%s: %w", todo[i].at, err)
		}
		if want, err = change(want, todo[i].steps, todo[i].Edit); err != nil {
			return nil, 0, fmt.Errorf("%s: %w", todo[i].at, err)
		}
		all, done = append(all, made...), i+1
		if c := at.container(todo[i].op); c != nil {
			touched[c] = true
		}
		follow(todo[i], todo[i+1:])
	}
	next, err := readDraft(d.src.name, all.apply(d.text))
	if err != nil {
		return nil, 0, fmt.Errorf("%s: the edit would leave no valid file: %w", todo[0].at, err)
	}
	if !same(next.tree, want) {
		return nil, 0, fmt.Errorf("%s: cannot be edited without changing something else", todo[0].at)
	}
	return next, done, nil
}

// one makes the patches of one edit.
func (d *draft) one(e *planned) (patches, slot, error) {
	if e.at.Path != "" {
		steps, err := d.parsePath(e.at.Path)
		if err != nil {
			return nil, slot{}, err
		}
		e.steps = steps
	}
	at, err := d.walk(e.steps)
	if err != nil {
		return nil, at, err
	}
	made, err := d.patch(e.Edit, at)
	return made, at, err
}

func (d *draft) patch(e Edit, at slot) (patches, error) {
	switch e.op {
	case opRename:
		return d.rename(at, e.name)
	case opDelete:
		return d.remove(at)
	case opInsert:
		return d.insert(at, e)
	case opAppend:
		return d.append(at, e.value)
	case opLift:
		return d.lift(at)
	}
	return d.set(at, e.value)
}

// follow corrects the places of later edits, given as positions, after an edit was made.
func follow(made planned, later []planned) {
	last := len(made.steps) - 1
	for i := range later {
		steps := later[i].steps
		if later[i].at.Path != "" || len(steps) <= last || !slices.Equal(steps[:last], made.steps[:last]) {
			continue
		}
		switch here, was := &steps[last], made.steps[last]; {
		case made.op == opRename && *here == was:
			here.key = made.name
		case made.op == opDelete && was.item && here.index > was.index:
			here.index--
		}
	}
}
