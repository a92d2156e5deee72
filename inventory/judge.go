package inventory

import (
	"fmt"
	"slices"
	"sync"

	"github.com/pigsync/pigsync/inventory/jinja"
)

// tally is how many hosts an expression fails for in the same way.
type tally struct {
	first *Host
	count int
}

// readExpressions parses every expression of the inventory once, and reports those that cannot be
// read, whether or not anything needs them: that takes no values. It reports whether there is
// anything that has its value from elsewhere.
func (b *builder) readExpressions(options Options) (asks bool) {
	x := &expressions{
		inv: b.inv, options: options, templates: map[string]*jinja.Template{}, dynamic: map[*node]bool{},
		known: sync.OnceValue(func() *Known { return NewKnown() }), counts: map[*node]map[string]*tally{},
	}
	b.inv.expressions = x
	for _, g := range b.sorted() {
		g.view.group = g
		for _, l := range slices.Concat(g.layers, g.files) {
			b.readLayer(x, l)
		}
	}
	for _, h := range b.known {
		h.view.host = h
		for _, m := range h.mentions {
			b.readLayer(x, m.vars)
		}
		for _, l := range h.files {
			b.readLayer(x, l)
		}
	}
	for _, src := range b.inv.src.files {
		src.expressions = x
	}
	return len(x.dynamic) > 0 || x.refers
}

func (b *builder) readLayer(x *expressions, l layer) {
	for _, e := range l.entries {
		if b.readExpression(x, e, e.value) {
			x.dynamic[e.value] = true
		}
	}
}

// readExpression reports whether there is an expression in n.
func (b *builder) readExpression(x *expressions, e entry, n *node) bool {
	dynamic := n.held == expression
	if dynamic {
		b.readText(x, e, n)
	}
	x.refers = x.refers || n.kind == String && isReference(n.text)
	for _, item := range n.list {
		dynamic = b.readExpression(x, e, item) || dynamic
	}
	for _, pair := range n.entries {
		if pair.key.held == expression {
			b.problems.warnf(pair.key, CodeKeyJinja, "%s: Ansible does not evaluate keys: this one stays as it is written", quoteKeyOf(e.key))
		}
		dynamic = b.readExpression(x, e, pair.value) || dynamic
	}
	return dynamic
}

func (b *builder) readText(x *expressions, e entry, n *node) {
	t := x.templates[n.text]
	if t == nil {
		var err error
		if t, err = jinja.Parse(n.text); err != nil {
			b.problems.add(unreadable(e, n, err).problem())
			return
		}
		x.templates[n.text] = t
	}
	for _, name := range t.Names() {
		if slices.Contains(byRelease, name) {
			b.problems.add(b.remote(e, n, name))
		}
	}
}

// remote warns of a name that has its meaning on the node.
func (b *builder) remote(e entry, n *node, name string) Problem {
	then := "what needs it cannot be managed"
	if n == e.value {
		then = "taken for not set"
	}
	return Problem{Pos: n.pos(), Severity: Warning, Code: CodeRemote, Msg: fmt.Sprintf(
		"%s: %s differs from node to node, by release and operating system: %s", quoteKeyOf(e.key), name, then)}
}

// unreadable is the cause of an expression that is none. What looks like one in a secret is
// probably the secret, and is not quoted.
func unreadable(e entry, n *node, err error) *node {
	if n.secret {
		return n.because(illegible, "%s: this is no expression, although it looks like one: a text that is to stay as it is wants the tag !unsafe",
			quoteKeyOf(e.key))
	}
	return n.because(illegible, "%s: %s", quoteKeyOf(e.key), err.Error())
}

// problem is what a cause is reported as.
func (n *node) problem() Problem {
	p := Problem{Pos: n.pos(), Code: CodeJinja, Msg: n.text}
	switch n.held {
	case illegible:
		p.Code = CodeExpression
	case circular:
		p.Code = CodeCircle
	case remote:
		p.Code = CodeRemote
	case vault, sealed:
		p.Code = heldCode(n)
	}
	keyless := n.src.options != nil && n.src.options.Keyless
	if n.unknown() || n.held == denied && keyless {
		p.Severity = Warning
	}
	return p
}

// unevaluable is the problem of a value whose expression failed. It lies where the mistake is,
// and is the same for every host that has it, so that it is reported once.
func (v Value) unevaluable() Problem {
	cause := v.n.cause()
	p := cause.problem()
	if v.n.secret && cause.pos() == v.n.pos() && (cause.held == absent || cause.held == broken) {
		p.Msg = v.name + ": " + discreet(cause.held)
	}
	if len(cause.entries) > 0 {
		p.Msg += v.n.src.expressions.affected(cause)
	}
	return p
}

// affected names the first host that a cause concerns, and counts the others.
func (x *expressions) affected(cause *node) string {
	t := x.tallies(cause.entries[0])[cause.text]
	switch {
	case t == nil:
		return ""
	case t.count == 1:
		return fmt.Sprintf(" (on %s)", t.first.Addr)
	case t.count == 2:
		return fmt.Sprintf(" (on %s and one other host)", t.first.Addr)
	}
	return fmt.Sprintf(" (on %s and %d other hosts)", t.first.Addr, t.count-1)
}

// tallies counts, for each cause in a line, the hosts for which the line wins and fails in that way.
func (x *expressions) tallies(line entry) map[string]*tally {
	x.mu.Lock()
	found, ok := x.counts[line.value]
	x.mu.Unlock()
	if ok {
		return found
	}
	found = map[string]*tally{}
	for _, h := range x.inv.hosts {
		e, _ := h.winner(line.key.text)
		if e.value != line.value {
			continue
		}
		for text := range (&evaluation{x: x}).outcome(&h.view, e).tree.causes() {
			if found[text] == nil {
				found[text] = &tally{first: h}
			}
			found[text].count++
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.counts[line.value] = found
	return found
}

// causes returns the texts of what failed in a tree.
func (n *node) causes() map[string]bool {
	texts := map[string]bool{}
	var visit func(n *node)
	visit = func(n *node) {
		if n.held == failed {
			texts[n.cause().text] = true
			return
		}
		for _, item := range n.list {
			visit(item)
		}
		for _, e := range n.entries {
			visit(e.value)
		}
	}
	visit(n)
	return texts
}
