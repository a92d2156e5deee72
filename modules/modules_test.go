package modules_test

import (
	"errors"
	"go/token"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

func load(t *testing.T) *inventory.Inventory {
	t.Helper()
	text := "all:\n  children:\n    nodes:\n      hosts:\n        10.0.0.1: {}\n"
	inv, problems, err := inventory.Load(fstest.MapFS{"pigsty.yml": {Data: []byte(text)}}, "pigsty.yml")
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	return inv
}

// module makes a module of what it compiles.
func module(name string, compile func(*modules.Pass)) *modules.Module {
	return &modules.Module{Name: name, Compile: compile}
}

var (
	place = token.Position{Filename: "pigsty.yml", Line: 5, Column: 9}
	file  = modules.FileOf("/opt/app/etc/app.conf", "10.0.0.1")
)

func TestCompileReports(t *testing.T) {
	wants := func(owner string, id resource.ID, after ...resource.ID) func(*modules.Pass) {
		return func(p *modules.Pass) { p.For(owner).Want(place, id, resource.File{}, after...) }
	}
	for _, c := range []struct {
		name    string
		ms      []*modules.Module
		problem string
		frozen  []string
		refused bool
	}{
		{name: "nothing", ms: []*modules.Module{module("a", wants("a/1", file))}},
		{name: "a panic", ms: []*modules.Module{module("a", func(*modules.Pass) { panic("oops") }), module("b", wants("b/1", file))},
			problem: "MOD001 pigsty.yml:1:1: module a failed: oops", frozen: []string{"a"}, refused: true},
		{name: "two owners", ms: []*modules.Module{module("a", wants("a/1", file)), module("b", wants("b/1", file))},
			problem: "MOD002 pigsty.yml:5:9: file:/opt/app/etc/app.conf@10.0.0.1 is already declared at pigsty.yml:5:9", frozen: []string{"a/1", "b/1"}},
		{name: "a dangling edge", ms: []*modules.Module{module("a", wants("a/1", file, modules.DirOf("/x", "10.0.0.1")))},
			problem: "MOD003 pigsty.yml:5:9: file:/opt/app/etc/app.conf@10.0.0.1 comes after dir:/x@10.0.0.1, which nobody declares", frozen: []string{"a/1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := modules.Compile(load(t), nil, c.ms)
			var problems []string
			for _, p := range got.Problems {
				problems = append(problems, p.Code+" "+p.Error())
			}
			if text := strings.Join(problems, "\n"); text != c.problem {
				t.Errorf("got problems %q, want %q", text, c.problem)
			}
			for _, owner := range c.frozen {
				if !got.Frozen[owner] {
					t.Errorf("%s is not frozen", owner)
				}
			}
			if len(got.Frozen) != len(c.frozen) || got.Refused != c.refused {
				t.Errorf("frozen %v, refused %v", got.Frozen, got.Refused)
			}
		})
	}
}

func TestNothingIsRenderedForAnUnknownNode(t *testing.T) {
	m := module("a", func(p *modules.Pass) { p.Want(place, file, resource.File{}) })
	facts := resource.FactsOf("10.0.0.1")
	for _, c := range []struct {
		state resource.State
		known bool
	}{
		{resource.State{Spec: resource.Facts{Hostname: "a"}}, true},
		{resource.State{Err: errors.New("unreachable")}, false},
		{resource.State{}, false},
	} {
		got := modules.Compile(load(t), map[resource.ID]resource.State{facts: c.state}, []*modules.Module{m})
		if r, ok := got.Want.Get(file); !ok || (r.Spec != nil) != c.known {
			t.Errorf("%+v: got %+v", c.state, r)
		}
	}
}

func TestParentsAreDeclaredOnce(t *testing.T) {
	var first, second []resource.ID
	got := modules.Compile(load(t), nil, []*modules.Module{module("a", func(p *modules.Pass) {
		first = p.Parents(place, "10.0.0.1", file.Name)
		second = p.Parents(place, "10.0.0.1", "/opt/app/etc/other.conf")
	})})
	etc := modules.DirOf("/opt/app/etc", "10.0.0.1")
	if len(first) != 1 || first[0] != etc || len(second) != 1 || second[0] != etc {
		t.Errorf("got %v, then %v", first, second)
	}
	r, _ := got.Want.Get(etc)
	if got.Want.Len() != 2 || !r.Retain || len(r.After) != 1 || r.After[0] != modules.DirOf("/opt/app", "10.0.0.1") {
		t.Errorf("%d resources, %+v", got.Want.Len(), r)
	}
}

func TestMergeKeepsTheNewest(t *testing.T) {
	set := func(guard string, ids ...resource.ID) *resource.Set {
		s := &resource.Set{}
		for _, id := range ids {
			if err := s.Add(resource.Resource{ID: id, Guard: guard}); err != nil {
				t.Fatal(err)
			}
		}
		return s
	}
	old := modules.FileOf("/old", "10.0.0.1")
	got := modules.Merge([]*resource.Set{set("newest", file), set("older", file, old), nil})
	a, _ := got.Get(file)
	b, _ := got.Get(old)
	if got.Len() != 2 || a.Guard != "newest" || b.Guard != "older" {
		t.Errorf("got %+v and %+v", a, b)
	}
}

func TestSurveyAsksOnce(t *testing.T) {
	asks := func(ids ...resource.ID) *modules.Module {
		return &modules.Module{Survey: func(*inventory.Inventory) []resource.ID { return ids }}
	}
	got := modules.Survey(load(t), []*modules.Module{asks(file, resource.FactsOf("a")), {}, asks(resource.FactsOf("a"))})
	if len(got) != 2 {
		t.Errorf("got %v", got)
	}
}
