package server

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/pigsync/pigsync/reconcile"
)

// healthz tells whether the loops live. How the fleet is, is not asked: a daemon is not restarted
// because a node is down.
func (w *windows) healthz(rw http.ResponseWriter, _ *http.Request) {
	now := w.Now()
	w.verdict(rw, func(s *reconcile.Status) string {
		// Nothing to look at yet is the source's affair, and says nothing of the loop.
		if age := now.Sub(s.Seen); s.State != reconcile.Starting && age > w.Patience {
			return fmt.Sprintf("last looked at %s ago", age.Truncate(time.Second))
		}
		return ""
	})
}

// readyz tells whether every inventory was looked at once.
func (w *windows) readyz(rw http.ResponseWriter, _ *http.Request) {
	w.verdict(rw, func(s *reconcile.Status) string {
		if s.State == reconcile.Starting {
			return "not looked at yet"
		}
		return ""
	})
}

// verdict is ok when fault finds nothing in any status.
func (w *windows) verdict(rw http.ResponseWriter, fault func(*reconcile.Status) string) {
	var faults []string
	for _, s := range w.statuses() {
		if f := fault(s); f != "" {
			faults = append(faults, s.Inventory+": "+f)
		}
	}
	if len(faults) > 0 {
		http.Error(rw, strings.Join(faults, "\n"), http.StatusServiceUnavailable)
		return
	}
	rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
	rw.Write([]byte("ok\n")) //nolint:errcheck // whoever asked has gone
}
