package node

import (
	"context"
	"log/slog"
	"slices"
	"time"
)

// maxAttrs bounds the attributes of a log record on the wire.
const maxAttrs = 32

// wireHandler sends log records, from Info on, as frames.
type wireHandler struct {
	send  func(context.Context, *wireLog) error
	attrs [][2]string
}

var _ slog.Handler = (*wireHandler)(nil)

func (h *wireHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo
}

func (h *wireHandler) Handle(ctx context.Context, r slog.Record) error {
	l := &wireLog{Level: r.Level, Message: clip(r.Message), Attrs: slices.Clone(h.attrs)}
	r.Attrs(func(a slog.Attr) bool {
		l.Attrs = append(l.Attrs, pairOf(a))
		return len(l.Attrs) < maxAttrs
	})
	return h.send(ctx, l)
}

func (h *wireHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	more := slices.Clone(h.attrs)
	for _, a := range attrs {
		more = append(more, pairOf(a))
	}
	return &wireHandler{h.send, more}
}

// WithGroup ignores groups: nothing here uses them.
func (h *wireHandler) WithGroup(string) slog.Handler { return h }

func pairOf(a slog.Attr) [2]string { return [2]string{a.Key, clip(a.Value.Resolve().String())} }

// emit writes a record of the helper to a log of the controller.
func (l *wireLog) emit(ctx context.Context, log *slog.Logger) {
	if !log.Enabled(ctx, l.Level) {
		return
	}
	r := slog.NewRecord(time.Now(), l.Level, clip(l.Message), 0)
	for _, a := range l.Attrs[:min(len(l.Attrs), maxAttrs)] {
		r.AddAttrs(slog.String(a[0], clip(a[1])))
	}
	_ = log.Handler().Handle(ctx, r) // whoever keeps the log sees to it
}
