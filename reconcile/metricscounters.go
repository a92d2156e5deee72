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
	rollbacks, stirs, glances                                 *prometheus.CounterVec
	fetchTook, stepTook, observeTook, convergeTook, roundTook *prometheus.HistogramVec
	commits, hostkey, quarantined                             *prometheus.GaugeVec
	outside
}

// The bounds of the histograms, in seconds.
var (
	briefly = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300}
	atLarge = []float64{1, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 6 * 3600, 24 * 3600}
)

func newCounters(f promauto.Factory) counters {
	f.NewGauge(prometheus.GaugeOpts{
		Name: "pigsync_build_info", Help: "Always 1; the labels say which pigsync this is.",
		ConstLabels: prometheus.Labels{"version": Version(), "revision": builtFrom(), "goversion": runtime.Version()},
	}).Set(1)
	count := func(name, help string, labels ...string) *prometheus.CounterVec {
		return f.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, append([]string{"inventory"}, labels...))
	}
	took := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return f.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, append([]string{"inventory"}, labels...))
	}
	state := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return f.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, append([]string{"inventory"}, labels...))
	}
	return counters{
		fetches:       count("pigsync_git_fetch_total", "Answers of the source: a revision, or why there is none.", "result"),
		drift:         count("pigsync_drift_total", "Differences that appeared, each counted once.", "module", "cluster", "class", "cause"),
		corrective:    count("pigsync_corrective_changes_total", "Steps that put back what had moved away from a converged commit.", "module", "cluster", "class"),
		steps:         count("pigsync_step_total", "Steps that were carried out, by result.", "module", "class", "result"),
		observeErrors: count("pigsync_observe_errors_total", "Looks at a host or cluster at which something could not be observed.", "host", "source", "reason"),
		rollbacks:     count("pigsync_rollbacks_total", "Returns of a unit to an earlier commit, by result.", "cluster", "result"),
		rounds:        count("pigsync_rounds_total", "Rounds, by what they came to.", "outcome"),
		stirs:         count("pigsync_stirs_total", "Words of the watches that something may have changed."),
		glances:       count("pigsync_glances_total", "Looks at a part of the fleet, by what they came to.", "outcome"),
		fetchTook:     took("pigsync_git_fetch_duration_seconds", "How long each look at the source took.", briefly),
		stepTook:      took("pigsync_step_duration_seconds", "How long a step took.", briefly, "module", "class"),
		observeTook:   took("pigsync_observe_duration_seconds", "How long looking at the fleet took: as a whole, and for each way to look.", briefly, "source"),
		convergeTook:  took("pigsync_converge_duration_seconds", "From the first sight of a commit to a fleet that is as it says.", atLarge),
		roundTook:     took("pigsync_round_duration_seconds", "How long a round took.", briefly),
		commits:       state("pigsync_git_commit_timestamp_seconds", "When the newest commit of a state was made.", "state"),
		hostkey:       state("pigsync_git_hostkey_mismatch", "1 while the source's server is not the one that we know."),
		quarantined:   state("pigsync_quarantined_commits", "Commits that are known to be bad and are not acted on."),
		outside:       newOutside(f),
	}
}

// packaged is the version of the package that the program came in: packages/build.sh has the linker write it.
var packaged string

// Version is that of the package that the program came in, else of its module as it was built.
func Version() string {
	if packaged != "" {
		return packaged
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

// builtFrom is the commit that the program was built from.
func builtFrom() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value[:min(len(s.Value), 12)]
		}
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
	c.stirs.WithLabelValues(inventory)
	for _, outcome := range glanceOutcomes {
		c.glances.WithLabelValues(inventory, outcome)
	}
	for _, h := range []*prometheus.HistogramVec{c.fetchTook, c.convergeTook, c.roundTook} {
		h.WithLabelValues(inventory)
	}
	c.observeTook.WithLabelValues(inventory, fleetSource)
	c.hostkey.WithLabelValues(inventory)
	c.quarantined.WithLabelValues(inventory)
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

// countHosts counts at most one error for a place, a way to look and a reason in a look, or a node that
// is down would count as many as it has files. What is not looked at any more is not shown any more.
func (c *counters) countHosts(b *book, r *Round) {
	hosts, faults := map[string]bool{}, map[fault]bool{}
	for id, state := range r.Have {
		hosts[label(id.At)] = true
		if state.Err != nil {
			faults[fault{label(id.At), sourceOf(id.Kind), reasonOf(state.Err)}] = true
		}
	}
	for host := range hosts {
		c.observeErrors.WithLabelValues(b.inventory, host, nodeSource, "unreachable")
	}
	for f := range faults {
		c.observeErrors.WithLabelValues(b.inventory, f.host, f.source, f.reason).Inc()
	}
	for host := range b.hosts {
		if !hosts[host] {
			c.observeErrors.DeletePartialMatch(prometheus.Labels{"inventory": b.inventory, "host": host})
		}
	}
	b.hosts = hosts
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
