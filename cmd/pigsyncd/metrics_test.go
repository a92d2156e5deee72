package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pigsync/pigsync/notify"
	"github.com/pigsync/pigsync/reconcile"
	"github.com/pigsync/pigsync/server"
)

// describer learns what is registered.
type describer struct{ descs, names []string }

func (d *describer) Register(c prometheus.Collector) error {
	out := make(chan *prometheus.Desc)
	go func() {
		defer close(out)
		c.Describe(out)
	}()
	for desc := range out {
		d.descs = append(d.descs, desc.String())
	}
	return nil
}

func (d *describer) MustRegister(cs ...prometheus.Collector) {
	for _, c := range cs {
		_ = d.Register(c)
	}
}

func (d *describer) Unregister(prometheus.Collector) bool { return false }

// Every metric stands in docs/metrics.md with its labels, and nothing else does.
func TestEveryMetricIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(pigsync_[a-z_]+)` \\| [a-z]+ \\| ([^|]*) \\|").FindAllStringSubmatch(string(page), -1) {
		told[row[1]] = strings.ReplaceAll(strings.ReplaceAll(row[2], "`", ""), " ", "")
	}
	d := &describer{}
	reconcile.NewMetrics(d)
	newReloads(d)
	notify.NewCounts(d)
	server.New(server.Options{Registry: d})
	words := regexp.MustCompile(`fqName: "([^"]*)".*constLabels: {([^}]*)}, variableLabels: {([^}]*)}`)
	for _, desc := range d.descs {
		m := words.FindStringSubmatch(desc)
		d.names = append(d.names, m[1])
		labels := m[3]
		if m[2] != "" {
			labels = strings.Join(regexp.MustCompile(`="[^"]*"`).Split(strings.TrimSuffix(m[2], ","), -1), "")
		}
		if got, ok := told[m[1]]; !ok || got != labels {
			t.Errorf("docs/metrics.md: %s has the labels %q, the page says %q", m[1], labels, got)
		}
		delete(told, m[1])
	}
	for name := range told {
		t.Errorf("docs/metrics.md: there is no %s", name)
	}
	for _, name := range promised {
		if !slices.Contains(d.names, name) {
			t.Errorf("%s was promised and is not there", name)
		}
	}
}

// promised are names that rules and dashboards of others build on: none of them goes.
var promised = []string{
	"pigsync_build_info", "pigsync_git_fetch_total", "pigsync_git_fetch_duration_seconds", "pigsync_git_commit_timestamp_seconds",
	"pigsync_git_hostkey_mismatch", "pigsync_webhook_requests_total", "pigsync_inventory_parse_errors", "pigsync_unit_info",
	"pigsync_unit_state", "pigsync_drift_items", "pigsync_drift_first_seen_timestamp_seconds", "pigsync_drift_total",
	"pigsync_observe_duration_seconds", "pigsync_observe_errors_total", "pigsync_last_observed_timestamp_seconds",
	"pigsync_plan_steps", "pigsync_plan_blocked", "pigsync_step_total", "pigsync_step_duration_seconds",
	"pigsync_converge_duration_seconds", "pigsync_corrective_changes_total", "pigsync_rollbacks_total", "pigsync_fights",
	"pigsync_suspended", "pigsync_window_open", "pigsync_queue_depth", "pigsync_queue_oldest_seconds", "pigsync_leader",
	"pigsync_journal_pending_steps", "pigsync_notifications_total",
}
