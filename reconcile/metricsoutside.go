package reconcile

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// outside are the metrics of those whom the fleet does not need to be what it is: remotes and forges.
type outside struct {
	remotes, pulls *prometheus.GaugeVec
	calls          *prometheus.CounterVec
}

func newOutside(f promauto.Factory) outside {
	return outside{
		remotes: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "pigsync_git_remote_up", Help: "1 when a remote of the repository answered and agreed when it was last asked; remote 0 is url, the others are its mirrors.",
		}, []string{"inventory", "remote"}),
		pulls: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "pigsync_review_open", Help: "Open pull requests for the branch that is followed, at the last look.",
		}, []string{"inventory"}),
		calls: f.NewCounterVec(prometheus.CounterOpts{
			Name: "pigsync_review_total", Help: "What was done on a forge, by result.",
		}, []string{"inventory", "call", "result"}),
	}
}

// remote shows whether a remote can be relied on.
func (m *Metrics) remote(inventory string, n int, err error) {
	if m != nil {
		m.remotes.WithLabelValues(inventory, strconv.Itoa(n)).Set(one(err == nil))
	}
}

// Reviewing shows how many pull requests are open.
func (m *Metrics) Reviewing(inventory string, open int) {
	if m != nil {
		m.pulls.WithLabelValues(inventory).Set(float64(open))
	}
}

// Reviewed counts something that was done on a forge, or was not.
func (m *Metrics) Reviewed(inventory, call string, err error) {
	if m == nil {
		return
	}
	result := "ok"
	if err != nil {
		result = "failed"
	}
	m.calls.WithLabelValues(inventory, call, result).Inc()
}
