package reconcile

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
)

// What is done to a unit without asking, where nobody has said otherwise.
const healMode = "heal"

// mode is what is done to a unit without asking.
func (r *Round) mode(u unit) string {
	if r.by == nil || r.by.Mode == nil {
		return healMode
	}
	return label(r.by.Mode(u.owner()))
}

func (u unit) owner() string { return u.module + "/" + u.cluster }

// unreadable counts the errors for which a revision is refused as a whole.
func unreadable(s *Status) float64 {
	if s.State != Rejected {
		return 0
	}
	errs := 0
	for _, p := range s.Problems {
		if p.Severity == "error" {
			errs++
		}
	}
	return float64(max(errs, 1))
}

// heldClass is why a unit is left alone: somebody asked for it.
const heldClass = "hold"

// drawSuspended shows what somebody asked to leave alone, and until when.
func (p *picture) drawSuspended(b *book) {
	if b.round.judged == nil {
		return
	}
	for u := range b.units {
		var until time.Time
		for _, h := range b.round.judged.Holds {
			if h.Covers(u.owner()) && h.Until.After(until) {
				until = h.Until
			}
		}
		p.suspended.WithLabelValues(b.inventory, u.module, u.cluster, heldClass).Set(one(!until.IsZero()))
		if !until.IsZero() {
			p.until.WithLabelValues(b.inventory, u.module, u.cluster, heldClass).Set(seconds(until))
		}
	}
}

// fightCode is that of the objection to a step that somebody else takes back.
const fightCode = "PS129"

// drawFights counts what is left alone because somebody else changes it back.
func (p *picture) drawFights(b *book) {
	for u := range b.units {
		p.fights.WithLabelValues(b.inventory, u.module, u.cluster)
	}
	told := map[int]bool{}
	for _, o := range b.round.Objections {
		if o.Code == fightCode && !told[o.Step] {
			told[o.Step] = true
			u := unitOf(b.round.Plan.Steps[o.Step].Owner)
			p.fights.WithLabelValues(b.inventory, u.module, u.cluster).Inc()
		}
	}
}

// drawWindows asks the judges of time whether a step of each class could begin. Without such a judge
// there is nothing to show.
func (p *picture) drawWindows(b *book) {
	judges := b.round.timely()
	if len(judges) == 0 {
		return
	}
	plan, about := everyClass(b.units)
	verdicts, _ := policies.Judge(&policies.Case{Now: b.round.judged.Now, Plan: plan, Want: &resource.Set{}}, judges)
	for i, v := range verdicts {
		p.window.WithLabelValues(b.inventory, about[i].module, about[i].cluster, classOf(plan.Steps[i])).Set(one(v == policies.Allow))
	}
}

// timely are the judges that look at the clock alone.
func (r *Round) timely() (judges []*policies.Policy) {
	if r.by == nil || r.judged == nil {
		return nil
	}
	for _, p := range r.by.Policies {
		if p.Name == "windows" || p.Name == "freezes" {
			judges = append(judges, p)
		}
	}
	return judges
}

// everyClass is a plan with a step of each class for every unit.
func everyClass(units map[unit]bool) (plan *diff.Plan, about []unit) {
	plan = &diff.Plan{}
	hazards := []resource.Hazard{0}
	for h := range (^resource.Hazard(0)).Each {
		hazards = append(hazards, h)
	}
	for u := range units {
		for _, h := range hazards {
			change := diff.Change{Resource: resource.Resource{Owner: u.owner()}, Action: diff.Update, Fields: []resource.Field{{Hazard: h}}}
			plan.Steps, about = append(plan.Steps, diff.Step{Change: change}), append(about, u)
		}
	}
	return plan, about
}

// drawRestarts shows the members of PostgreSQL clusters that wait for a restart, and since when.
func (p *picture) drawRestarts(b *book) {
	for id, s := range b.round.Have {
		seen, ok := s.Spec.(resource.PGCluster)
		if !ok {
			continue
		}
		for _, m := range seen.Members {
			p.restart.WithLabelValues(b.inventory, label(id.At), label(m.Node)).Set(one(m.Pending))
		}
	}
	for _, r := range slices.Backward(b.round.Restarts) { // of two that are there the oldest counts
		p.restartSince.WithLabelValues(b.inventory, label(r.Cluster), label(r.Node)).Set(seconds(r.Since))
	}
}

// RolledBack counts the return of a cluster to an earlier commit: "ok", "failed" or "refused".
func (m *Metrics) RolledBack(inventory, cluster, result string) {
	if m != nil {
		m.rollbacks.WithLabelValues(inventory, label(cluster), result).Inc()
	}
}

