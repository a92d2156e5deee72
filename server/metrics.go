package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	scrapes       = 4 // at once
	scrapeTimeout = 20 * time.Second
)

// metrics shows what can be gathered, even when something cannot.
func (w *windows) metrics() http.Handler {
	return promhttp.HandlerFor(w.Gatherer, promhttp.HandlerOpts{
		ErrorLog: complaints{w.Log}, ErrorHandling: promhttp.ContinueOnError,
		MaxRequestsInFlight: scrapes, Timeout: scrapeTimeout,
	})
}

// complaints is the logger promhttp wants.
type complaints struct{ log *slog.Logger }

// Println logs what could not be gathered.
func (c complaints) Println(v ...any) {
	c.log.LogAttrs(context.Background(), slog.LevelError, "metrics cannot be shown in full", slog.String("err", fmt.Sprint(v...)))
}
