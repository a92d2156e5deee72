package diff_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/token"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/resource"
)

func file(name string) resource.ID { return resource.ID{Kind: "file", Name: name, At: "n"} }

func text(s string) resource.File { return resource.NewFile([]byte(s), 0o644, "", "") }

type world map[resource.ID]resource.State

func (w world) is(id resource.ID, s resource.Spec) world {
	w[id] = resource.State{Spec: s}
	return w
}

func set(t testing.TB, rs ...resource.Resource) *resource.Set {
	t.Helper()
	s := &resource.Set{}
	for _, r := range rs {
		if err := s.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func plan(t testing.TB, want, prior *resource.Set, have world) *diff.Plan {
	t.Helper()
	p, err := diff.NewPlan(want, diff.Compare(want, prior, have))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func shape(p *diff.Plan) string {
	var out []string
	for _, s := range p.Steps {
		out = append(out, s.Action.String()+s.ID.Name)
	}
	return strings.Join(out, " ")
}

func TestCompareTellsUnknownFromAbsent(t *testing.T) {
	r := resource.Resource{ID: file("a"), Spec: text("x")}
	unknownSpec := resource.Resource{ID: file("a")}
	down := world{r.ID: {Err: errors.New("no route")}}
	stays := resource.Resource{ID: r.ID, Spec: r.Spec, Owner: "node/n", Parting: resource.Left}
	orphan := stays
	orphan.Parting = resource.Orphaned
	nobodyKnows := orphan
	nobodyKnows.Spec = nil
	lent := orphan
	lent.Retain = true
	other := resource.Resource{ID: file("other"), Spec: text("x"), Owner: "node/n"}
	tests := []struct {
		name        string
		want, prior *resource.Set
		have        world
		shape       string
	}{
		{"absent is made", set(t, r), nil, world{r.ID: {}}, "+a"},
		{"as it should be", set(t, r), nil, world{}.is(r.ID, text("x")), ""},
		{"different is changed", set(t, r), nil, world{}.is(r.ID, text("y")), "~a"},
		{"unreachable waits", set(t, r), nil, down, "?a"},
		{"unobserved waits", set(t, r), nil, world{}, "?a"},
		{"not yet known waits", set(t, unknownSpec), nil, world{r.ID: {}}, "?a"},
		{"not yet known is not removed", set(t, unknownSpec), set(t, r), world{}.is(r.ID, text("x")), "?a"},
		{"no longer wanted is removed", nil, set(t, r), world{}.is(r.ID, text("x")), "-a"},
		{"no longer wanted and gone", nil, set(t, r), world{r.ID: {}}, ""},
		{"no longer wanted, unreachable", nil, set(t, r), down, ""},
		{"no longer wanted, unobserved", nil, set(t, r), world{}, ""},
		{"once wanted, never known", nil, set(t, unknownSpec), world{}.is(r.ID, text("x")), ""},
		{"retained", nil, set(t, resource.Resource{ID: r.ID, Spec: r.Spec, Retain: true}), world{}.is(r.ID, text("x")), ""},
		{"its line went", set(t, resource.Resource{ID: file("other"), Spec: text("x"), Owner: "node/n"}), set(t, stays), world{}.is(r.ID, text("x")).is(file("other"), text("x")), "-a"},
		{"its owner went", set(t, resource.Resource{ID: file("other"), Spec: text("x"), Owner: "node/m"}), set(t, stays), world{}.is(r.ID, text("x")).is(file("other"), text("x")), ""},
		{"an orphan", nil, set(t, orphan), world{}.is(r.ID, text("x")), "-a"},
		{"an orphan that has gone", nil, set(t, orphan), world{r.ID: {}}, ""},
		{"an orphan out of reach", nil, set(t, orphan), down, "?a"},
		{"an orphan, unobserved", nil, set(t, orphan), world{}, "?a"},
		{"an orphan that was never known", nil, set(t, nobodyKnows), world{}.is(r.ID, text("x")), "?a"},
		{"an orphan that was never known and is not there", nil, set(t, nobodyKnows), world{r.ID: {}}, ""},
		{"only the line of one", set(t, other), set(t, orphan), world{r.ID: {Err: errors.New("no route")}}.is(other.ID, text("x")), ""},
		{"kept, and yet an orphan", nil, set(t, lent), world{}.is(r.ID, text("x")), "-a"},
		{"kept while the owner is there", set(t, other), set(t, lent), world{}.is(r.ID, text("x")).is(other.ID, text("x")), ""},
		{"a gate is not removed", nil, set(t, resource.Resource{ID: r.ID, Spec: resource.EtcdHealth{}}), world{}.is(r.ID, resource.EtcdHealth{}), ""},
	}
	for _, tt := range tests {
		if got := shape(plan(t, tt.want, tt.prior, tt.have)); got != tt.shape {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.shape)
		}
	}
}

// No lines where there are none are no change, and no lines where there are some are one.
func TestCompareOfNothing(t *testing.T) {
	id := resource.ID{Kind: resource.KindLines, Name: "/a#b", At: "n"}
	want := set(t, resource.Resource{ID: id, Spec: resource.Lines{}})
	if got := diff.Compare(want, nil, world{}.is(id, nil)); len(got) > 0 {
		t.Errorf("got %+v", got)
	}
	if got := diff.Compare(want, nil, world{}.is(id, resource.Lines{Lines: []string{"x"}})); len(got) != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestPlanLooksThroughWhatDoesNotChange(t *testing.T) {
	want := set(t,
		resource.Resource{ID: file("c"), Spec: text("x"), After: []resource.ID{file("b")}},
		resource.Resource{ID: file("b"), Spec: text("x"), After: []resource.ID{file("a")}},
		resource.Resource{ID: file("a"), Spec: text("x")},
	)
	have := world{file("a"): {}, file("c"): {}}.is(file("b"), text("x"))
	p := plan(t, want, nil, have)
	if shape(p) != "+a +c" || !slices.Equal(p.Steps[1].Needs, []int{0}) {
		t.Errorf("got %s, needs %v", shape(p), p.Steps[1].Needs)
	}
}

func TestGatesStandBesideChanges(t *testing.T) {
	gate := func(n string) resource.ID { return resource.ID{Kind: "etcdhealth", Name: n, At: "c"} }
	well := resource.EtcdHealth{Healthy: true}
	want := set(t,
		resource.Resource{ID: gate("before"), Spec: well},
		resource.Resource{ID: file("a"), Spec: text("x"), After: []resource.ID{gate("before")}},
		resource.Resource{ID: gate("a-ok"), Spec: well, After: []resource.ID{file("a")}},
		resource.Resource{ID: file("b"), Spec: text("x"), After: []resource.ID{gate("a-ok")}},
		resource.Resource{ID: gate("b-ok"), Spec: well, After: []resource.ID{file("b")}},
		resource.Resource{ID: gate("other"), Spec: well},
	)
	have := world{file("a"): {}, file("b"): {}}
	for _, n := range []string{"before", "a-ok", "b-ok", "other"} {
		have.is(gate(n), well)
	}
	if got := shape(plan(t, want, nil, have)); got != "=before +a =a-ok +b =b-ok" {
		t.Errorf("got %s", got)
	}
	have.is(file("a"), text("x")).is(file("b"), text("x")).is(gate("other"), resource.EtcdHealth{})
	if got := shape(plan(t, want, nil, have)); got != "=other" {
		t.Errorf("a gate that does not hold must be in the plan: %q", got)
	}
}

func TestDeletesGoLastInReverse(t *testing.T) {
	own := func(r resource.Resource, owner string) resource.Resource { r.Owner = owner; return r }
	prior := set(t,
		own(resource.Resource{ID: file("old"), Spec: text("x")}, "a"),
		own(resource.Resource{ID: file("on-old"), Spec: text("x"), After: []resource.ID{file("old")}}, "a"),
	)
	want := set(t,
		own(resource.Resource{ID: file("new"), Spec: text("x")}, "a"),
		own(resource.Resource{ID: file("lost"), Spec: text("x")}, "b"),
	)
	have := world{file("new"): {}, file("lost"): {Err: errors.New("down")}}.is(file("old"), text("x")).is(file("on-old"), text("x"))
	p := plan(t, want, prior, have)
	if shape(p) != "+new ?lost -on-old -old" {
		t.Fatalf("got %s", shape(p))
	}
	if n := p.Steps[2].Needs; !slices.Equal(n, []int{0}) {
		t.Errorf("a removal must wait for its own owner only: %v", n)
	}
	if n := p.Steps[3].Needs; !slices.Equal(n, []int{0, 2}) {
		t.Errorf("what stood below goes after what stood on it: %v", n)
	}
}

// What is done before something goes is shown.
func TestAFarewellIsShown(t *testing.T) {
	for saved, want := range map[bool]string{true: "    last backup: \"\" -> \"taken before it stops\"\n", false: ""} {
		r := resource.Resource{ID: resource.ID{Kind: resource.KindPGSeated, Name: "pg-1", At: "n"}, Spec: resource.PGSeated{Saved: saved}}
		var b strings.Builder
		if err := plan(t, set(t), set(t, r), world{}.is(r.ID, resource.PGSeated{})).WriteText(&b); err != nil {
			t.Fatal(err)
		}
		if _, detail, _ := strings.Cut(b.String(), "\n"); detail != want {
			t.Errorf("saved %v: %q, want %q", saved, b.String(), want)
		}
	}
}

func TestWhoReadsADirectoryComesAfterItsFiles(t *testing.T) {
	unit := resource.ID{Kind: resource.KindUnit, Name: "a", At: "n"}
	rs := []resource.Resource{{ID: unit, Spec: resource.Unit{Active: true, Loads: []resource.Load{{Path: "/d", Files: "*.cfg"}}}}}
	bare := world{}.is(unit, nil)
	for _, name := range []string{"/d/1", "/d/2", "/e/3"} {
		rs = append(rs, resource.Resource{ID: file(name), Spec: text("x")})
		bare.is(file(name), nil)
	}
	p := plan(t, set(t, rs...), nil, bare)
	if got, want := shape(p), "+/d/1 +/d/2 +a +/e/3"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	if s := p.Steps[2]; len(s.Needs) > 0 || !slices.Equal(s.Heeds, []int{0, 1}) {
		t.Errorf("needs %v, heeds %v: want to come after both files, whatever becomes of them", s.Needs, s.Heeds)
	}
	rs[1].After = []resource.ID{unit}
	if got, want := shape(plan(t, set(t, rs...), nil, bare)), "+a +/d/1 +/d/2 +/e/3"; got != want {
		t.Errorf("in a circle: got %s, want %s", got, want)
	}
}

func TestWhatOthersChangeIsReadAgainInTheSamePlan(t *testing.T) {
	unit := resource.ID{Kind: resource.KindUnit, Name: "a", At: "n"}
	spec := resource.Unit{Active: true, Conf: "1", Noted: true, Loads: []resource.Load{{Path: "/d", Files: "*.cfg", Conf: true}}}
	runs := resource.Resource{ID: unit, Spec: spec, Owner: "node/n"}
	changes, goes := resource.Resource{ID: file("/d/1.cfg"), Spec: text("new"), Owner: "pgsql/p"}, resource.Resource{ID: file("/d/2.cfg"), Spec: text("x"), Owner: "pgsql/p"}
	other := resource.Resource{ID: file("/d/3.txt"), Spec: text("x"), Owner: "pgsql/p"}
	w := world{}.is(unit, resource.Unit{Active: true, Conf: "1", Noted: true}).is(changes.ID, text("old")).is(goes.ID, text("x")).is(other.ID, nil)
	p := plan(t, set(t, runs, changes), set(t, goes), w)
	if got, want := shape(p), "~/d/1.cfg -/d/2.cfg ~a"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	if s := p.Steps[2]; !slices.Equal(s.Needs, []int{0, 1}) || s.Hazard() != resource.Reload || s.Have.(resource.Unit).Conf != "" {
		t.Errorf("%+v: want a reload that waits for the success of both", s)
	}
	if got := shape(plan(t, set(t, runs, other), nil, w)); got != "+/d/3.txt" {
		t.Errorf("a file that it does not read: got %s", got)
	}
	changes.After = []resource.ID{unit}
	if got := shape(plan(t, set(t, runs, changes), nil, w)); got != "~/d/1.cfg" {
		t.Errorf("in a circle: got %s", got)
	}
}

func TestCirclesAreNamed(t *testing.T) {
	want := set(t,
		resource.Resource{ID: file("a"), Spec: text("x"), After: []resource.ID{file("b")}},
		resource.Resource{ID: file("b"), Spec: text("x"), After: []resource.ID{file("a")}},
	)
	if _, err := diff.NewPlan(want, nil); err == nil || !strings.Contains(err.Error(), "file:a@n") {
		t.Errorf("got %v", err)
	}
}

func TestTextAndJSON(t *testing.T) {
	secret := text("new password")
	secret.Secret = true
	at := token.Position{Filename: "pigsty.yml", Line: 6, Column: 9}
	want := set(t,
		resource.Resource{ID: file("/etc/a"), Spec: text("one\ntwo\nthree\n"), Origin: at, Owner: "m/c"},
		resource.Resource{ID: file("/etc/b"), Spec: secret, Origin: at},
		resource.Resource{ID: resource.ID{Kind: "unit", Name: "etcd", At: "n"}, Spec: resource.Unit{Active: true, Inputs: "aaaaaaaaaaaaaaaa"}, Origin: at},
		resource.Resource{ID: file("/etc/c"), Spec: text("x"), Origin: at},
	)
	have := world{file("/etc/c"): {Err: errors.New("10.0.0.1:\nno route")}}.
		is(file("/etc/a"), text("one\n2\nthree\n")).is(file("/etc/b"), text("old password")).
		is(resource.ID{Kind: "unit", Name: "etcd", At: "n"}, resource.Unit{Active: true, Inputs: "bbbbbbbbbbbbbbbb", Noted: true})
	p := plan(t, want, nil, have)
	var b strings.Builder
	if err := p.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	const golden = `~ file:/etc/a@n  pigsty.yml:6:9
    content:
      - 2
      + two
~ file:/etc/b@n  pigsty.yml:6:9
    content: "<another secret>" -> "<secret>"
~ unit:etcd@n    pigsty.yml:6:9  [restart]
    inputs: "bbbbbbbbbbbb" -> "aaaaaaaaaaaa"
? file:/etc/c@n  pigsty.yml:6:9
    10.0.0.1: no route
`
	if b.String() != golden {
		t.Errorf("got\n%s", b.String())
	}
	j, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"digest":"` + p.Digest() + `"`, `"hazard":"restart"`, `"reason":"10.0.0.1: no route"`, `"owner":"m/c"`} {
		if !strings.Contains(string(j), want) {
			t.Errorf("%s is missing in %s", want, j)
		}
	}
	if strings.Contains(string(j)+b.String(), "password") {
		t.Error("a secret shows")
	}
}

func TestDigestIsOfWhatIsShown(t *testing.T) {
	base := func() *diff.Plan {
		return plan(t, set(t, resource.Resource{ID: file("a"), Spec: text("x")}), nil, world{file("a"): {}})
	}
	if base().Digest() != base().Digest() {
		t.Error("the same plan has two digests")
	}
	other := plan(t, set(t, resource.Resource{ID: file("a"), Spec: text("y")}), nil, world{file("a"): {}})
	if base().Digest() == other.Digest() || base().Steps[0].Digest() == other.Steps[0].Digest() {
		t.Error("another content has the same digest")
	}
	removed := plan(t, nil, set(t, resource.Resource{ID: file("a"), Spec: text("x")}), world{}.is(file("a"), text("x")))
	if base().Digest() == removed.Digest() {
		t.Error("making and removing have the same digest")
	}
}

func TestLongTextsAreClipped(t *testing.T) {
	var long strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&long, "line %d\n", i)
	}
	p := plan(t, set(t, resource.Resource{ID: file("a"), Spec: text(long.String())}), nil, world{}.is(file("a"), text("other\nlines\n")))
	var b strings.Builder
	p.WriteText(&b)
	if n := strings.Count(b.String(), "\n"); n > 50 {
		t.Errorf("%d lines", n)
	}
}

// Whatever the graph and the world: the order respects the edges, applying the plan leaves nothing
// to do, and what is unknown is neither made nor removed.
func TestPlanProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 14).Draw(t, "n")
		want, prior, have := &resource.Set{}, &resource.Set{}, world{}
		var ids []resource.ID
		for i := range n {
			id := file(fmt.Sprintf("f%02d", i))
			var after []resource.ID
			for _, p := range ids {
				if rapid.IntRange(0, 3).Draw(t, "edge") == 0 {
					after = append(after, p)
				}
			}
			r := resource.Resource{ID: id, Spec: text(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "want")), After: after,
				Owner: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "owner")}
			where := rapid.IntRange(0, 2).Draw(t, "where")
			if where != 1 {
				want.Add(r)
			}
			if where != 0 {
				prior.Add(r)
			}
			switch rapid.IntRange(0, 3).Draw(t, "have") {
			case 0:
				have[id] = resource.State{}
			case 1:
				have[id] = resource.State{Err: errors.New("down")}
			default:
				have.is(id, text(rapid.SampledFrom([]string{"a", "b"}).Draw(t, "is")))
			}
			ids = append(ids, id)
		}
		p, err := diff.NewPlan(want, diff.Compare(want, prior, have))
		if err != nil {
			t.Fatal(err)
		}
		at := map[resource.ID]int{}
		for i, s := range p.Steps {
			at[s.ID] = i
			for _, k := range s.Needs {
				if k >= i {
					t.Fatalf("step %d needs %d", i, k)
				}
			}
			if have[s.ID].Err != nil && s.Action != diff.Wait {
				t.Fatalf("%s of what is unknown: %s", s.Action, s.ID)
			}
		}
		for r := range want.All() {
			for _, a := range r.After {
				i, changed := at[r.ID]
				k, below := at[a]
				if changed && below && p.Steps[k].Action != diff.Delete && k > i {
					t.Fatalf("%s comes before %s", r.ID, a)
				}
			}
		}
		for _, s := range p.Steps {
			switch s.Action {
			case diff.Delete:
				have[s.ID] = resource.State{}
			case diff.Create, diff.Update:
				have[s.ID] = resource.State{Spec: s.Spec}
			}
		}
		for _, c := range diff.Compare(want, prior, have) {
			if c.Action != diff.Wait {
				t.Fatalf("still to do: %s%s", c.Action, c.ID)
			}
		}
	})
}

func BenchmarkCompareAndOrder(b *testing.B) {
	for _, n := range []int{1000, 10000, 50000} {
		want, have := fleet(b, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p, err := diff.NewPlan(want, diff.Compare(want, nil, have))
				if err != nil || len(p.Steps) != n/10 {
					b.Fatal(err, len(p.Steps))
				}
			}
		})
	}
}

// fleet is n files, 250 in a chain on each node, every tenth of them drifted.
func fleet(b *testing.B, n int) (*resource.Set, world) {
	want, have := &resource.Set{}, world{}
	var last []resource.ID
	for i := range n {
		id := resource.ID{Kind: "file", Name: fmt.Sprintf("/etc/f%d", i), At: fmt.Sprintf("10.0.%d.%d", i/62500, i/250%250)}
		f := text(fmt.Sprint(i))
		if err := want.Add(resource.Resource{ID: id, Spec: f, After: last, Owner: "node/" + id.At}); err != nil {
			b.Fatal(err)
		}
		if i%10 == 0 {
			f = text("drifted")
		}
		have.is(id, f)
		last = []resource.ID{id}
		if i%250 == 249 {
			last = nil
		}
	}
	return want, have
}
