package node

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// wish is a package that a change under way wants.
type wish struct {
	id            resource.ID
	name, version string
}

// wishes are those of all changes that run or wait for their turn. The zero value is ready.
type wishes struct {
	mu   sync.Mutex
	all  map[resource.ID]wish // guarded by mu
	last time.Time            // when the last one was added; guarded by mu
}

// gathering is how long no further wish must have come for all to be taken as one.
const gathering = 150 * time.Millisecond

// add notes what a change wants, if that is a package that is not there; forget takes it back.
func (l *wishes) add(c diff.Change) (forget func()) {
	want, ok := c.Spec.(resource.Package)
	have, there := c.Have.(resource.Package)
	if !ok || c.Action == diff.Delete || there && !have.Unoffered {
		return func() {}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = map[resource.ID]wish{}
	}
	l.all[c.ID], l.last = wish{id: c.ID, name: c.ID.Name, version: want.Version}, time.Now()
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.all, c.ID)
	}
}

// gathered waits until nothing has been added for a moment: changes that may begin at once come one by one.
func (l *wishes) gathered(ctx context.Context) {
	for {
		l.mu.Lock()
		rest := gathering - time.Since(l.last)
		l.mu.Unlock()
		if rest <= 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(rest):
		}
	}
}

func (l *wishes) but(id resource.ID) (out []wish) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.all {
		if w.id != id {
			out = append(out, w)
		}
	}
	slices.SortFunc(out, func(a, b wish) int { return cmp.Compare(a.name, b.name) })
	return out
}

// waiting are the wishes of other changes for what is not there at all. To name a package that is there
// would bring its newest version.
func (w *work) waiting(ctx context.Context) []wish {
	all := w.l.wishes.but(w.id)
	v := w.l.look(ctx, idsOf(all))
	defer v.close()
	return slices.DeleteFunc(all, func(o wish) bool {
		have, err := v.seePackage(o.name)
		p, _ := have.(resource.Package)
		return err != nil || have != nil && !p.Unoffered
	})
}

func idsOf(all []wish) (ids []resource.ID) {
	for _, w := range all {
		ids = append(ids, w.id)
	}
	return ids
}

func namesOf(all []wish) (names []string) {
	for _, w := range all {
		names = append(names, alternatives(w.name)...)
	}
	return names
}
