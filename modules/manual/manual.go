package manual

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
)

// Parameter is what is known of one parameter.
type Parameter struct {
	inventory.Field
	Module   string   // PGSQL, NODE …; empty for a variable that only pigsync knows
	Level    string   // G, C, I, A, joined by slashes: where it is usually set
	Read     bool     // a module reads it: otherwise it is known and left alone
	Legacy   bool     // no parameter of the current release any more
	Instead  string   // of a legacy parameter: what took its place; empty when nothing did
	Formerly []string // names that earlier releases had for it
}

// Manual is what is known of all parameters.
type Manual struct {
	list   []Parameter // sorted by name
	byName map[string]int
}

// New joins what the modules read with the table of all parameters.
func New(ms []*modules.Module) *Manual {
	m := &Manual{byName: map[string]int{}}
	for _, row := range inventory.Parameters() {
		m.byName[row.Name] = len(m.list)
		m.list = append(m.list, fromTable(row))
	}
	for _, mod := range ms {
		m.read(mod)
	}
	slices.SortFunc(m.list, func(a, b Parameter) int { return cmp.Compare(a.Name, b.Name) })
	for i, p := range m.list {
		m.byName[p.Name] = i
	}
	for _, p := range m.list {
		if i, ok := m.byName[p.Instead]; ok && p.Instead != "" {
			m.list[i].Formerly = append(m.list[i].Formerly, p.Name)
		}
	}
	return m
}

// read takes over what a module says of the parameters it reads. When several read one, the module
// that it belongs to knows best; then whoever has a sentence for it.
func (m *Manual) read(mod *modules.Module) {
	if mod.Vars == nil {
		return
	}
	for _, f := range inventory.Describe(reflect.TypeOf(mod.Vars)) {
		i, known := m.byName[f.Name]
		if !known {
			m.byName[f.Name] = len(m.list)
			m.list = append(m.list, Parameter{Field: f, Read: true})
			continue
		}
		p := &m.list[i]
		own := strings.EqualFold(p.Module, mod.Name)
		if !p.Read || own || p.Doc == "" && f.Doc != "" {
			p.Field, p.Read = f, true
		}
	}
}

// All returns every parameter, sorted by name.
func (m *Manual) All() []Parameter { return slices.Clone(m.list) }

// Lookup returns a parameter by name.
func (m *Manual) Lookup(name string) (Parameter, bool) {
	i, ok := m.byName[name]
	if !ok {
		return Parameter{}, false
	}
	return m.list[i], true
}

// Modules returns the names of the modules that parameters belong to, sorted.
func (m *Manual) Modules() []string {
	var names []string
	for _, p := range m.list {
		if p.Module != "" && !slices.Contains(names, p.Module) {
			names = append(names, p.Module)
		}
	}
	slices.Sort(names)
	return names
}

// Of returns the parameters of a module, whatever the case of its name.
func (m *Manual) Of(module string) (of []Parameter) {
	for _, p := range m.list {
		if strings.EqualFold(p.Module, module) {
			of = append(of, p)
		}
	}
	return of
}
