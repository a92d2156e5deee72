package policies_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func window(t testing.TB, opens string, lasts time.Duration, h resource.Hazard) policies.Window {
	t.Helper()
	s, err := policies.ParseSchedule(opens)
	if err != nil {
		t.Fatal(err)
	}
	return policies.Window{Name: opens, Opens: s, Lasts: lasts, Scope: policies.Scope{Hazards: h}}
}

func TestWindowOpen(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	at := func(text string) time.Time {
		when, err := time.ParseInLocation("2006-01-02 15:04", text, berlin)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	nights := window(t, "0 2 * * 1-5", 3*time.Hour, 0)
	nights.Zone = berlin
	holidays := nights
	holidays.Except = []policies.Days{{First: "2026-12-24", Last: "2027-01-03"}}
	late := window(t, "30 23 * * *", time.Hour, 0)
	late.Zone = berlin
	hourly := window(t, "0 * * * *", 90*time.Minute, 0)
	never := window(t, "0 0 30 2 *", time.Hour, 0)
	for _, tt := range []struct {
		name   string
		window policies.Window
		now    time.Time
		open   bool
		until  time.Time
	}{
		{"before", nights, at("2026-11-20 01:59"), false, at("2026-11-20 02:00")},
		{"the first moment", nights, at("2026-11-20 02:00"), true, at("2026-11-20 05:00")},
		{"the last moment is outside", nights, at("2026-11-20 05:00"), false, at("2026-11-23 02:00")},
		{"not on Saturday", nights, at("2026-11-21 03:00"), false, at("2026-11-23 02:00")},
		{"an exception", holidays, at("2026-12-24 03:00"), false, at("2027-01-04 02:00")},
		{"the day after", holidays, at("2027-01-04 03:00"), true, at("2027-01-04 05:00")},
		{"over midnight", late, at("2026-11-21 00:15"), true, at("2026-11-21 00:30")},
		{"the one that began last counts", hourly, at("2026-11-21 00:15"), true, at("2026-11-21 01:30")},
		{"summer time skips the hour it opens", nights, at("2026-03-29 03:30"), false, at("2026-03-30 02:00")},
		{"winter time has it twice", nights, at("2026-10-26 02:30"), true, at("2026-10-26 05:00")},
		{"never", never, at("2026-11-21 00:45"), false, time.Time{}},
	} {
		open, until := tt.window.Open(tt.now)
		if open != tt.open || !until.Equal(tt.until) {
			t.Errorf("%s: %v until %s, want %v until %s", tt.name, open, until.In(berlin), tt.open, tt.until)
		}
	}
}

func TestSchedules(t *testing.T) {
	for _, text := range []string{"", "* * * *", "61 * * * *", "@every 1h", "CRON_TZ=UTC * * * * *", "x"} {
		if _, err := policies.ParseSchedule(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// A window is open at a time exactly when it opened less than its length before, in every zone, over every
// change of the clocks.
func TestWindowsAgreeWithTheirSchedule(t *testing.T) {
	zones := []*time.Location{time.UTC, zone(t, "Europe/Berlin"), zone(t, "America/New_York"), zone(t, "Australia/Lord_Howe")}
	rapid.Check(t, func(t *rapid.T) {
		z := rapid.SampledFrom(zones).Draw(t, "zone")
		hour, lasts := rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(1, 40).Draw(t, "hours")
		s, err := policies.ParseSchedule(fmt.Sprintf("0 %d * * *", hour))
		if err != nil {
			t.Fatal(err)
		}
		w := policies.Window{Opens: s, Lasts: time.Duration(lasts) * time.Hour, Zone: z}
		now := time.Unix(rapid.Int64Range(1_760_000_000, 1_800_000_000).Draw(t, "now"), 0)
		want := false
		for back := range lasts*60 + 60 {
			at := now.Truncate(time.Minute).Add(-time.Duration(back) * time.Minute).In(z)
			if at.Hour() == hour && at.Minute() == 0 && now.Sub(at) < w.Lasts {
				want = true
			}
		}
		if open, until := w.Open(now); open != want || !until.After(now) {
			t.Errorf("%s, %d:00 for %d h at %s: open %v until %s", z, hour, lasts, now.In(z), open, until)
		}
	})
}

func TestWindowsJudge(t *testing.T) {
	night := window(t, "0 2 * * *", time.Hour, resource.Restart) // noon is not night
	day := window(t, "0 10 * * *", 4*time.Hour, resource.Restart)
	lunch := window(t, "0 12 * * *", time.Hour, resource.Restart)
	lunch.Deny = true
	all := window(t, "0 2 * * *", time.Hour, 0)
	pg := window(t, "0 2 * * *", time.Hour, resource.Restart)
	pg.Scope.Owners = []string{"pgsql/*"}
	both := restart("a")
	both.Fields[0].Hazard |= resource.Failover
	plain := change(diff.Create, "file", "x", "a", 0)
	for _, tt := range []struct {
		name    string
		windows []policies.Window
		step    diff.Step
		want    string
	}{
		{"no windows", nil, restart("a"), "allow"},
		{"closed", []policies.Window{night}, restart("a"), "hold PS111"},
		{"open", []policies.Window{day}, restart("a"), "allow"},
		{"one of two is open", []policies.Window{night, day}, restart("a"), "allow"},
		{"one that denies wins", []policies.Window{day, lunch}, restart("a"), "hold PS112"},
		{"about something else", []policies.Window{night}, plain, "allow"},
		{"about everything", []policies.Window{all}, plain, "hold PS111"},
		{"everything waits, but this may", []policies.Window{all, day}, restart("a"), "allow"},
		{"and what costs more waits", []policies.Window{all, day}, both, "hold PS111"},
		{"of others", []policies.Window{pg}, restart("a"), "allow"},
	} {
		c := &policies.Case{Plan: &diff.Plan{Steps: []diff.Step{tt.step}}}
		if got := judge(c, policies.Windows(tt.windows)); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
	_, os := policies.Judge(&policies.Case{Now: noon, Plan: &diff.Plan{Steps: []diff.Step{restart("a")}}},
		[]*policies.Policy{policies.Windows([]policies.Window{night, window(t, "30 23 * * *", time.Hour, resource.Restart)})})
	if want := noon.Add(11*time.Hour + 30*time.Minute); len(os) != 1 || !os[0].Until.Equal(want) {
		t.Errorf("%+v, want until %s: the first to open", os, want)
	}
}

func TestFreezes(t *testing.T) {
	freeze := policies.Freeze{From: noon, Until: noon.Add(time.Hour), Reason: "migration"}
	past, future, other := freeze, freeze, freeze
	past.From, past.Until = noon.Add(-time.Hour), noon
	future.From = noon.Add(time.Second)
	other.Scope.Owners = []string{"node/*"}
	for want, f := range map[string][]policies.Freeze{"hold PS113": {freeze}, "allow": {past, future, other}} {
		c := &policies.Case{Plan: &diff.Plan{Steps: []diff.Step{change(diff.Create, "file", "x", "a", 0)}}}
		if got := judge(c, policies.Freezes(f)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func fleetOf(nodes int, dark ...string) map[resource.ID]resource.State {
	have := map[resource.ID]resource.State{}
	for i := range nodes {
		have[resource.FactsOf(string(rune('a'+i)))] = resource.State{Spec: resource.Facts{}}
	}
	for _, at := range dark {
		have[resource.FactsOf(at)] = resource.State{Err: fmt.Errorf("no route")}
	}
	return have
}

func of(owner string, s diff.Step) diff.Step {
	s.Owner = owner
	return s
}

func TestBudgets(t *testing.T) {
	two := policies.Budget{Name: "two", Scope: policies.Scope{Hazards: resource.Restart}, Per: policies.PerFleet, Max: 2}
	share := policies.Budget{Name: "share", Per: policies.PerFleet, Share: 0.25}
	owner := policies.Budget{Name: "owner", Per: policies.PerOwner, Max: 1}
	module := policies.Budget{Name: "module", Per: policies.PerModule, Max: 1}
	app := policies.Budget{Name: "app", Per: policies.PerLabel, Label: "app", Max: 1}
	labels := policies.Labels{"x/1": {"app": "shop"}, "x/2": {"app": "shop"}, "x/3": {"app": "blog"}}
	for _, tt := range []struct {
		name   string
		budget policies.Budget
		have   map[resource.ID]resource.State
		steps  []diff.Step
		want   string
	}{
		{"within", two, nil, []diff.Step{restart("a"), restart("b")}, "allow allow"},
		{"beyond", two, nil, []diff.Step{restart("a"), restart("b"), restart("c")}, "allow allow hold PS114"},
		{"one after the other", two, nil, []diff.Step{restart("a"), restart("b"), restart("c", 0), restart("d", 2)}, "allow allow allow allow"},
		{"the same node", two, nil, []diff.Step{restart("a"), restart("b"), restart("a")}, "allow allow allow"},
		{"what costs nothing", two, nil, []diff.Step{restart("a"), restart("b"), change(diff.Create, "file", "x", "c", 0)}, "allow allow allow"},
		{"a node that is down counts", two, fleetOf(5, "e"), []diff.Step{restart("a"), restart("b")}, "allow hold PS114"},
		{"unless it is this one", two, fleetOf(5, "a"), []diff.Step{restart("a"), restart("b")}, "allow hold PS114"},
		{"a share", share, fleetOf(8), []diff.Step{restart("a"), restart("b"), restart("c")}, "allow allow hold PS114"},
		{"a share of few is one", share, fleetOf(3), []diff.Step{restart("a"), restart("b")}, "allow hold PS114"},
		{"per owner", owner, nil, []diff.Step{of("x/1", restart("a")), of("x/2", restart("b")), of("x/1", restart("c"))}, "allow allow hold PS114"},
		{"per module", module, nil, []diff.Step{of("x/1", restart("a")), of("y/1", restart("b")), of("x/2", restart("c"))}, "allow allow hold PS114"},
		{"per label", app, nil, []diff.Step{of("x/1", restart("a")), of("x/2", restart("b")), of("x/3", restart("c")), of("x/4", restart("d"))}, "allow hold allow allow PS114"},
	} {
		c := &policies.Case{Plan: &diff.Plan{Steps: tt.steps}, Have: tt.have}
		if got := judge(c, policies.Budgets([]policies.Budget{tt.budget}, labels)); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestLabels(t *testing.T) {
	l := policies.Labels{"pgsql/*": {"tier": "silver", "team": "data"}, "pgsql/pg-gold*": {"tier": "gold"}, "pgsql/pg-gold1": {"tier": "platinum"}}
	for owner, want := range map[string]string{
		"pgsql/pg-a": "map[team:data tier:silver]", "pgsql/pg-gold2": "map[team:data tier:gold]",
		"pgsql/pg-gold1": "map[team:data tier:platinum]", "etcd/etcd": "map[]",
	} {
		if got := fmt.Sprint(l.Of(owner)); got != want {
			t.Errorf("%s: %s, want %s", owner, got, want)
		}
	}
}

func TestBlastRadius(t *testing.T) {
	plan := func(gone int) *diff.Plan {
		p := &diff.Plan{}
		for i := range gone {
			p.Steps = append(p.Steps, of(fmt.Sprintf("node/%d", i), change(diff.Delete, "file", "x", fmt.Sprint(i), 0)))
		}
		return p
	}
	want := &resource.Set{}
	for i := range 9 {
		owner := fmt.Sprintf("node/stays%d", i)
		if err := want.Add(resource.Resource{ID: resource.ID{Kind: "file", Name: "x", At: owner}, Owner: owner}); err != nil {
			t.Fatal(err)
		}
	}
	for gone, says := range map[int]string{1: "allow", 2: "allow allow", 3: "allow allow allow", 4: "hold hold hold hold PS110 PS110 PS110 PS110"} {
		c := &policies.Case{Plan: plan(gone), Want: want}
		if got := judge(c, policies.BlastRadius(policies.DefaultBlast())); got != says {
			t.Errorf("%d of %d: got %q, want %q", gone, gone+9, got, says)
		}
	}
	p := plan(4)
	approval := policies.Approval{Until: noon.Add(time.Hour)}
	for _, s := range p.Steps {
		approval.Steps = append(approval.Steps, s.Digest())
	}
	if got := judge(&policies.Case{Plan: p, Want: want, Approvals: []policies.Approval{approval}}, policies.BlastRadius(policies.DefaultBlast())); got != "allow allow allow allow" {
		t.Errorf("approved: %q", got)
	}
	one := &policies.Case{Plan: &diff.Plan{Steps: []diff.Step{of("node/stays1", change(diff.Delete, "file", "y", "b", 0))}}, Want: want}
	if got := judge(one, policies.BlastRadius(policies.Blast{})); got != "allow" {
		t.Errorf("a line that goes: %q", got)
	}
}
