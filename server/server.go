package server

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/reconcile"
)

// Backend is the loop of one inventory. All but Preview return at once.
type Backend interface {
	Status() *reconcile.Status // the newest picture, never nil
	Changed() <-chan struct{}  // closed when there is a newer one
	Wake()                     // looks at the fleet
	Fetch()                    // looks at the repository
	Preview(ctx context.Context, revision string, tree fs.FS) (*reconcile.Round, error)
	Memory() *history.Journal // nil when nothing is remembered
}

var _ Backend = (*reconcile.Daemon)(nil)

// Options say what to show.
type Options struct {
	Backends []Backend             // one an inventory; their names differ
	Gatherer prometheus.Gatherer   // of /metrics; nil shows none
	Registry prometheus.Registerer // for what is counted here; nil counts for nobody
	Access   Access                // who may ask what
	Hooks    []Hook                // of forges; their names differ
	Log      *slog.Logger          // nil is silent
	Version  string                // for the header Server; "" leaves it out
	// Patience is how long ago an inventory may have been looked at before /healthz complains. It
	// must be longer than the longest round; 0 means one hour.
	Patience time.Duration
	// Quarantine is how much longer an approval counts, because what it lets through rests for so long.
	Quarantine time.Duration
	Now        func() time.Time // nil means time.Now
}

const defaultPatience = time.Hour

func (o Options) filled() Options {
	if o.Gatherer == nil {
		o.Gatherer = prometheus.NewRegistry()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Patience <= 0 {
		o.Patience = defaultPatience
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// New answers requests about the backends.
func New(o Options) http.Handler {
	w := newWindows(o.filled())
	mux := http.NewServeMux()
	for _, r := range w.routes() {
		mux.Handle(r.verb+" "+r.path, w.guarded(r))
	}
	return w.guard(mux)
}

// windows are the handlers.
type windows struct {
	Options
	hooks   *hooks
	streams chan struct{} // a place for each who listens to events
}

func newWindows(o Options) *windows {
	return &windows{Options: o, hooks: newHooks(o.Hooks, o.Registry), streams: make(chan struct{}, streams)}
}
