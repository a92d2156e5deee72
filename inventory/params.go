package inventory

import (
	_ "embed"
	"encoding/csv"
	"maps"
	"slices"
	"strings"
)

//go:embed params.csv
var parameterTable string

// Parameter is what is known of one parameter of Pigsty v4.5, or of a release before it.
type Parameter struct {
	Name    string
	Module  string // PGSQL, NODE, INFRA, ETCD …
	Type    string // string, int, port, bool, enum, password, interval, user[] …; empty when not recorded
	Level   string // where it is usually set: G global, C cluster, I instance, A argument; only advice
	Default string // JSON; empty when there is none, "@os" in quotes when it depends on the system
	Status  string // current, undocumented, legacy, or legacy:<its name in v4>
}

// Secret reports whether values of the parameter must be masked.
func (p Parameter) Secret() bool {
	return p.Type == "password" || SecretName(p.Name)
}

// Legacy reports whether v4.5 does not know the parameter any more.
func (p Parameter) Legacy() bool { return strings.HasPrefix(p.Status, "legacy") }

// Known is a set of parameters, with what else may stand among the variables.
type Known struct {
	params map[string]Parameter
	names  []string // sorted
}

// NewKnown returns the parameters of the table and the names in extra.
func NewKnown(extra ...string) *Known {
	k := &Known{params: map[string]Parameter{}}
	for _, p := range Parameters() {
		k.params[p.Name] = p
	}
	for _, name := range extra {
		if _, ok := k.params[name]; !ok {
			k.params[name] = Parameter{Name: name, Status: "current"}
		}
	}
	for name := range k.params {
		k.names = append(k.names, name)
	}
	slices.Sort(k.names)
	return k
}

// Lookup returns a parameter by name.
func (k *Known) Lookup(name string) (Parameter, bool) {
	p, ok := k.params[name]
	return p, ok
}

// Nearest returns the parameter that name is probably a misspelling of.
func (k *Known) Nearest(name string) (string, bool) { return nearest(name, k.names) }

// Harmless reports whether a variable that is no parameter needs no remark: what Ansible itself
// reads, and what the tools that make virtual machines read.
func Harmless(name string) bool {
	return strings.HasPrefix(name, "ansible_") || name == "cpu" || name == "mem" || name == "image"
}

// maxSuggestions is how many different unknown names are compared with all parameters.
const maxSuggestions = 500

// Check warns of every variable that is neither a parameter nor harmless, with the name that was
// probably meant. It never makes an error of them: application groups carry variables of their own.
func (k *Known) Check(inv *Inventory) []Problem {
	c := &checker{known: k, problems: collector{src: inv.src}, hints: map[string]string{}}
	for _, name := range slices.Sorted(maps.Keys(inv.named)) {
		for _, l := range slices.Concat(inv.named[name].layers, inv.named[name].files) {
			c.layer(l)
		}
	}
	for _, h := range inv.hosts {
		for _, m := range h.mentions {
			c.layer(m.vars)
		}
		for _, l := range h.files {
			c.layer(l)
		}
	}
	return c.problems.result()
}

// Check is NewKnown().Check: it knows the parameters of the table.
func Check(inv *Inventory) []Problem { return NewKnown().Check(inv) }

type checker struct {
	known    *Known
	problems collector
	hints    map[string]string // by unknown name
}

func (c *checker) layer(l layer) {
	for _, e := range l.entries {
		name := e.key.text
		if _, ok := c.known.params[name]; !ok && !Harmless(name) {
			c.problems.warnf(e.key, CodeUnknown, "unknown parameter %s%s", quoteKey(name), c.hint(name))
		}
	}
}

func (c *checker) hint(name string) string {
	hint, ok := c.hints[name]
	if ok || len(c.hints) >= maxSuggestions {
		return hint
	}
	if near, found := c.known.Nearest(name); found {
		hint = ": did you mean " + near + "?"
	}
	c.hints[name] = hint
	return hint
}

// Parameters returns the table, sorted by name: every parameter of v4.5, documented or not, and
// every name that an earlier release had.
func Parameters() []Parameter {
	rows, err := csv.NewReader(strings.NewReader(parameterTable)).ReadAll()
	if err != nil {
		panic("inventory: params.csv: " + err.Error()) // it is part of the program, and tested
	}
	params := make([]Parameter, 0, len(rows))
	for _, row := range rows[1:] {
		params = append(params, Parameter{row[0], row[1], row[2], row[3], row[4], row[5]})
	}
	return params
}
