package server

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pigsync/pigsync/reconcile"
)

// Backend is the loop of one inventory. Both methods return at once.
type Backend interface {
	Status() *reconcile.Status // the newest picture, never nil
	Wake()
}

var _ Backend = (*reconcile.Daemon)(nil)

// Options say what to show.
type Options struct {
	Backends []Backend           // one an inventory; their names differ
	Gatherer prometheus.Gatherer // of /metrics; nil shows none
	Log      *slog.Logger        // nil is silent
	Version  string              // for the header Server; "" leaves it out
	// Patience is how long ago an inventory may have been looked at before /healthz complains. It
	// must be longer than the longest round; 0 means one hour.
	Patience time.Duration
	Now      func() time.Time // nil means time.Now
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
	w := &windows{o.filled()}
	mux := http.NewServeMux()
	for _, r := range w.routes() {
		mux.Handle(r.verb+" "+r.path, r.handler)
	}
	return w.guard(mux)
}

// windows are the handlers.
type windows struct{ Options }

// route is a verb and a path that is answered. GET answers HEAD too.
type route struct {
	verb, path string
	handler    http.Handler
}

// routes are all there are.
func (w *windows) routes() []route {
	return []route{
		{http.MethodGet, "/metrics", w.metrics()},
		{http.MethodGet, "/healthz", http.HandlerFunc(w.healthz)},
		{http.MethodGet, "/readyz", http.HandlerFunc(w.readyz)},
		{http.MethodGet, "/api/v1/status", http.HandlerFunc(w.statusOfAll)},
		{http.MethodGet, "/api/v1/status/{inventory}", http.HandlerFunc(w.statusOfOne)},
		{http.MethodPost, "/api/v1/wake/{inventory}", http.HandlerFunc(w.wake)},
	}
}
