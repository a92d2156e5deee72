package rules

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/interpreter"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/policies"
	"github.com/pigsync/pigsync/resource"
)

// Variable is a name that an expression may use.
type Variable struct {
	Name, Doc string
	typ       *cel.Type
	value     func(*moment) any
	sees      look // what tells steps apart by it
}

var text, number, truth = cel.StringType, cel.IntType, cel.BoolType

// Variables are all names there are, in the order in which they are explained.
var Variables = []Variable{
	{"change.id", `what changes, as a plan names it: "unit:etcd@10.10.10.11"`, text, func(m *moment) any { return m.step.ID.String() }, seesItself},
	{"change.kind", `its kind: "unit"`, text, func(m *moment) any { return string(m.step.ID.Kind) }, seesKind},
	{"change.name", `its name: "etcd"`, text, func(m *moment) any { return m.step.ID.Name }, seesItself},
	{"change.at", "the address of its node, or the name of its cluster", text, func(m *moment) any { return m.step.ID.At }, seesItself},
	{"change.action", `"create", "update" or "delete"`, text, func(m *moment) any { return actions[m.step.Action] }, seesAction},
	{"change.owner", `whose it is: "etcd/etcd"`, text, func(m *moment) any { return m.step.Owner }, seesOwner},
	{"change.hazards", `what it may cost: "reload", "restart", "failover", "topology", "data-loss", "lockout"`, cel.ListType(text), (*moment).hazards, seesHazards},
	{"change.fields", "the paths of what differs", cel.ListType(text), (*moment).fields, seesItself},
	{"change.drift", "whether it takes back what moved away from a commit that had converged", truth, func(m *moment) any { return m.c.Settled && !m.step.Orphan }, seesOrphan},
	{"cluster.name", `the part of the owner behind the module: "etcd"`, text, func(m *moment) any { return behind(m.step.Owner) }, seesOwner},
	{"cluster.module", `the module: "etcd", "node", "pgsql"`, text, func(m *moment) any { return before(m.step.Owner) }, seesOwner},
	{"cluster.labels", "what labels of the daemon's file say of the owner", cel.MapType(text, text), (*moment).labels, seesLabels},
	{"cluster.changes", "how many steps of the plan are of the same owner", number, func(m *moment) any { return m.changes[m.step.Owner] }, seesChanges},
	{"plan.digest", "the digest of the plan", text, func(m *moment) any { return m.c.Digest() }, sameEverywhere},
	{"plan.revision", "the commit the plan is for", text, func(m *moment) any { return m.c.Revision }, sameEverywhere},
	{"plan.changes", "how many steps change something", number, func(m *moment) any { return m.acting }, sameEverywhere},
	{"plan.deletes", "how many of them take something away", number, func(m *moment) any { return m.deletes }, sameEverywhere},
	{"clock.now", "the time", cel.TimestampType, func(m *moment) any { return m.c.Now }, sameEverywhere},
	{"clock.hour", "the hour of the day, from 0 to 23, in the zone of the rule", number, func(m *moment) any { return m.local.Hour() }, sameEverywhere},
	{"clock.weekday", `the day of the week: "monday"`, text, func(m *moment) any { return strings.ToLower(m.local.Weekday().String()) }, sameEverywhere},
	{"clock.date", `the day: "2026-12-24"`, text, func(m *moment) any { return m.local.Format("2006-01-02") }, sameEverywhere},
	{"window.open", "whether a window of the daemon's file allows the step now", truth, (*moment).windowOpen, seesWindow},
}

var actions = map[diff.Action]string{diff.Create: "create", diff.Update: "update", diff.Delete: "delete"}

// moment is what an expression sees of one step.
type moment struct {
	*survey
	c     *policies.Case
	local time.Time
	at    int
	step  *diff.Step
}

// survey is what all rules of a configuration want to know of a plan; it is made once.
type survey struct {
	acting  int
	deletes int
	changes map[string]int
	labeled map[string]ref.Val
	sights  []sight       // of every step, but for what windows say
	open    func() []bool // whether a window allows a step now
}

