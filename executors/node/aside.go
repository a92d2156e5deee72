package node

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

// restartPG restarts a member of a cluster. The balancers do not look at it for that time: who is connected
// waits at its pooler, and is not thrown out. A replica is also taken out of the services: who comes meanwhile
// is led to others. The leader is not, since there is nobody else to lead them to.
func (f *Fleet) restartPG(ctx context.Context, c diff.Change) error {
	p, ok := f.clusterOf(c.ID)
	if !ok || c.Action != diff.Update || restarts(c) == 0 {
		return f.applyAt(ctx, c.ID.At, c)
	}
	aside := resource.PGDrained{Still: []string{c.ID.Name}}
	if !leads(c) {
		aside.Out = aside.Still
	}
	back := func() error { return f.aside(context.WithoutCancel(ctx), p, resource.PGDrained{}) }
	if err := f.aside(ctx, p, aside); err != nil {
		return errors.Join(fmt.Errorf("apply %s: %w", c.ID, err), back())
	}
	return errors.Join(f.applyAt(ctx, c.ID.At, c), back())
}

func restarts(c diff.Change) resource.Hazard { return c.Hazard() & resource.Restart }

func leads(c diff.Change) bool {
	have, _ := c.Have.(resource.PGMember)
	return have.Role != resource.PGReplica
}

// clusterOf finds the cluster of an instance.
func (f *Fleet) clusterOf(id resource.ID) (resource.PGPlace, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.places {
		if slices.ContainsFunc(p.Seats, func(s resource.PGSeat) bool { return s.Instance == id.Name && s.Node == id.At }) {
			return p, true
		}
	}
	return resource.PGPlace{}, false
}

// aside tells every balancer of a cluster what to make of its instances. One that cannot be reached leads
// nobody anywhere.
func (f *Fleet) aside(ctx context.Context, p resource.PGPlace, want resource.PGDrained) error {
	var errs []error
	for _, at := range p.Balancers {
		id := resource.ID{Kind: resource.KindPGDrained, Name: p.At, At: at}
		have := f.Observe(ctx, []resource.ID{id})[id]
		if have.Err != nil || len(want.Compare(have.Spec)) == 0 {
			continue
		}
		c := diff.Change{Resource: resource.Resource{ID: id, Spec: want}, Action: diff.Update, Have: have.Spec, Fields: want.Compare(have.Spec)}
		errs = append(errs, f.applyAt(ctx, at, c))
	}
	return errors.Join(errs...)
}
