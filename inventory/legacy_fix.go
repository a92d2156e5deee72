package inventory

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Left is something outdated that Modernize could not rewrite.
type Left struct {
	Outdated
	Err error
}

// Modernize writes what is outdated in one file of an inventory as v4 wants it, and leaves all else
// as it stands. It returns the new text, what was rewritten and what could not be, by place.
func Modernize(inv *Inventory, file string, text []byte) ([]byte, []Outdated, []Left) {
	var todo []Outdated
	for _, o := range inv.Outdated() {
		if o.Pos.Filename == file && o.name == "" {
			todo = append(todo, o)
		}
	}
	// A name with another meaning goes before something else takes it over.
	slices.SortStableFunc(todo, func(a, b Outdated) int { return cmp.Compare(b.frees, a.frees) })
	done := whole(todo, applicable(file, text, nil, todo))
	out, err := Apply(file, text, edits(done)...)
	if err != nil {
		return text, nil, []Left{{Err: err}} // applicable has tried it
	}
	for _, o := range inv.Outdated() {
		if o.name != "" {
			out, done = inv.writeDown(file, out, done, o)
		}
	}
	byPlace := func(a, b Outdated) int { return compareProblems(Problem{Pos: a.Pos}, Problem{Pos: b.Pos}) }
	var left []Left
	for _, o := range todo {
		if !slices.ContainsFunc(done, func(d Outdated) bool { return byPlace(d, o) == 0 }) {
			_, err := Apply(file, text, o.edits...)
			if err == nil {
				err = errors.New("it is read together with others that have to stay")
			}
			left = append(left, Left{o, err})
		}
	}
	slices.SortStableFunc(done, byPlace)
	return out, done, left
}

// whole returns done without the families of which something could not be done.
func whole(todo, done []Outdated) []Outdated {
	missing := map[string]bool{}
	for _, o := range todo {
		if !slices.ContainsFunc(done, func(d Outdated) bool { return d.Pos == o.Pos }) {
			missing[o.family] = true
		}
	}
	return slices.DeleteFunc(done, func(o Outdated) bool { return o.family != "" && missing[o.family] })
}

func edits(list []Outdated) []Edit {
	var all []Edit
	for _, o := range list {
		all = append(all, o.edits...)
	}
	return all
}

// applicable returns done with those of todo that can be made beside it. When all of them cannot,
// each half is tried, so that one that is refused costs few attempts.
func applicable(file string, text []byte, done, todo []Outdated) []Outdated {
	if len(todo) == 0 {
		return done
	}
	all := slices.Concat(done, todo)
	_, err := Apply(file, text, edits(all)...)
	switch {
	case err == nil:
		return all
	case len(todo) == 1:
		return done
	}
	half := len(todo) / 2
	return applicable(file, text, applicable(file, text, done, todo[:half]), todo[half:])
}

// writeDown says in the inventory's own file what only names told that are now replaced, or what was a
// default of the release: what it means stays what it means.
func (inv *Inventory) writeDown(file string, text []byte, done []Outdated, o Outdated) ([]byte, []Outdated) {
	if file != inv.File() {
		return text, done
	}
	line := Pairs{{o.name, o.value}}
	tries := []Edit{
		Insert(At("all.vars"), o.name, o.value, ""),
		Insert(At("all"), "vars", line, ""),
		Insert(Spot{}, "all", Pairs{{"vars", line}}, ""),
	}
	for _, e := range tries {
		if out, err := Apply(file, text, e); err == nil {
			return out, append(done, o)
		}
	}
	return text, done
}

// SameMeaning reports whether two inventories have the same groups and hosts and set every
// variable to the same value on each host, but for the version. The error says what differs.
func SameMeaning(a, b *Inventory) error {
	if len(a.hosts) != len(b.hosts) {
		return errors.New("there are other hosts")
	}
	for i, h := range a.hosts {
		other := b.hosts[i]
		if h.Addr != other.Addr || !sameGroups(h, other) {
			return fmt.Errorf("host %s is in other groups", h.Addr)
		}
		names := append(h.Names(), other.Names()...)
		slices.Sort(names)
		for _, name := range slices.Compact(names) {
			if name != "version" && !sameVariable(h, other, name) {
				return fmt.Errorf("%s means something else on host %s", quoteKey(name), h.Addr)
			}
		}
	}
	return nil
}

func sameGroups(a, b *Host) bool {
	groups := b.Groups()
	return len(a.Groups()) == len(groups) && !slices.ContainsFunc(a.Groups(), func(g *Group) bool {
		return !slices.ContainsFunc(groups, func(other *Group) bool { return g.called(other.Name) || other.called(g.Name) })
	})
}

func sameVariable(a, b *Host, name string) bool {
	x, inA := a.Lookup(name)
	y, inB := b.Lookup(name)
	return inA == inB && same(x.orNull(), y.orNull())
}