// Quarantined says how many commits are known to be bad.
func (m *Metrics) Quarantined(inventory string, commits int) {
	if m != nil {
		m.quarantined.WithLabelValues(inventory).Set(float64(commits))
	}
}

// Queue tells how much waits somewhere, and since when the oldest of it; it is asked at every scrape.
type Queue func() (depth int, oldest time.Time)

// Queue shows a queue under a name of ours.
func (m *Metrics) Queue(name string, q Queue) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.queues[name] = q
}

// keeps lets the metrics ask a journal.
func (m *Metrics) keeps(inventory string, j *history.Journal) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.journals[inventory] = j
}

// Expect shows zeros for an inventory of which nothing is known yet.
func (m *Metrics) Expect(inventory string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.book(inventory)
}

// Forget shows nothing of an inventory any more.
func (m *Metrics) Forget(inventory string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.books, inventory)
	delete(m.journals, inventory)
	m.counters.forget(prometheus.Labels{"inventory": inventory})
}

func (c *counters) forget(gone prometheus.Labels) {
	for _, v := range []*prometheus.CounterVec{c.fetches, c.drift, c.corrective, c.steps, c.observeErrors, c.rounds, c.rollbacks, c.calls, c.stirs, c.glances} {
		v.DeletePartialMatch(gone)
	}
	for _, v := range []*prometheus.HistogramVec{c.fetchTook, c.stepTook, c.observeTook, c.convergeTook, c.roundTook} {
		v.DeletePartialMatch(gone)
	}
	for _, v := range []*prometheus.GaugeVec{c.commits, c.hostkey, c.quarantined, c.remotes, c.pulls} {
		v.DeletePartialMatch(gone)
	}
}

var (
	leaderDesc = prometheus.NewDesc("pigsync_leader", "1 while this daemon is the one that decides for an inventory.", []string{"inventory"}, nil)
	intentDesc = prometheus.NewDesc("pigsync_journal_pending_steps", "Steps that were begun and have no result in the journal: under way, or interrupted.", []string{"inventory"}, nil)
	depthDesc  = prometheus.NewDesc("pigsync_queue_depth", "What waits in a queue.", []string{"queue"}, nil)
	oldestDesc = prometheus.NewDesc("pigsync_queue_oldest_seconds", "For how long the oldest of a queue has waited.", []string{"queue"}, nil)
)

// collectJournals shows what the journals know now: a step that hangs is seen while it hangs.
func (n newestLooks) collectJournals(out chan<- prometheus.Metric) {
	n.mu.Lock()
	journals := make(map[string]*history.Journal, len(n.journals))
	for name, j := range n.journals {
		journals[name] = j
	}
	n.mu.Unlock()
	for name, j := range journals {
		pending := 0.0
		if j != nil {
			pending = float64(len(j.Unfinished()))
		}
		out <- prometheus.MustNewConstMetric(leaderDesc, prometheus.GaugeValue, one(j != nil && j.Tampered() == nil), name)
		out <- prometheus.MustNewConstMetric(intentDesc, prometheus.GaugeValue, pending, name)
	}
}

// collectQueues asks the queues, and our own: the steps that are not done.
func (n newestLooks) collectQueues(out chan<- prometheus.Metric) {
	n.mu.Lock()
	queues := map[string]Queue{"steps": n.steps()}
	for name, q := range n.queues {
		queues[name] = q
	}
	n.mu.Unlock()
	for name, q := range queues {
		depth, oldest := q()
		age := 0.0
		if depth > 0 {
			age = max(0, n.now().Sub(oldest).Seconds())
		}
		out <- prometheus.MustNewConstMetric(depthDesc, prometheus.GaugeValue, float64(depth), name)
		out <- prometheus.MustNewConstMetric(oldestDesc, prometheus.GaugeValue, age, name)
	}
}

// steps counts the differences that were there after the newest rounds; n.mu is held.
func (n newestLooks) steps() Queue {
	depth, oldest := 0, time.Time{}
	for _, b := range n.books {
		if depth += b.left; b.left > 0 && (oldest.IsZero() || b.oldest.Before(oldest)) {
			oldest = b.oldest
		}
	}
	return func() (int, time.Time) { return depth, oldest }
}

// turn goes on to a round, and counts its steps that were not carried out, or not with success. It is done here and
// not when somebody asks: a round that is told while it goes on is written to.
func (b *book) turn(r *Round) {
	b.round, b.left, b.oldest = r, 0, time.Time{}
	for i, s := range r.Plan.Steps {
		if !acts(s) || i < len(r.Results) && r.Results[i] == nil {
			continue
		}
		b.left++
		if since := b.items[item{s.ID, r.drift(s)}]; b.oldest.IsZero() || since.Before(b.oldest) {
			b.oldest = since
		}
	}
}
