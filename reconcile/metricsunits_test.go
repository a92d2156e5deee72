package reconcile

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors/memory"
	"github.com/pigsync/pigsync/executors/ssh"
	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
	"github.com/pigsync/pigsync/sources"
)

const etcdUnit, nodeUnit = `cluster="etcd",inventory="prod",module="etcd"`, `cluster="10.0.0.1",inventory="prod",module="node"`

// What somebody asked to leave alone is shown with its end, without who asked, and only as long as he asks.
func TestWhatIsSuspendedIsShown(t *testing.T) {
	c := newCounting("prod")
	r := roundOf(true)
	r.judged = &policies.Case{Now: noon, Holds: []policies.HoldOrder{
		{Owner: "etcd/*", By: canary, Reason: canary, Until: noon.Add(time.Hour)}, {Owner: "etcd/etcd", Until: noon.Add(time.Minute)},
	}}
	c.round(r)
	c.want(t, "pigsync_suspended", `pigsync_suspended{`+etcdUnit+`,reason_class="hold"} 1`)
	c.want(t, "pigsync_suspended_until_timestamp_seconds", `pigsync_suspended_until_timestamp_seconds{`+etcdUnit+`,reason_class="hold"} 1.7000036e+09`)
	r = roundOf(true)
	r.judged = &policies.Case{Now: noon}
	c.round(r)
	c.want(t, "pigsync_suspended")
	if got := c.series(t, "pigsync_suspended"); len(got) != 2 {
		t.Errorf("units: %q, want zeros for both", got)
	}
}

// Two objections to one step are one fight.
func TestFightsAreCounted(t *testing.T) {
	c := newCounting("prod")
	r := roundOf(true, step(diff.Update, "etcd/etcd", file("/etc/a", "10.0.0.1"), 0))
	r.Results = []error{ErrHeld}
	r.Objections = []policies.Objection{{Code: fightCode, Verdict: policies.Hold}, {Code: fightCode, Verdict: policies.Hold}}
	c.round(r)
	c.want(t, "pigsync_fights", `pigsync_fights{`+etcdUnit+`} 1`)
}

// A window for restarts is shown for what it is about, and nothing where nobody set one.
func TestWindowsAreShown(t *testing.T) {
	opens, err := policies.ParseSchedule("0 2 * * *")
	if err != nil {
		t.Fatal(err)
	}
	shut := policies.Windows([]policies.Window{{Name: "night", Opens: opens, Lasts: time.Hour, Scope: policies.Scope{Hazards: resource.Restart, Owners: []string{"etcd/*"}}}})
	c := newCounting("prod")
	r := roundOf(true)
	r.by, r.judged = &Reconciler{Policies: []*policies.Policy{policies.Holds()}}, &policies.Case{Now: noon}
	c.round(r)
	if got := c.series(t, "pigsync_window_open"); len(got) != 0 {
		t.Errorf("without a window: %q", got)
	}
	r.by.Policies = append(r.by.Policies, shut)
	c.round(r)
	for _, line := range c.series(t, "pigsync_window_open") {
		closed := strings.Contains(line, `class="restart"`) && strings.Contains(line, etcdUnit)
		if strings.HasSuffix(line, " 0") != closed {
			t.Errorf("%s, want it closed: %v", line, closed)
		}
	}
	if got := c.series(t, "pigsync_window_open"); len(got) != 14 {
		t.Errorf("%d series, want one for each of 7 classes and 2 units", len(got))
	}
}

// The policy of a unit is the administrator's word, heal where he has none.
func TestTheModeOfAUnitIsShown(t *testing.T) {
	c := newCounting("prod")
	r := roundOf(true)
	c.round(r)
	c.want(t, "pigsync_unit_info", `pigsync_unit_info{`+etcdUnit+`,policy="heal"} 1`, `pigsync_unit_info{`+nodeUnit+`,policy="heal"} 1`)
	r.by = &Reconciler{Mode: func(owner string) string { return map[string]string{"etcd/etcd": "report"}[owner] }}
	c.round(r)
	c.want(t, "pigsync_unit_info", `pigsync_unit_info{`+etcdUnit+`,policy="report"} 1`, `pigsync_unit_info{`+nodeUnit+`,policy=""} 1`)
}

// A parameter that waits for a restart is shown for its member.
func TestPendingRestartsAreShown(t *testing.T) {
	c := newCounting("prod")
	r := roundOf(true)
	r.Have[resource.ID{Kind: resource.KindPGCluster, Name: "cluster", At: "pg"}] = resource.State{Spec: resource.PGCluster{Members: []resource.PGMemberInfo{
		{Instance: "pg-1", Node: "10.0.0.1", PGMember: resource.PGMember{Pending: true}}, {Instance: "pg-2", Node: "10.0.0.2"},
	}}}
	(&Reconciler{}).restarts(r)
	c.round(r)
	const who = `{cluster="pg",host="10.0.0.1",inventory="prod"} `
	c.want(t, "pigsync_postgres_pending_restart", "pigsync_postgres_pending_restart"+who+"1")
	c.want(t, "pigsync_postgres_pending_restart_first_seen_timestamp_seconds", "pigsync_postgres_pending_restart_first_seen_timestamp_seconds"+who+"1.7e+09")
	c.round(roundOf(true))
	if got := c.series(t, "pigsync_postgres_pending_restart_first_seen_timestamp_seconds"); len(got) != 0 {
		t.Errorf("nobody waits, and there is %q", got)
	}
}

