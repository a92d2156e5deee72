package sources

import (
	"context"
	"time"
)

type lookKey struct{}

// WithLooks has f told of each look that a source makes at its place for somebody who calls it with
// the context given back: how long it took. Next may look many times before it finds something new.
func WithLooks(ctx context.Context, f func(took time.Duration)) context.Context {
	return context.WithValue(ctx, lookKey{}, f)
}

// Looked tells whoever asked [WithLooks] that a look took so long. Every source says it of each of
// its looks, whatever they came to.
func Looked(ctx context.Context, took time.Duration) {
	if f, asked := ctx.Value(lookKey{}).(func(time.Duration)); asked {
		f(took)
	}
}
