package exectest

import (
	"context"
	"errors"
	"fmt"

	"pgregory.net/rapid"

	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

// random makes random changes, some from a picture that is out of date, and compares with a model.
func (b *bench) random() {
	run, failed := 0, false
	rapid.Check(b.T, func(t *rapid.T) {
		if run++; b.o.Walks > 0 && run > b.o.Walks && !failed { // once it has failed, it is told again, shorter
			return
		}
		defer func() { failed = failed || t.Failed() }()
		m := &model{bench: b, dir: fmt.Sprintf("%s/run%d", base, run), want: map[resource.ID]resource.Spec{}}
		b.must(b.id(resource.KindDir, m.dir), resource.Dir{Mode: 0o755})
		t.Repeat(map[string]func(*rapid.T){"set": m.set, "late": m.late, "": m.check})
	})
}

// model is what should be there after the changes made so far.
type model struct {
	*bench
	dir  string
	want map[resource.ID]resource.Spec
}

func (m *model) draw(t *rapid.T) (resource.ID, resource.Spec) {
	n := rapid.IntRange(0, 2).Draw(t, "which")
	text := rapid.SampledFrom([]string{"", "a", "b\nc"}).Draw(t, "text")
	mode := rapid.SampledFrom([]uint32{0o600, 0o644}).Draw(t, "mode")
	gone := rapid.IntRange(0, 3).Draw(t, "gone") == 0
	var id resource.ID
	var spec resource.Spec
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		id, spec = m.id(resource.KindFile, fmt.Sprintf("%s/file%d", m.dir, n)), resource.NewFile([]byte(text), mode, "", "")
	case 1:
		id, spec = m.id(resource.KindDir, fmt.Sprintf("%s/dir%d", m.dir, n)), resource.Dir{Mode: mode}
	case 2:
		id, spec = m.id(resource.KindLink, fmt.Sprintf("%s/link%d", m.dir, n)), resource.Link{Target: "to" + text}
	case 3:
		id, spec = m.id(resource.KindLines, fmt.Sprintf("%s/lines#mark%d", m.dir, n)), resource.Lines{Lines: []string{fmt.Sprintf("line %d %o", len(text), mode)}}
	}
	if gone {
		spec = nil
	}
	return id, spec
}

func (m *model) set(t *rapid.T) {
	id, want := m.draw(t)
	have := m.see(id)
	if want == nil && have == nil || want != nil && have != nil && len(want.Compare(have)) == 0 {
		return // a plan would not have it
	}
	if err := m.e.Apply(m.ctx(), change(id, want, have)); err != nil {
		t.Fatalf("%s: %v", id, err)
	}
	m.want[id] = want
}

// late applies a change made from what was there before the last one.
func (m *model) late(t *rapid.T) {
	id, want := m.draw(t)
	_, other := m.draw(t)
	old := m.see(id)
	if other == nil || other.Kind() != id.Kind || differs(other, old) == nil || want == nil && old == nil {
		return
	}
	if err := m.e.Apply(m.ctx(), change(id, other, old)); err != nil {
		t.Fatalf("%s: %v", id, err)
	}
	m.want[id] = other
	err := m.e.Apply(m.ctx(), change(id, want, old))
	if err == nil && want != nil && len(want.Compare(other)) == 0 {
		return // it was found done
	}
	if !errors.Is(err, executors.ErrMoved) {
		t.Fatalf("%s: a late change gave %v", id, err)
	}
}

func (m *model) check(t *rapid.T) {
	var ids []resource.ID
	for id := range m.want {
		ids = append(ids, id)
	}
	seen := m.e.Observe(m.ctx(), ids)
	for id, want := range m.want {
		if err := errors.Join(seen[id].Err, differs(want, seen[id].Spec)); err != nil {
			t.Fatalf("%s: %v", id, err)
		}
	}
}

// share makes many changes at once, several of them to the same file.
func (b *bench) share() {
	const n, rounds = 8, 8
	ctx := b.ctx()
	b.try(gather(2*n, func(i int) error {
		lines, file := b.shared(i / 2)
		if i%2 == 0 {
			return b.many(ctx, lines, i/2, rounds)
		}
		return b.many(ctx, file, i/2, rounds)
	}))
	for i := range n {
		lines, file := b.shared(i)
		b.is(lines, version(lines, i, rounds-1))
		b.is(file, version(file, i, rounds-1))
	}
}

func (b *bench) shared(i int) (lines, file resource.ID) {
	return b.id(resource.KindLines, fmt.Sprintf("%s/shared#mark%d", base, i)), b.id(resource.KindFile, fmt.Sprintf("%s/file%d", base, i))
}

func version(id resource.ID, i, round int) resource.Spec {
	if id.Kind == resource.KindLines {
		return resource.Lines{Lines: []string{fmt.Sprintf("line %d of round %d", i, round)}}
	}
	return resource.NewFile(fmt.Appendf(nil, "file %d of round %d", i, round), 0o640, "", "")
}

// many changes one thing again and again.
func (b *bench) many(ctx context.Context, id resource.ID, i, rounds int) error {
	for round := range rounds {
		s := b.e.Observe(ctx, []resource.ID{id})[id]
		if s.Err != nil {
			return s.Err
		}
		if err := b.e.Apply(ctx, change(id, version(id, i, round), s.Spec)); err != nil {
			return err
		}
	}
	return nil
}