// A server that is not the one we know is shown until it is again.
func TestAForeignHostKeyIsShown(t *testing.T) {
	c := newCounting("prod")
	c.fetched("prod", sources.Revision{}, fmt.Errorf("%w: %s", sources.ErrHostKey, canary))
	c.want(t, "pigsync_git_hostkey_mismatch", `pigsync_git_hostkey_mismatch{inventory="prod"} 1`)
	c.fetched("prod", sources.Revision{ID: commit, When: noon}, nil)
	c.want(t, "pigsync_git_hostkey_mismatch")
}

// A revision that is refused says how many errors it has; one that is refused without any has one.
func TestARefusedRevisionIsShown(t *testing.T) {
	for want, problems := range map[string][]Problem{" 2": {{Severity: "error"}, {Severity: "warning"}, {Severity: "error"}}, " 1": nil} {
		c := newCounting("prod")
		c.seen(&Status{Inventory: "prod", State: Rejected, Problems: problems})
		c.want(t, "pigsync_inventory_parse_errors", `pigsync_inventory_parse_errors{inventory="prod"}`+want)
		c.round(roundOf(false))
		c.want(t, "pigsync_inventory_parse_errors")
	}
}

// Errors of a look are sorted by the way and the reason, each once for a round.
func TestErrorsOfALookAreSorted(t *testing.T) {
	c := newCounting("prod")
	r := roundOf(true)
	for name, err := range map[string]error{"a": ssh.ErrHostKey, "b": ssh.ErrUnreachable, "c": fmt.Errorf("x: %w", ssh.ErrUnreachable), "d": context.DeadlineExceeded, "e": ssh.ErrSudo} {
		r.Have[file(name, "10.0.0.1")] = resource.State{Err: err}
	}
	r.Have[resource.ID{Kind: resource.KindEtcdHealth, Name: "etcd", At: "etcd"}] = resource.State{Err: errors.New(canary)}
	c.round(r)
	at := func(host, reason, source string) string {
		return fmt.Sprintf(`pigsync_observe_errors_total{host=%q,inventory="prod",reason=%q,source=%q} 1`, host, reason, source)
	}
	c.want(t, "pigsync_observe_errors_total", at("10.0.0.1", "hostkey", "ssh"), at("10.0.0.1", "unreachable", "ssh"),
		at("10.0.0.1", "timeout", "ssh"), at("10.0.0.1", "denied", "ssh"), at("etcd", "other", "etcd"))
}

// A step that was begun and not ended is seen in the journal while it lasts, and so is who leads.
func TestTheJournalIsAskedAtEveryScrape(t *testing.T) {
	c := newCounting("prod")
	j, err := history.Open(t.TempDir(), history.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	c.keeps("prod", j)
	c.want(t, "pigsync_leader", `pigsync_leader{inventory="prod"} 1`)
	c.want(t, "pigsync_journal_pending_steps")
	if err := j.Append(history.Intent{Revision: commit, Step: history.Step{ID: file("/etc/a", "10.0.0.1"), Action: "~"}}); err != nil {
		t.Fatal(err)
	}
	c.want(t, "pigsync_journal_pending_steps", `pigsync_journal_pending_steps{inventory="prod"} 1`)
}

// The queue of steps is what a round could not do, as old as its first sight; others are asked.
func TestQueuesAreShown(t *testing.T) {
	c := newCounting("prod")
	c.Queue("notifications", func() (int, time.Time) { return 3, noon.Add(-time.Minute) })
	s := step(diff.Update, "etcd/etcd", file("/etc/a", "10.0.0.1"), 0)
	r := roundOf(true, s, step(diff.Update, "node/10.0.0.1", file("/etc/b", "10.0.0.1"), 0))
	r.Results = []error{ErrHeld, nil}
	c.round(r)
	c.clock = noon.Add(time.Hour)
	c.want(t, "pigsync_queue_depth", `pigsync_queue_depth{queue="notifications"} 3`, `pigsync_queue_depth{queue="steps"} 1`)
	c.want(t, "pigsync_queue_oldest_seconds", `pigsync_queue_oldest_seconds{queue="notifications"} 3660`, `pigsync_queue_oldest_seconds{queue="steps"} 3600`)
	c.round(roundOf(true))
	c.want(t, "pigsync_queue_depth", `pigsync_queue_depth{queue="notifications"} 3`)
}

// Whatever the ways to look are, each look is timed under its name.
func TestLooksAreTimedByTheWay(t *testing.T) {
	c := newCounting("prod")
	hand := c.Timing("prod", "etcd", memory.New(1))
	hand.Observe(t.Context(), nil)
	if got := c.series(t, "pigsync_observe_duration_seconds", "_count", `source="etcd"`); len(got) != 1 || !strings.HasSuffix(got[0], " 1") {
		t.Errorf("%q", got)
	}
}

// Of an inventory that is served no more nothing is left.
func TestAnInventoryIsForgotten(t *testing.T) {
	c := newCounting("prod", "dev")
	c.round(roundOf(true, step(diff.Update, "etcd/etcd", file("/etc/a", "10.0.0.1"), 0)))
	c.RolledBack("prod", "etcd", "ok")
	c.Quarantined("prod", 2)
	c.keeps("prod", nil)
	c.want(t, "pigsync_quarantined_commits", `pigsync_quarantined_commits{inventory="prod"} 2`)
	c.want(t, "pigsync_rollbacks_total", `pigsync_rollbacks_total{cluster="etcd",inventory="prod",result="ok"} 1`)
	c.Forget("prod")
	if text := c.everything(t); strings.Contains(text, `"prod"`) || !strings.Contains(text, `"dev"`) {
		t.Error(text)
	}
}
