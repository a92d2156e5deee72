package reconcile

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/resource"
)

// pending is a member whose server said what it waits for; without names it waits for nothing.
func pending(names ...string) resource.PGMember {
	return resource.PGMember{
		Cluster: "pg", Role: resource.PGReplica, Pending: len(names) > 0, Reasons: names,
		Settings: map[string]resource.PGSetting{"port": {Value: "5432"}},
	}
}

// untold is a member of which Patroni alone speaks, as the server does not let us in.
func untold(waits bool, names ...string) resource.PGMember {
	m := pending(names...)
	m.Pending, m.Settings = waits, nil
	return m
}

// nameless is a member that waits, and nobody says for what.
func nameless() resource.PGMember {
	m := pending()
	m.Pending = true
	return m
}

// cluster is what is seen of pg-1 of the cluster pg, on 10.0.0.1.
func cluster(m resource.PGMember) resource.State {
	return resource.State{Spec: resource.PGCluster{Members: []resource.PGMemberInfo{{Instance: "pg-1", Node: "10.0.0.1", PGMember: m}}}}
}

func silent() resource.State {
	return resource.State{Spec: resource.PGCluster{Silent: map[string]string{"pg-1": "it does not answer"}}}
}

// A look follows the other, an hour apart. What is shown is who waits since which hour; in brackets what is only
// remembered.
func TestSinceWhenARestartIsPending(t *testing.T) {
	down := untold(false)
	down.Role = ""
	unheard := resource.State{Err: errors.New("no answer")}
	for name, c := range map[string]struct {
		looks []resource.State
		want  string
	}{
		"first seen":             {[]resource.State{cluster(pending()), cluster(pending("a")), cluster(pending("a"))}, "- a@1 a@1"},
		"another one, too":       {[]resource.State{cluster(pending("b")), cluster(pending("a", "b"))}, "b@0 a,b@0"},
		"the older one goes":     {[]resource.State{cluster(pending("b")), cluster(pending("a", "b")), cluster(pending("a"))}, "b@0 a,b@0 a@1"},
		"another one instead":    {[]resource.State{cluster(pending("a")), cluster(pending("b"))}, "a@0 b@1"},
		"gone, and again":        {[]resource.State{cluster(pending("a")), cluster(pending()), cluster(pending("a"))}, "a@0 - a@2"},
		"the server was stopped": {[]resource.State{cluster(pending("a")), cluster(down), cluster(pending("a"))}, "a@0 - a@2"},
		"nothing is there":       {[]resource.State{cluster(pending("a")), {}, cluster(pending("a"))}, "a@0 - a@2"},
		"the member is not":      {[]resource.State{cluster(pending("a")), {Spec: resource.PGCluster{}}, cluster(pending("a"))}, "a@0 - a@2"},
		"no answer":              {[]resource.State{cluster(pending("a")), unheard, unheard, cluster(pending("a"))}, "a@0 [a@0] [a@0] a@0"},
		"the member is silent":   {[]resource.State{cluster(pending("a")), silent(), cluster(pending("a"))}, "a@0 [a@0] a@0"},
		"Patroni does not run":   {[]resource.State{cluster(pending("a")), cluster(resource.PGMember{System: "1"}), cluster(pending("a"))}, "a@0 [a@0] a@0"},
		"the server says not":    {[]resource.State{cluster(pending("a")), cluster(untold(false)), cluster(pending("a"))}, "a@0 [a@0] a@0"},
		"Patroni says one":       {[]resource.State{cluster(pending("a", "b")), cluster(untold(true, "a")), cluster(pending("b"))}, "a,b@0 a,b@0 b@0"},
		"for no reason":          {[]resource.State{cluster(nameless()), cluster(nameless()), cluster(pending("a")), cluster(nameless())}, "@0 @0 a@0 @0"},
		"never known":            {[]resource.State{cluster(untold(false)), silent(), unheard}, "- - -"},
	} {
		r := &Reconciler{}
		var got []string
		for hour, look := range c.looks {
			round := lookAt(r, hour, look)
			shown, known := tellWaits(round.Restarts), tellKnown(round.waits)
			if shown != known {
				shown = "[" + known + "]"
			}
			got = append(got, shown)
		}
		if text := strings.Join(got, " "); text != c.want {
			t.Errorf("%s: %s, want %s", name, text, c.want)
		}
	}
}

// lookAt is a round in that hour in which the cluster pg was seen so.
func lookAt(r *Reconciler, hour int, pg resource.State) *Round {
	round := &Round{Began: noon.Add(time.Duration(hour) * time.Hour), Have: map[resource.ID]resource.State{resource.PGClusterOf("pg"): pg}}
	r.restarts(round)
	r.noteRestarts(round)
	return round
}

func tellWaits(all []PendingRestart) string {
	var parts []string
	for _, p := range all {
		parts = append(parts, fmt.Sprintf("%s@%.0f", strings.Join(p.Reasons, ","), p.Since.Sub(noon).Hours()))
	}
	return orNone(strings.Join(parts, " "))
}

