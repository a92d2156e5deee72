package reconcile

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/policies"
)

// picture is the gauges of one look at one inventory. Every look makes a new one, so that what has
// vanished is not shown any more; once drawn it does not change.
type picture struct {
	problems, converged, units, drift, since, unknown *prometheus.GaugeVec
	orphans, reboot, leader, timeline, watch          *prometheus.GaugeVec
	steps, blocked, observed, reachable, journal      *prometheus.GaugeVec
	unreadable, info, suspended, until, fights        *prometheus.GaugeVec
	window, restart, restartSince                     *prometheus.GaugeVec
}

func newPicture() *picture {
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, append([]string{"inventory"}, labels...))
	}
	return &picture{
		problems:  gauge("pigsync_inventory_problems", "Problems of the newest revision.", "severity"),
		converged: gauge("pigsync_converged", "1 when the fleet was as the newest revision says."),
		units:     gauge("pigsync_unit_state", "1 for the state a unit is in, 0 for the others.", "module", "cluster", "state"),
		drift:     gauge("pigsync_drift_items", "Differences from a commit that had converged.", "module", "cluster", "class"),
		since: gauge("pigsync_drift_first_seen_timestamp_seconds", "When the oldest of the differences from a commit that had converged was first seen.",
			"module", "cluster", "class"),
		unknown:   gauge("pigsync_unknown_items", "Resources of which it is not known whether they differ.", "module", "cluster"),
		orphans:   gauge("pigsync_orphan_items", "Resources that remain of what has left the inventory.", "module", "cluster"),
		steps:     gauge("pigsync_plan_steps", "Steps of the last plan; class check is a gate.", "module", "cluster", "class"),
		blocked:   gauge("pigsync_plan_blocked", "Steps of the last plan that a policy held or denied, by the code of the objection.", "module", "cluster", "code"),
		observed:  gauge("pigsync_last_observed_timestamp_seconds", "When a node last answered.", "host"),
		reachable: gauge("pigsync_node_reachable", "1 when a node answered at the last look.", "host"),
		leader:    gauge("pigsync_postgres_leader", "1 for the node where a cluster's leader is, as Patroni says.", "cluster", "host"),
		timeline:  gauge("pigsync_postgres_timeline", "Timeline of a cluster's leader: one more with each failover.", "cluster"),
		reboot:    gauge("pigsync_node_reboot_pending", "Resources of a node of which a part waits for its next start.", "host"),
		watch:     gauge("pigsync_watch_up", "1 while changes at a node or in a cluster are told at once, by who watches there.", "host", "source"),
		journal:   gauge("pigsync_journal_up", "0 when the last plan or step could not be written down; nothing is done then."),

		unreadable: gauge("pigsync_inventory_parse_errors", "Errors for which the newest revision as a whole cannot be acted on."),
		info:       gauge("pigsync_unit_info", "Always 1; the policy says what is done there without asking.", "module", "cluster", "policy"),
		suspended:  gauge("pigsync_suspended", "1 for a unit that somebody asked to leave alone.", "module", "cluster", "reason_class"),
		until:      gauge("pigsync_suspended_until_timestamp_seconds", "When the last such word ends.", "module", "cluster", "reason_class"),
		fights:     gauge("pigsync_fights", "Resources that somebody else changes back again and again; they are left alone.", "module", "cluster"),
		window:     gauge("pigsync_window_open", "1 when the windows and freezes let steps of a class begin now.", "module", "cluster", "class"),
		restart:    gauge("pigsync_postgres_pending_restart", "1 for a member with a parameter that waits for a restart.", "cluster", "host"),
		restartSince: gauge("pigsync_postgres_pending_restart_first_seen_timestamp_seconds", "When a member that waits for a restart was first seen to.",
			"cluster", "host"),
	}
}

func (p *picture) all() []*prometheus.GaugeVec {
	return []*prometheus.GaugeVec{
		p.problems, p.converged, p.units, p.drift, p.since, p.unknown, p.orphans, p.steps, p.blocked, p.observed, p.reachable, p.reboot, p.leader, p.timeline, p.watch, p.journal,
		p.unreadable, p.info, p.suspended, p.until, p.fights, p.window, p.restart, p.restartSince,
	}
}

// newestLooks shows the pictures of all inventories.
type newestLooks struct{ *Metrics }

// Describe names the gauges of a picture.
func (n newestLooks) Describe(out chan<- *prometheus.Desc) {
	for _, g := range newPicture().all() {
		g.Describe(out)
	}
	for _, desc := range []*prometheus.Desc{leaderDesc, intentDesc, depthDesc, oldestDesc} {
		out <- desc
	}
}

// Collect gives what the newest looks have shown.
func (n newestLooks) Collect(out chan<- prometheus.Metric) {
	for _, p := range n.pictures() {
		for _, g := range p.all() {
			g.Collect(out)
		}
	}
	n.collectJournals(out)
	n.collectQueues(out)
}

func (n newestLooks) pictures() (ps []*picture) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, b := range n.books {
		ps = append(ps, b.shown)
	}
	return ps
}

