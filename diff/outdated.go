package diff

import (
	"path"
	"slices"

	"github.com/pigsync/pigsync/resource"
)

// reader reads files that others put into a directory, and what it has read is no more what is there once one of
// them changes. Outdated is what it will be then; ok is false where that is no affair of its.
type reader interface {
	Outdated(file string, have resource.Spec) (then resource.Spec, ok bool)
}

// outdated are the changes that others bring about: who reads a file reads it again in the same plan, so that the
// plan says so, and no further round is needed.
func outdated(changes []Change, want *resource.Set, have map[resource.ID]resource.State) (more []Change) {
	files, changed := map[spot][]string{}, map[resource.ID]bool{}
	for _, c := range changes {
		changed[c.ID] = true
		if c.ID.Kind == resource.KindFile && c.Action != Wait && !c.Orphan {
			at := spot{path.Dir(c.ID.Name), c.ID.At}
			files[at] = append(files[at], c.ID.Name)
		}
	}
	for r := range want.All() {
		if c, stale := outdates(r, files, have[r.ID]); stale && !changed[r.ID] {
			more = append(more, c)
		}
	}
	return more
}

// spot is a directory of a node.
type spot struct{ dir, at string }

func outdates(r resource.Resource, files map[spot][]string, now resource.State) (c Change, stale bool) {
	u, reads := r.Spec.(reader)
	from, known := r.Spec.(readers)
	if !reads || !known || now.Err != nil {
		return c, false
	}
	for _, dir := range from.ReadsFrom() {
		for _, file := range files[spot{dir, r.ID.At}] {
			if then, ok := u.Outdated(file, now.Spec); ok {
				c = Change{Resource: r, Action: Update, Have: then, Fields: r.Spec.Compare(then), follows: true}
				return c, len(c.Fields) > 0
			}
		}
	}
	return c, false
}

// following lets a change that follows others wait for their success: without it there is nothing to do.
func (g *graph) following(needs, heeds [][]int) [][]int {
	all := slices.Clone(needs)
	for i, c := range g.changes {
		if c.follows {
			all[i] = slices.Concat(needs[i], heeds[i])
		}
	}
	return all
}
