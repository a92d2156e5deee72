package server

import (
	"cmp"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"slices"

	"github.com/pigsync/pigsync/reconcile"
)

// statuses are the newest pictures, by name.
func (w *windows) statuses() []*reconcile.Status {
	out := []*reconcile.Status{}
	for _, b := range w.Backends {
		out = append(out, b.Status())
	}
	slices.SortFunc(out, func(a, b *reconcile.Status) int { return cmp.Compare(a.Inventory, b.Inventory) })
	return out
}

func (w *windows) find(inventory string) (Backend, bool) {
	for _, b := range w.Backends {
		if b.Status().Inventory == inventory {
			return b, true
		}
	}
	return nil, false
}

func (w *windows) statusOfAll(rw http.ResponseWriter, r *http.Request) {
	hidden := func(s *reconcile.Status) bool { return !callerOf(r.Context()).sees(s.Inventory) }
	w.answer(rw, r, slices.DeleteFunc(w.statuses(), hidden))
}

func (w *windows) statusOfOne(rw http.ResponseWriter, r *http.Request, b Backend) {
	w.answer(rw, r, b.Status())
}

// answer encodes before it writes, so that what cannot be encoded is an error and not half an answer.
func (w *windows) answer(rw http.ResponseWriter, r *http.Request, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		w.Log.LogAttrs(r.Context(), slog.LevelError, "an answer cannot be shown", slog.Any("err", err))
		refuse(rw, http.StatusInternalServerError, "the answer cannot be shown")
		return
	}
	rw.Header().Set("Content-Type", "application/json")
	rw.Write(append(body, '\n')) //nolint:errcheck // whoever asked has gone
}

// wake reads the body only to find it small: what woke us has nothing to say.
func (w *windows) wake(rw http.ResponseWriter, r *http.Request, b Backend) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		refuse(rw, http.StatusRequestEntityTooLarge, "the body is too big, or did not come")
		return
	}
	if err := audit(r, b, "wake"); err != nil {
		refuse(rw, http.StatusInternalServerError, err.Error())
		return
	}
	b.Fetch()
	b.Wake()
	rw.WriteHeader(http.StatusAccepted)
}
