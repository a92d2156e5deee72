package server

import (
	"net/http"
)

// route is a verb and a path that is answered. GET answers HEAD too.
type route struct {
	verb, path string
	role       Role  // that is wanted; "" asks nothing of the caller
	most       int64 // the most bytes of it that are read; 0 means maxBody
	handler    http.HandlerFunc
}

// routes are all there are.
func (w *windows) routes() []route {
	return []route{
		{verb: "GET", path: "/metrics", handler: w.metrics().ServeHTTP},
		{verb: "GET", path: "/healthz", handler: w.healthz},
		{verb: "GET", path: "/readyz", handler: w.readyz},
		{verb: "GET", path: "/api/v1/openapi.json", handler: w.openapi},
		{verb: "GET", path: "/api/v1/status", role: View, handler: w.statusOfAll},
		{verb: "GET", path: "/api/v1/status/{inventory}", role: View, handler: w.of(w.statusOfOne)},
		{verb: "GET", path: "/api/v1/history/{inventory}", role: View, handler: w.of(w.history)},
		{verb: "GET", path: "/api/v1/events", role: View, handler: w.events},
		{verb: "POST", path: "/api/v1/plan/{inventory}", role: Plan, most: maxUpload, handler: w.of(w.preview)},
		{verb: "POST", path: "/api/v1/wake/{inventory}", role: Sync, handler: w.of(w.wake)},
		{verb: "POST", path: "/api/v1/approve/{inventory}", role: Approve, handler: w.decides(w.approval)},
		{verb: "POST", path: "/api/v1/accept/{inventory}", role: Approve, handler: w.decides(accept)},
		{verb: "POST", path: "/api/v1/hold/{inventory}", role: Suspend, handler: w.decides(hold)},
		{verb: "POST", path: "/api/v1/resume/{inventory}", role: Suspend, handler: w.decides(resume)},
		{verb: "POST", path: "/api/v1/rollback/{inventory}", role: Approve, handler: w.decides(rollback)},
		{verb: "POST", path: "/api/v1/forgive/{inventory}", role: Approve, handler: w.decides(forgive)},
		{verb: "POST", path: "/hooks/{hook}", most: maxPush, handler: w.hooked},
	}
}

// of gives a handler the inventory that the path names.
func (w *windows) of(handler func(http.ResponseWriter, *http.Request, Backend)) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		b, ok := w.find(r.PathValue("inventory"))
		if !ok {
			refuse(rw, http.StatusNotFound, noInventory)
			return
		}
		handler(rw, r, b)
	}
}

// guarded is what a route answers those who may ask.
func (w *windows) guarded(r route) http.Handler {
	most := r.most
	if most == 0 {
		most = maxBody
	}
	h := http.MaxBytesHandler(r.handler, most)
	if r.role == "" {
		return h
	}
	return w.allowed(r.role, h)
}
