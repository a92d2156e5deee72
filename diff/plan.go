package diff

import (
	"fmt"
	"path"
	"slices"

	"github.com/pigsync/pigsync/resource"
)

// Plan is the changes in an order in which they may be made.
type Plan struct {
	Steps []Step
	// Mask hides what may not be shown of the texts of fields; nil hides nothing.
	Mask func(string) string
}

// Step is a change and the steps it waits for.
type Step struct {
	Change
	Needs []int // earlier steps of the plan that must succeed first
	Heeds []int // earlier steps that must have ended first, whatever came of them
}

// NewPlan orders changes by the edges of want, looking through what does not change, and puts the
// gates beside them. It fails when resources depend on each other in a circle, naming one.
func NewPlan(want *resource.Set, changes []Change) (*Plan, error) {
	g := newGraph(want, changes)
	for r := range want.All() {
		if err := g.visit(r.ID); err != nil {
			return nil, err
		}
	}
	needs, heeds := g.needs(), g.heeds()
	if p, err := g.order(g.following(needs, heeds), heeds); err == nil {
		return p, nil
	}
	if own := slices.DeleteFunc(slices.Clone(changes), func(c Change) bool { return c.follows }); len(own) < len(changes) {
		return NewPlan(want, own) // the next round sees what follows
	}
	return g.order(needs, make([][]int, len(needs))) // to heed is a courtesy: not in a circle
}

// graph finds for every resource the nearest changes that come before it.
type graph struct {
	want    *resource.Set
	changes []Change
	at      map[resource.ID]int   // index of the change of a resource
	beside  map[resource.ID]bool  // resources right before a change
	color   map[resource.ID]color // of the depth-first walk
	reach   map[resource.ID][]int // nearest changes before a resource
}

type color uint8

const (
	white color = iota
	grey
	black
)

func newGraph(want *resource.Set, changes []Change) *graph {
	n := want.Len()
	g := &graph{
		want: want, changes: slices.Clone(changes),
		at: make(map[resource.ID]int, len(changes)), beside: map[resource.ID]bool{},
		color: make(map[resource.ID]color, n), reach: make(map[resource.ID][]int, n),
	}
	for i, c := range changes {
		g.at[c.ID] = i
		if c.Action == Delete {
			continue
		}
		for _, a := range c.After {
			g.beside[a] = true
		}
	}
	return g
}

func (g *graph) visit(id resource.ID) error {
	switch g.color[id] {
	case black:
		return nil
	case grey:
		return fmt.Errorf("%s comes after itself", id)
	case white:
	}
	g.color[id] = grey
	r, _ := g.want.Get(id)
	var up []int
	for _, a := range r.After {
		if err := g.visit(a); err != nil {
			return err
		}
		if i, changed := g.at[a]; changed && g.changes[i].Action != Delete {
			up = append(up, i)
		} else {
			up = append(up, g.reach[a]...)
		}
	}
	slices.Sort(up)
	g.reach[id] = slices.Compact(up)
	g.check(r)
	g.color[id] = black
	return nil
}

// check makes a step of a gate that holds when a change stands on either side of it.
func (g *graph) check(r resource.Resource) {
	_, gate := r.Spec.(resource.Gate)
	_, changed := g.at[r.ID]
	if gate && !changed && (len(g.reach[r.ID]) > 0 || g.beside[r.ID]) {
		g.at[r.ID] = len(g.changes)
		g.changes = append(g.changes, Change{Resource: r, Action: Check, Have: r.Spec})
	}
}

// needs says for every change which others must come first. What goes waits for all its owner has
// to make, and for what was built upon it to be gone. What an owner that has left leaves behind waits for
// all that is made anywhere: others may still point at it.
func (g *graph) needs() [][]int {
	makes := map[string][]int{}
	for i, c := range g.changes {
		if c.Action != Delete {
			makes[c.Owner] = append(makes[c.Owner], i)
		}
	}
	needs := make([][]int, len(g.changes))
	for i, c := range g.changes {
		if c.Action == Delete {
			needs[i] = append(needs[i], makes[c.Owner]...)
		} else {
			needs[i] = g.reach[c.ID]
		}
	}
	for j, d := range g.changes {
		if d.Action != Delete {
			continue
		}
		for _, below := range d.After {
			if i, changed := g.at[below]; changed && g.changes[i].Action == Delete {
				needs[i] = append(needs[i], j)
			}
		}
	}
	g.orphansLast(needs)
	return needs
}

// orphansLast makes the first of the orphans to go wait for what is made; the others wait for the first.
func (g *graph) orphansLast(needs [][]int) {
	var made []int
	for i, c := range g.changes {
		if c.Action == Create || c.Action == Update {
			made = append(made, i)
		}
	}
	orphan := func(i int) bool { return g.changes[i].Orphan }
	for i, c := range g.changes {
		if c.Orphan && c.Action == Delete && !slices.ContainsFunc(needs[i], orphan) {
			needs[i] = append(needs[i], made...)
		}
	}
}

// readers read whatever files they find in a directory, whoever has put them there.
type readers interface{ ReadsFrom() []string }

// heeds says for every change which others it comes after, whether they succeed or not: who reads a directory
// reads it once its files are written.
func (g *graph) heeds() [][]int {
	in := map[spot][]int{}
	for i, c := range g.changes {
		if c.ID.Kind == resource.KindFile && c.Action != Wait && !c.Orphan {
			dir := spot{path.Dir(c.ID.Name), c.ID.At}
			in[dir] = append(in[dir], i)
		}
	}
	heeds := make([][]int, len(g.changes))
	for i, c := range g.changes {
		r, reads := c.Spec.(readers)
		if !reads || c.Action == Delete {
			continue
		}
		for _, dir := range r.ReadsFrom() {
			for _, f := range in[spot{dir, c.ID.At}] {
				if file := g.changes[f]; file.Action != Delete || file.Owner != c.Owner { // what an owner removes, it removes last
					heeds[i] = append(heeds[i], f)
				}
			}
		}
	}
	return heeds
}

// order sorts topologically and keeps the given order where edges leave a choice.
func (g *graph) order(needs, heeds [][]int) (*Plan, error) {
	waits := make([]int, len(needs))
	then := make([][]int, len(needs))
	for i := range needs {
		for _, before := range [][]int{needs[i], heeds[i]} {
			waits[i] += len(before)
			for _, n := range before {
				then[n] = append(then[n], i)
			}
		}
	}
	ready := make(indexHeap, 0, len(needs))
	for i, w := range waits {
		if w == 0 {
			ready.push(i)
		}
	}
	p, pos := &Plan{Steps: make([]Step, 0, len(needs))}, make([]int, len(needs))
	for len(ready) > 0 {
		i := ready.pop()
		pos[i] = len(p.Steps)
		p.Steps = append(p.Steps, Step{Change: g.changes[i], Needs: renumber(needs[i], pos), Heeds: renumber(heeds[i], pos)})
		for _, t := range then[i] {
			if waits[t]--; waits[t] == 0 {
				ready.push(t)
			}
		}
	}
	if len(p.Steps) < len(needs) {
		return nil, fmt.Errorf("%d changes wait for each other", len(needs)-len(p.Steps))
	}
	return p, nil
}

func renumber(needs, pos []int) []int {
	out := make([]int, len(needs))
	for i, n := range needs {
		out[i] = pos[n]
	}
	slices.Sort(out)
	return out
}
