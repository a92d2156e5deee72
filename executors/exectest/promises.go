package exectest

import (
	"context"
	"errors"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

func (b *bench) ids() (ids []resource.ID) {
	for _, s := range b.o.Samples {
		ids = append(ids, s.ID)
	}
	return ids
}

func (b *bench) everyID() {
	if seen := b.e.Observe(b.ctx(), nil); len(seen) != 0 {
		b.Errorf("%v was seen unasked", seen)
	}
	seen := b.e.Observe(b.ctx(), append(b.ids(), b.o.Strange...))
	for _, s := range b.o.Samples {
		st, ok := seen[s.ID]
		if err := errors.Join(st.Err, differs(s.First, st.Spec)); !ok || err != nil {
			b.Errorf("%s: %v, %v", s.ID, ok, err)
		}
	}
	b.unknown(seen, b.o.Strange)
	ctx, cancel := context.WithCancel(b.ctx())
	cancel()
	b.unknown(b.e.Observe(ctx, b.ids()), b.ids())
}

// unknown is never absent.
func (b *bench) unknown(seen map[resource.ID]resource.State, ids []resource.ID) {
	b.Helper()
	for _, id := range ids {
		if s := seen[id]; s.Err == nil || s.Spec != nil {
			b.Errorf("%s is %+v, not unknown", id, s)
		}
	}
}

func (b *bench) unseen() {
	b.unknown(b.e.Observe(b.ctx(), b.ids()), b.ids())
	for _, s := range b.o.Samples {
		for _, want := range s.Specs[:min(1, len(s.Specs))] {
			if b.e.Apply(b.ctx(), change(s.ID, want, s.First)) == nil {
				b.Errorf("%s was changed by one who cannot see it", s.ID)
			}
		}
	}
}

// firsts are the first change of each sample, once all is there that it needs.
func (b *bench) firsts() (list []diff.Change) {
	b.Helper()
	for _, s := range b.o.Samples {
		b.need(s)
		if len(s.Specs) > 0 {
			have, err := b.holds(s.ID, s.First)
			b.try(err)
			list = append(list, change(s.ID, s.Specs[0], have))
		}
	}
	return list
}

func (b *bench) refused() {
	for _, c := range b.firsts() {
		for _, bad := range []diff.Change{
			{Resource: c.Resource, Action: diff.Wait, Have: c.Have},
			{Resource: resource.Resource{ID: c.ID}, Action: c.Action, Have: c.Have},
		} {
			said, broken := b.vain(bad, c.Have)
			if said == nil || errors.Is(said, executors.ErrMoved) || broken != nil {
				b.Errorf("%s %s to %v: %v, %v", bad.Action, bad.ID, bad.Spec, said, broken)
			}
		}
	}
}

func (b *bench) dryRun() {
	dry := &bench{T: b.T, e: executors.DryRun{Executor: b.e}, o: b.o}
	for _, c := range b.firsts() {
		if said, broken := dry.vain(c, c.Have); said != nil || broken != nil {
			b.Errorf("%s: %v, %v", c.ID, said, broken)
		}
	}
}
