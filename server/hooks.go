package server

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Hook is an address that a forge calls when something was pushed. All it can do is to have
// repositories looked at sooner.
type Hook struct {
	Name        string // the last part of its address, /hooks/NAME
	Provider    string // one of Providers
	Secret      string // what the forge signs with
	Inventories []string
}

const (
	maxPush    = 1 << 20 // bytes of a call's body: forges send every commit of a push
	pushes     = 16      // bodies that are held at once
	pushWait   = 5 * time.Second
	remembered = 4096 // calls of a hook, to know them when they are replayed
)

// hooks answers the calls of forges.
type hooks struct {
	byName map[string]*hook
	room   chan struct{} // a place a body
	calls  *prometheus.CounterVec
}

// hook is a Hook and what was called before.
type hook struct {
	Hook
	verify signature

	mu   sync.Mutex
	seen map[[sha256.Size]byte]bool
	past [][sha256.Size]byte // of seen, the oldest first
}

func newHooks(list []Hook, reg prometheus.Registerer) *hooks {
	h := &hooks{byName: map[string]*hook{}, room: make(chan struct{}, pushes), calls: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "pigsync_webhook_requests_total",
		Help: "Calls of webhooks by provider and what came of them: woken, replayed, unsigned, too_big, busy or unread.",
	}, []string{"provider", "result"})}
	for _, one := range list {
		for _, result := range results {
			h.calls.WithLabelValues(one.Provider, result)
		}
		h.byName[one.Name] = &hook{Hook: one, verify: signatures[one.Provider], seen: map[[sha256.Size]byte]bool{}}
	}
	if reg != nil {
		reg.MustRegister(h.calls)
	}
	return h
}

// results are what may come of a call.
var results = []string{"woken", "replayed", "unsigned", "too_big", "busy", "unread"}

// hooked answers a call. Nothing of it is parsed, before its signature holds or after.
func (w *windows) hooked(rw http.ResponseWriter, r *http.Request) {
	h, ok := w.hooks.byName[r.PathValue("hook")]
	if !ok {
		refuse(rw, http.StatusNotFound, "no such webhook")
		return
	}
	status, result := w.call(h, rw, r)
	w.hooks.calls.WithLabelValues(h.Provider, result).Inc()
	if status != http.StatusAccepted {
		w.Log.LogAttrs(r.Context(), slog.LevelWarn, "a webhook was turned away", slog.String("hook", h.Name), slog.String("why", result))
		refuse(rw, status, result)
		return
	}
	rw.WriteHeader(status)
}

func (w *windows) call(h *hook, rw http.ResponseWriter, r *http.Request) (status int, result string) {
	if !w.hooks.enter(r) {
		return http.StatusServiceUnavailable, "busy"
	}
	defer w.hooks.leave()
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxPush))
	var tooBig *http.MaxBytesError
	switch {
	case errors.As(err, &tooBig):
		return http.StatusRequestEntityTooLarge, "too_big"
	case err != nil:
		return http.StatusBadRequest, "unread"
	case !h.verify(call{r.Header, body, w.Now()}, h.Secret):
		return http.StatusUnauthorized, "unsigned"
	case h.known(body, r.Header):
		return http.StatusAccepted, "replayed"
	}
	w.fetch(h.Inventories)
	return http.StatusAccepted, "woken"
}

// enter waits for room for a body, so that calls cannot fill the memory. Whoever is let in leaves.
func (h *hooks) enter(r *http.Request) bool {
	t := time.NewTimer(pushWait)
	defer t.Stop()
	select {
	case h.room <- struct{}{}:
		return true
	case <-t.C:
	case <-r.Context().Done():
	}
	return false
}

func (h *hooks) leave() { <-h.room }

// known tells whether the very same call came before, and remembers it.
func (h *hook) known(body []byte, header http.Header) bool {
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\n%s", header.Get(signedID[h.Provider]), body)
	id := [sha256.Size]byte(sum.Sum(nil))
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.seen[id] {
		return true
	}
	if len(h.past) == remembered {
		delete(h.seen, h.past[0])
		h.past = slices.Delete(h.past, 0, 1)
	}
	h.seen[id], h.past = true, append(h.past, id)
	return false
}

// fetch has the repositories of inventories looked at, of all when none is named.
func (w *windows) fetch(inventories []string) {
	for _, b := range w.Backends {
		if len(inventories) == 0 || slices.Contains(inventories, b.Status().Inventory) {
			b.Fetch()
		}
	}
}
