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

type askKey struct{}

// WithRemotes has f told what came of asking each remote of a source that may have several: the n-th of its
// configuration, 0 for the first, by the name that is shown to people.
func WithRemotes(ctx context.Context, f func(n int, remote string, err error)) context.Context {
	return context.WithValue(ctx, askKey{}, f)
}

// Asked tells whoever wants to know by [WithRemotes] that a remote was asked, and what came of it.
func Asked(ctx context.Context, n int, remote string, err error) {
	if f, wanted := ctx.Value(askKey{}).(func(int, string, error)); wanted {
		f(n, remote, err)
	}
}
