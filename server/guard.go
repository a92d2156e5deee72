package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
)

// maxBody is the most bytes of a request's body that are read where a route does not say more.
const maxBody = 64 << 10

// guard is what every request passes: headers for browsers, an end to panics, no forged requests. How
// much of a body is read is its route's affair.
func (w *windows) guard(next http.Handler) http.Handler {
	return w.headers(w.recovered(http.NewCrossOriginProtection().Handler(next)))
}

// headers keep a browser from keeping, framing, guessing at or running what is shown.
func (w *windows) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		h := rw.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		if w.Version != "" {
			h.Set("Server", "pigsync/"+w.Version)
		}
		next.ServeHTTP(rw, r)
	})
}

// recovered ends a request that panics and logs where.
func (w *windows) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler { //nolint:errorlint // the very value is asked for
				panic(p)
			}
			w.Log.LogAttrs(r.Context(), slog.LevelError, "a request failed: a bug of ours",
				slog.String("panic", describe(p)), slog.String("stack", string(debug.Stack())))
			http.Error(rw, "internal error", http.StatusInternalServerError)
		}()
		next.ServeHTTP(rw, r)
	})
}

// describe says no more of a panic than its type, unless the runtime itself made the text: what
// somebody panics with may hold anything.
func describe(p any) string {
	var fault runtime.Error
	if err, ok := p.(error); ok && errors.As(err, &fault) {
		return fault.Error()
	}
	return fmt.Sprintf("%T", p)
}