// unitStates are the states a unit may be in.
func unitStates() []State { return append(slices.Clone(gravity), Rejected) }

// draw makes a picture of a status. When the newest revision cannot be acted on, the fleet is shown
// as it was last seen, and its units as refused.
func (b *book) draw(s *Status) *picture {
	p := newPicture()
	p.drawStatus(b, s)
	if b.round == nil {
		return p
	}
	units := map[unit]State{}
	for u := range b.units {
		units[u] = Rejected
	}
	if s.round != nil {
		units = unitsOf(s)
	}
	for u, state := range units {
		p.drawUnit(b.inventory, u, state)
		p.info.WithLabelValues(b.inventory, u.module, u.cluster, b.round.mode(u)).Set(1)
	}
	p.drawPlan(b)
	p.drawBlocked(b)
	p.drawNodes(b)
	p.drawClusters(b)
	p.drawSuspended(b)
	p.drawFights(b)
	p.drawWindows(b)
	p.drawRestarts(b)
	return p
}

// drawClusters shows who leads. Without a leader there is no sample.
func (p *picture) drawClusters(b *book) {
	for _, c := range clustersOf(b.round) {
		if c.Leader == "" {
			continue
		}
		p.leader.WithLabelValues(b.inventory, label(c.Cluster), label(c.Node)).Set(1)
		p.timeline.WithLabelValues(b.inventory, label(c.Cluster)).Set(float64(c.Timeline))
	}
}

func (p *picture) drawStatus(b *book, s *Status) {
	p.converged.WithLabelValues(b.inventory).Set(one(s.State == InSync))
	p.journal.WithLabelValues(b.inventory).Set(b.journal)
	for _, w := range s.watches {
		p.watch.WithLabelValues(b.inventory, label(w.At), w.Source).Set(one(w.Err == nil))
	}
	for _, severity := range []inventory.Severity{inventory.Error, inventory.Warning} {
		p.problems.WithLabelValues(b.inventory, severity.String())
	}
	for _, problem := range s.Problems {
		p.problems.WithLabelValues(b.inventory, problem.Severity).Inc()
	}
	p.unreadable.WithLabelValues(b.inventory).Set(unreadable(s))
}

func (p *picture) drawUnit(inventory string, u unit, is State) {
	for _, state := range unitStates() {
		p.units.WithLabelValues(inventory, u.module, u.cluster, string(state)).Set(one(state == is))
	}
	for _, class := range hazardClasses() {
		p.drift.WithLabelValues(inventory, u.module, u.cluster, class)
		p.steps.WithLabelValues(inventory, u.module, u.cluster, class)
	}
	p.steps.WithLabelValues(inventory, u.module, u.cluster, checkClass)
	p.unknown.WithLabelValues(inventory, u.module, u.cluster)
}

func (p *picture) drawPlan(b *book) {
	oldest := map[[3]string]time.Time{}
	for _, s := range b.round.Plan.Steps {
		u, class := unitOf(s.Owner), classOf(s)
		if s.Orphan {
			p.orphans.WithLabelValues(b.inventory, u.module, u.cluster).Inc()
		}
		if s.Action == diff.Wait {
			p.unknown.WithLabelValues(b.inventory, u.module, u.cluster).Inc()
			continue
		}
		p.steps.WithLabelValues(b.inventory, u.module, u.cluster, class).Inc()
		if !b.round.drift(s) || !acts(s) {
			continue
		}
		p.drift.WithLabelValues(b.inventory, u.module, u.cluster, class).Inc()
		at, since := [3]string{u.module, u.cluster, class}, b.items[item{s.ID, true}]
		if earlier := b.round.driftSince(s.ID); !earlier.IsZero() {
			since = earlier
		}
		if first, known := oldest[at]; !known || since.Before(first) {
			oldest[at] = since
		}
	}
	for at, since := range oldest {
		p.since.WithLabelValues(b.inventory, at[0], at[1], at[2]).Set(seconds(since))
	}
}

// drawBlocked counts a step once for each code, however often it was objected to.
func (p *picture) drawBlocked(b *book) {
	type objection struct {
		step int
		code string
	}
	told := map[objection]bool{}
	for _, o := range b.round.Objections {
		what := objection{o.Step, o.Code}
		if o.Verdict == policies.Allow || told[what] {
			continue
		}
		told[what] = true
		u := unitOf(b.round.Plan.Steps[o.Step].Owner)
		p.blocked.WithLabelValues(b.inventory, u.module, u.cluster, o.Code).Inc()
	}
}

func (p *picture) drawNodes(b *book) {
	for host, n := range b.nodes {
		if !n.seen.IsZero() {
			p.observed.WithLabelValues(b.inventory, host).Set(seconds(n.seen))
		}
		p.reachable.WithLabelValues(b.inventory, host).Set(one(n.answers))
		p.reboot.WithLabelValues(b.inventory, host)
	}
	for _, waits := range b.round.Pending() {
		p.reboot.WithLabelValues(b.inventory, waits.ID.At).Inc()
	}
}

func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
