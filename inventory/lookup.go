package inventory

import (
	"go/token"
	"iter"
	"maps"
	"slices"
	"strings"
)

// Lookup returns what name means on the host: the value of the strongest line that sets it, with
// its expressions evaluated. A null that was written counts as set.
func (h *Host) Lookup(name string) (Value, bool) {
	e, ok := h.winner(name)
	if !ok {
		return Value{}, false
	}
	return h.inv.expressions.lookup(&h.view, e)
}

// winner returns the strongest line that sets a name for the host, as it is written.
func (h *Host) winner(name string) (entry, bool) {
	if e, ok := last(h.files, name); ok {
		return e, true
	}
	for i := len(h.mentions) - 1; i >= 0; i-- {
		if e, ok := h.mentions[i].vars.get(name); ok {
			return e, true
		}
	}
	return winner(h.chain, name)
}

// Lookup returns what name means for the group as a whole: its own value, or that of its
// ancestors. What members set for themselves, or get from other groups, does not count; and what
// an expression says of each host, such as inventory_hostname, has no value here.
func (g *Group) Lookup(name string) (Value, bool) {
	e, ok := winner(g.chain, name)
	if !ok {
		return Value{}, false
	}
	return g.inv.expressions.lookup(&g.view, e)
}

func winner(chain []*Group, name string) (entry, bool) {
	for _, blocks := range strength {
		for i := len(chain) - 1; i >= 0; i-- {
			if e, ok := last(blocks(chain[i]), name); ok {
				return e, true
			}
		}
	}
	return entry{}, false
}

// strength is the order in which the variables of groups count, the strongest first: a file in
// group_vars, even that of all, wins over what the inventory writes in any group.
var strength = [...]func(*Group) []layer{
	func(g *Group) []layer { return g.files },
	func(g *Group) []layer { return g.layers },
}

// last returns what the last of the layers says of name.
func last(layers []layer, name string) (entry, bool) {
	for i := len(layers) - 1; i >= 0; i-- {
		if e, ok := layers[i].get(name); ok {
			return e, true
		}
	}
	return entry{}, false
}

// Candidate is one line that sets a variable for a host.
type Candidate struct {
	Value Value
	Group string // the group it is written in; for a host's own line, the group that mentions the host
	Own   bool   // written at the host itself

	line *node // as it is written
}

// Expression returns the text of a line that is one, whose result is the Value; empty for others,
// and for what must not be shown.
func (c Candidate) Expression() string {
	if c.line == nil || c.line.held != expression || c.line.secret {
		return ""
	}
	return c.line.text
}

// Explain returns every line that sets name for the host, the one that wins first and each of
// the others before those it beats.
func Explain(h *Host, name string) []Candidate {
	var found []Candidate
	add := func(l layer, group string, own bool) {
		if e, ok := l.get(name); ok {
			found = append(found, h.candidate(e, group, own))
		}
	}
	for _, l := range slices.Backward(h.files) {
		add(l, h.home(), true)
	}
	for _, m := range slices.Backward(h.mentions) {
		add(m.vars, m.group.Name, true)
	}
	for _, blocks := range strength {
		for _, g := range slices.Backward(h.chain) {
			for _, l := range slices.Backward(blocks(g)) {
				add(l, g.Name, false)
			}
		}
	}
	return found
}

func (h *Host) candidate(e entry, group string, own bool) Candidate {
	v, _ := h.inv.expressions.lookup(&h.view, e)
	return Candidate{Value: v, Group: group, Own: own, line: e.value}
}

// home is the group that mentions the host first.
func (h *Host) home() string {
	if len(h.mentions) == 0 {
		return allGroup
	}
	return h.mentions[0].group.Name
}

// Names returns every variable that is set for the host at any level, in no particular order.
func (h *Host) Names() []string {
	seen := map[string]bool{}
	for l := range h.layers() {
		l.names(seen)
	}
	return slices.Collect(maps.Keys(seen))
}

// layers yields every block of variables that concerns the host, the weakest first.
func (h *Host) layers() iter.Seq[layer] {
	return func(yield func(layer) bool) {
		for _, blocks := range slices.Backward(strength[:]) {
			for _, g := range h.chain {
				for _, l := range blocks(g) {
					if !yield(l) {
						return
					}
				}
			}
		}
		for _, m := range h.mentions {
			if !yield(m.vars) {
				return
			}
		}
		for _, l := range h.files {
			if !yield(l) {
				return
			}
		}
	}
}

func (l layer) names(into map[string]bool) {
	for _, e := range l.entries {
		into[e.key.text] = true
	}
}

// Scope is where variables are looked up and which Bind reads: a *Host, a *Group or a Value that
// is a mapping.
type Scope interface {
	Lookup(name string) (Value, bool)
	Expand(s string) string
	origin() (*source, token.Position)
}

var _ = []Scope{(*Host)(nil), (*Group)(nil), Value{}}

func (h *Host) origin() (*source, token.Position)  { return h.inv.src, h.Pos }
func (g *Group) origin() (*source, token.Position) { return g.inv.src, g.Pos }
func (v Value) origin() (*source, token.Position) {
	if v.n == nil {
		return &source{}, v.Pos
	}
	return v.n.src, v.Pos
}

// Expand replaces each ${name} in s by vars[name]. It is plain replacement, done once: neither
// shell nor Jinja. A name that vars does not have is left as it stands.
func Expand(s string, vars map[string]string) string {
	return expand(s, func(name string) (string, bool) {
		value, ok := vars[name]
		return value, ok
	})
}

// Expand replaces in s the placeholders whose value is a variable of the host: ${admin_ip},
// ${pg_cluster}, ${pg_version}, ${minio_cluster} and ${minio_seq}. Those with another meaning in
// each parameter (${ip}, ${vip}, ${dbsu} …) are for the caller and the function Expand.
func (h *Host) Expand(s string) string { return expandFrom(h.Lookup, s) }

// Expand is as for a host, with the values of the group.
func (g *Group) Expand(s string) string { return expandFrom(g.Lookup, s) }

// Expand returns s: a mapping knows no placeholders.
func (v Value) Expand(s string) string { return s }

func expandFrom(lookup func(string) (Value, bool), s string) string {
	return expand(s, func(name string) (string, bool) {
		switch name {
		case "admin_ip", "pg_cluster", "pg_version", "minio_cluster", "minio_seq":
			v, _ := lookup(name)
			text, err := v.Text()
			return text, err == nil && text != ""
		}
		return "", false
	})
}

func expand(s string, value func(name string) (string, bool)) string {
	if !strings.Contains(s, "${") {
		return s
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "${")
		b.WriteString(before)
		name, after, closed := strings.Cut(rest, "}")
		if !found || !closed {
			b.WriteString(s[len(before):])
			return b.String()
		}
		if text, ok := value(name); ok {
			b.WriteString(text)
			s = after
			continue
		}
		b.WriteString("${")
		s = rest
	}
}