// World is what the daemon's file says beside the rules.
type World struct {
	Labels  policies.Labels
	Windows []policies.Window
}

func newMoment(c *policies.Case, w *World, zone *time.Location) *moment {
	s, _ := c.Once(w, func() any { return newSurvey(c, w) }).(*survey)
	return &moment{survey: s, c: c, local: c.Now.In(zone)}
}

func newSurvey(c *policies.Case, w *World) *survey {
	m := &survey{changes: map[string]int{}, labeled: map[string]ref.Val{}, sights: make([]sight, len(c.Plan.Steps))}
	m.open = sync.OnceValue(func() []bool { return opened(c, w) })
	owners, kinds, sets := numbers[string]{}, numbers[resource.Kind]{}, numbers[string]{}
	alike := map[string]int32{} // owners with the same labels have the same number
	for i := range c.Plan.Steps {
		s := &c.Plan.Steps[i]
		if actions[s.Action] == "" {
			continue
		}
		m.acting++
		m.changes[s.Owner]++
		if m.labeled[s.Owner] == nil {
			labels := w.Labels.Of(s.Owner)
			m.labeled[s.Owner] = types.NewStringStringMap(types.DefaultTypeAdapter, labels)
			alike[s.Owner] = sets.of(fmt.Sprintf("%q", labels)) // in the order of their keys
		}
		if s.Action == diff.Delete {
			m.deletes++
		}
		m.sights[i] = sight{
			owner: owners.of(s.Owner), kind: kinds.of(s.ID.Kind), labels: alike[s.Owner],
			action: s.Action, hazard: s.Hazard(), orphan: s.Orphan,
		}
	}
	for i := range c.Plan.Steps {
		m.sights[i].changes = int32(m.changes[c.Plan.Steps[i].Owner])
	}
	return m
}

// numbers numbers what comes, from 1.
type numbers[T comparable] map[T]int32

func (n numbers[T]) of(one T) int32 {
	if n[one] == 0 {
		n[one] = int32(len(n) + 1)
	}
	return n[one]
}

// opened asks what the windows themselves say of each step.
func opened(c *policies.Case, w *World) []bool {
	inWindow, open := policies.InWindow(c, w.Windows), make([]bool, len(c.Plan.Steps))
	for i := range c.Plan.Steps {
		open[i] = inWindow(&c.Plan.Steps[i])
	}
	return open
}

// ResolveName gives an expression the value of a variable.
func (m *moment) ResolveName(name string) (any, bool) {
	v, ok := variables[name]
	if !ok {
		return nil, false
	}
	return v.value(m), true
}

// Parent is nobody: there are no other names.
func (m *moment) Parent() interpreter.Activation { return nil }

var variables = func() map[string]*Variable {
	byName := make(map[string]*Variable, len(Variables))
	for i := range Variables {
		byName[Variables[i].Name] = &Variables[i]
	}
	return byName
}()

func (m *moment) hazards() any { return hazardLists[m.step.Hazard()] }

// hazardLists are the names of every set of hazards there is.
var hazardLists = func() (lists [1 << 8]ref.Val) {
	for set := range lists {
		var names []string
		for h := range resource.Hazard(set).Each {
			names = append(names, h.String())
		}
		lists[set] = types.NewStringList(types.DefaultTypeAdapter, names)
	}
	return lists
}()

func (m *moment) fields() any {
	var paths []string
	for _, f := range m.step.Fields {
		if !slices.Contains(paths, f.Path) {
			paths = append(paths, f.Path)
		}
	}
	return types.NewStringList(types.DefaultTypeAdapter, paths)
}

func (m *moment) labels() any { return m.labeled[m.step.Owner] }

func (m *moment) windowOpen() any { return m.open()[m.at] }

func before(owner string) string {
	module, _, _ := strings.Cut(owner, "/")
	return module
}

func behind(owner string) string {
	_, name, _ := strings.Cut(owner, "/")
	return name
}
