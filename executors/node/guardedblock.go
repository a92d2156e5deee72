package node

import (
	"context"

	"github.com/pigsync/pigsync/resource"
)

// A guarded block goes the way of a guarded file: what a trial keeps, and gives back, is the whole file.

func (v *view) seeGuardedBlock(name string, g guard) (resource.Spec, error) {
	b, err := v.block(name)
	if err != nil || !b.found {
		return nil, err
	}
	sum := digestOf([]byte(b.text))
	return resource.Guarded{Sum: sum, Content: []byte(b.text), Confirmed: g.Confirmed == sum, Live: b.live, Muted: b.muted}, nil
}

func (w *work) tryBlock(ctx context.Context, want resource.Guarded, remove bool) error {
	if remove {
		if err := w.setBlock(w.id.Name, nil); err != nil {
			return err
		}
		return w.tell(ctx, want.Deactivate)
	}
	if err := w.setBlock(w.id.Name, &resource.Block{Text: string(want.Content), Alone: want.Alone, Adopt: want.Adopt}); err != nil {
		return err
	}
	return w.tell(ctx, want.Activate)
}
