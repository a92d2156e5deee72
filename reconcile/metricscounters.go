package reconcile

import (
	"runtime"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/pigsync/pigsync/diff"
)

// counters are the metrics that grow, or that outlive a look.
type counters struct {
	fetches, drift, corrective, steps, observeErrors, rounds  *prometheus.CounterVec
	fetchTook, stepTook, observeTook, convergeTook, roundTook *prometheus.HistogramVec
	commits                                                   *prometheus.GaugeVec
}

// The bounds of the histograms, in seconds.
var (
	briefly = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300}
	atLarge = []float64{1, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 6 * 3600, 24 * 3600}
)

func newCounters(f promauto.Factory) counters {
	f.NewGauge(prometheus.GaugeOpts{
		Name: "pigsync_build_info", Help: "Always 1; the labels say which pigsync this is.",
		ConstLabels: prometheus.Labels{"version": version(), "goversion": runtime.Version()},
	}).Set(1)
	count := func(name, help string, labels ...string) *prometheus.CounterVec {
		return f.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, append([]string{"inventory"}, labels...))
	}
	took := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return f.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, append([]string{"inventory"}, labels...))
	}
	return counters{
		fetches:       count("pigsync_git_fetch_total", "Answers of the source: a revision, or why there is none.", "result"),
		drift:         count("pigsync_drift_total", "Differences that appeared, each counted once.", "module", "cluster", "class", "cause"),
		corrective:    count("pigsync_corrective_changes_total", "Steps that put back what had moved away from a converged commit.", "module", "cluster", "class"),
		steps:         count("pigsync_step_total", "Steps that were carried out, by result.", "module", "class", "result"),
		observeErrors: count("pigsync_observe_errors_total", "Looks at a host or cluster at which something could not be observed.", "host"),
		rounds:        count("pigsync_rounds_total", "Rounds, by what they came to.", "outcome"),
		fetchTook:     took("pigsync_git_fetch_duration_seconds", "How long each look at the source took.", briefly),
		stepTook:      took("pigsync_step_duration_seconds", "How long a step took.", briefly, "module", "class"),
		observeTook:   took("pigsync_observe_duration_seconds", "How long looking at the fleet took in a round.", briefly),
		convergeTook:  took("pigsync_converge_duration_seconds", "From the first sight of a commit to a fleet that is as it says.", atLarge),
		roundTook:     took("pigsync_round_duration_seconds", "How long a round took.", briefly),
		commits: f.NewGaugeVec(prometheus.GaugeOpts{
			Name: "pigsync_git_commit_timestamp_seconds", Help: "When the newest commit of a state was made.",
		}, []string{"inventory", "state"}),
	}
}

// version is that of the program's module, as it was built.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

// begin shows zeros for an inventory of which nothing is known yet.
func (c *counters) begin(inventory string) {
	for _, result := range fetchResults {
		c.fetches.WithLabelValues(inventory, result)
	}
	for o := Converged; o <= Failed; o++ {
		c.rounds.WithLabelValues(inventory, o.String())
	}
	c.rounds.WithLabelValues(inventory, string(Rejected))
	for _, h := range []*prometheus.HistogramVec{c.fetchTook, c.observeTook, c.convergeTook, c.roundTook} {
		h.WithLabelValues(inventory)
	}
}

// meet shows zeros for the units that are new, and nothing any more for those that have gone.
func (c *counters) meet(b *book, units map[unit]State) {
	for u := range units {
		if b.units[u] {
			continue
		}
		for _, class := range hazardClasses() {
			for _, cause := range driftCauses {
				c.drift.WithLabelValues(b.inventory, u.module, u.cluster, class, cause)
			}
			c.corrective.WithLabelValues(b.inventory, u.module, u.cluster, class)
			c.meetModule(b.inventory, u.module, class)
		}
		c.meetModule(b.inventory, u.module, checkClass)
	}
	for u := range b.units {
		if _, still := units[u]; !still {
			gone := prometheus.Labels{"inventory": b.inventory, "module": u.module, "cluster": u.cluster}
			c.drift.DeletePartialMatch(gone)
			c.corrective.DeletePartialMatch(gone)
		}
	}
	b.units = keys(units)
}

func (c *counters) meetModule(inventory, module, class string) {
	for _, result := range stepResults {
		c.steps.WithLabelValues(inventory, module, class, result)
	}
}

// countHosts counts at most one error for a place and look, or a node that is down would count as
// many as it has files. What is not looked at any more is not shown any more.
func (c *counters) countHosts(b *book, r *Round) {
	faulty := map[string]bool{}
	for id, state := range r.Have {
		host := label(id.At)
		faulty[host] = faulty[host] || state.Err != nil
	}
	for host, fault := range faulty {
		errs := c.observeErrors.WithLabelValues(b.inventory, host)
		if fault {
			errs.Inc()
		}
	}
	for host := range b.hosts {
		if _, still := faulty[host]; !still {
			c.observeErrors.DeleteLabelValues(b.inventory, host)
		}
	}
	b.hosts = keys(faulty)
	b.nodes = nodesOf(r, b.nodes)
}

var driftCauses = []string{"commit", "external"}

// countDrift counts the differences that were not there before, and those that were put right.
func (c *counters) countDrift(b *book, r *Round) {
	fresh := b.compare(r)
	for i, s := range r.Plan.Steps {
		u, class := unitOf(s.Owner), classOf(s)
		if fresh[i] {
			c.drift.WithLabelValues(b.inventory, u.module, u.cluster, class, cause(r, s)).Inc()
		}
		if r.drift(s) && acts(s) && i < len(r.Results) && r.Results[i] == nil {
			c.corrective.WithLabelValues(b.inventory, u.module, u.cluster, class).Inc()
		}
	}
}

// cause of a difference: a commit that had converged asks for nothing new.
func cause(r *Round, s diff.Step) string {
	if r.drift(s) {
		return "external"
	}
	return "commit"
}