func tellKnown(all waits) string {
	var parts []string
	for _, p := range all {
		parts = append(parts, fmt.Sprintf("%s@%.0f", strings.Join(p.Names(), ","), p.Since.Sub(noon).Hours()))
	}
	return orNone(strings.Join(parts, " "))
}

func orNone(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// A cluster that left the inventory is forgotten, unless its lines cannot be read now.
func TestWhoLeavesWaitsNoMore(t *testing.T) {
	for frozen, want := range map[string]int{"": 0, "pgsql/other": 0, "pgsql/pg": 1} {
		r := &Reconciler{}
		lookAt(r, 0, cluster(pending("a")))
		round := &Round{Began: noon, Frozen: map[string]bool{frozen: true}}
		r.restarts(round)
		if len(round.waits) != want || len(round.Restarts) != 0 {
			t.Errorf("frozen %q: %d are known, want %d", frozen, len(round.waits), want)
		}
	}
}

// The journal is told what is new alone, again when it could not be written, and knows it in the next process.
func TestPendingRestartsAreWrittenOnce(t *testing.T) {
	dir := t.TempDir()
	begin := func() *Reconciler {
		t.Helper()
		j, err := history.Open(dir, history.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { j.Close() })
		return &Reconciler{Journal: j}
	}
	told := func(r *Reconciler) (text []string) {
		t.Helper()
		for rec, err := range r.Journal.Records(history.Query{Kinds: []history.Kind{history.KindRestarts}, Oldest: true}) {
			if err != nil {
				t.Fatal(err)
			}
			e := rec.Entry.(history.Restarts)
			for _, p := range e.Pending {
				text = append(text, "+"+strings.Join(p.Names(), ","))
			}
			for _, id := range e.Over {
				text = append(text, "-"+id.Name)
			}
		}
		return text
	}
	r := begin()
	hour := 0
	look := func(s resource.State) *Round { hour++; return lookAt(r, hour, s) }
	for range 3 {
		look(cluster(pending("a")))
	}
	look(cluster(pending("a", "b")))
	r.Journal.Close()
	look(cluster(pending("c"))) // cannot be written
	r = begin()
	if got := tellWaits(look(cluster(pending("a", "b"))).Restarts); got != "a,b@1" {
		t.Errorf("the next process says %s", got)
	}
	look(silent())
	look(resource.State{Err: errors.New("no answer")})
	if got := told(r); !slices.Equal(got, []string{"+a", "+a,b"}) {
		t.Errorf("the journal was told %q", got)
	}
	r.Journal.Close()
	look(cluster(pending("b")))
	since := look(cluster(pending("b"))).Restarts
	r.Journal = begin().Journal
	look(cluster(pending("b")))
	look(cluster(pending()))
	look(cluster(pending()))
	if got := told(r); tellWaits(since) != "b@4" || !slices.Equal(got, []string{"+a", "+a,b", "+b", "-pg-1"}) {
		t.Errorf("since %s; the journal was told %q", tellWaits(since), got)
	}
}

// The plan says who waits and for what; and since when, if that was known before.
func TestThePlanTellsOfPendingRestarts(t *testing.T) {
	r := &Reconciler{}
	text := func(hour int) string {
		round := lookAt(r, hour, cluster(pending("a", "b")))
		round.Want, round.Plan = &resource.Set{}, &diff.Plan{}
		var b strings.Builder
		if err := round.WriteText(&b); err != nil {
			t.Fatal(err)
		}
		return strings.SplitAfter(b.String(), "\n")[0]
	}
	if got := text(0); got != "pending restart: pg-1 on 10.0.0.1 of pg: a, b\n" {
		t.Errorf("got %q", got)
	}
	if got := text(1); got != "pending restart: pg-1 on 10.0.0.1 of pg since "+noon.Local().Format(time.DateTime)+": a, b\n" {
		t.Errorf("then %q", got)
	}
}

// The oldest comes first, whichever cluster it is of.
func TestPendingRestartsAreSorted(t *testing.T) {
	r := &Reconciler{}
	lookAt(r, 0, cluster(pending("z")))
	round := &Round{Began: noon.Add(time.Hour), Have: map[resource.ID]resource.State{
		resource.PGClusterOf("pg"): cluster(pending("z")),
		resource.PGClusterOf("a"): {Spec: resource.PGCluster{Members: []resource.PGMemberInfo{
			{Instance: "a-2", Node: "10.0.0.3", PGMember: pending("x")}, {Instance: "a-1", Node: "10.0.0.2", PGMember: pending("x")},
		}}},
	}}
	r.restarts(round)
	var got []string
	for _, p := range round.Restarts {
		got = append(got, p.Instance)
	}
	if !slices.Equal(got, []string{"pg-1", "a-1", "a-2"}) {
		t.Errorf("%q", got)
	}
}
