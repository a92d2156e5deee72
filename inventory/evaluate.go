package inventory

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/pigsync/pigsync/inventory/jinja"
)

// Limits of evaluation. Each expression has limits of its own, see package jinja.
const (
	maxChain = 1_000       // variables that refer to each other, one to the next
	maxWork  = 200_000_000 // of all expressions of an inventory; a plain one is about a hundred
)

// expressions is what an inventory knows of the Jinja in it. Everything that was read shares it.
//
// A variable is evaluated when somebody asks for it, once for each host or group, and what does
// not need it is not disturbed by its mistakes. No lock is held meanwhile: two who ask at the same
// time may both compute the value, which is the same.
type expressions struct {
	inv       *Inventory
	options   Options
	templates map[string]*jinja.Template // by text; those that can be read
	dynamic   map[*node]bool             // variables with an expression somewhere in them
	known     func() *Known
	refers    bool // a text is, or may be, a reference
	work      atomic.Int64

	mu     sync.Mutex
	counts map[*node]map[string]*tally // see affected
}

// perspective is a host or group, as expressions see it.
type perspective struct {
	host  *Host  // nil for a group
	group *Group // nil for a host
	done  sync.Map
}

// outcome is a variable as one host or group sees it.
type outcome struct {
	tree  *node
	value jinja.Variable
	cause *node // why there is no value; nil when there is one
}

// raw returns the line that wins.
func (p *perspective) raw(name string) (entry, bool) {
	if p.host != nil {
		return p.host.winner(name)
	}
	return winner(p.group.chain, name)
}

func (p *perspective) String() string {
	if p.host != nil {
		return p.host.Addr
	}
	return "group " + p.group.Name
}

// evaluated returns the value of a line that was found, with its expressions replaced by what
// they come to. It is not set when the line itself says that only the node knows it.
func (x *expressions) evaluated(p *perspective, e entry) (*node, bool) {
	if x == nil || !x.dynamic[e.value] {
		return e.value, true
	}
	tree := (&evaluation{x: x}).outcome(p, e).tree
	if tree.held != failed || tree.cause().held != remote {
		return tree, true
	}
	return tree, tree.cause().entries[0].value != e.value
}

// lookup is evaluated for those outside.
func (x *expressions) lookup(p *perspective, e entry) (Value, bool) {
	tree, ok := x.evaluated(p, e)
	return newValue(entry{e.key, tree}), ok
}

// cause is where and why the evaluation of n failed.
func (n *node) cause() *node { return n.list[0] }

// evaluation is one call from outside, with the chain of variables it has come along.
type evaluation struct {
	x     *expressions
	chain []link
	plain map[*node]jinja.Variable // lines without expressions
	ended map[*node]*outcome       // those whose chain was too long, which another way may not be
}

type link struct {
	at   *perspective
	line entry
}

// outcome evaluates a line, or finds what was computed before.
func (ev *evaluation) outcome(p *perspective, e entry) *outcome {
	if found, ok := p.done.Load(e.value); ok {
		return found.(*outcome)
	}
	if o := ev.ended[e.value]; o != nil {
		return o
	}
	ev.chain = append(ev.chain, link{p, e})
	o := &outcome{tree: ev.tree(p, e, e.value)}
	ev.chain = ev.chain[:len(ev.chain)-1]
	if bad := o.tree.firstHeld(); bad != nil {
		o.cause = bad
		if bad.held == failed {
			o.cause = bad.cause()
		}
	} else {
		o.value = jinja.Variable{Value: toValue(o.tree), Secret: o.tree.anySecret()}
	}
	if o.cause == nil || o.cause.held != endless {
		p.done.Store(e.value, o)
		return o
	}
	if ev.ended == nil {
		ev.ended = map[*node]*outcome{}
	}
	ev.ended[e.value] = o
	return o
}

// tree copies a value with every expression in it replaced.
func (ev *evaluation) tree(p *perspective, e entry, n *node) *node {
	switch {
	case n.held == expression:
		return ev.scalar(p, e, n)
	case n.held != ready || n.list == nil && n.entries == nil:
		return n
	}
	made := *n
	made.list, made.entries = nil, nil
	for _, item := range n.list {
		made.list = append(made.list, ev.tree(p, e, item))
	}
	for _, pair := range n.entries {
		made.entries = append(made.entries, entry{pair.key, ev.tree(p, e, pair.value)})
	}
	return &made
}

func (ev *evaluation) scalar(p *perspective, e entry, n *node) *node {
	t := ev.x.templates[n.text]
	if t == nil {
		_, err := jinja.Parse(n.text)
		return n.fail(unreadable(e, n, err))
	}
	if ev.x.work.Add(int64(len(n.text))) > maxWork {
		return n.fail(n.because(endless, "the expressions of the inventory take too much altogether"))
	}
	result, err := t.Eval(jinja.World{
		Variable: func(name string) (jinja.Variable, bool, error) { return ev.variable(p, name) },
		Env:      ev.x.options.Env,
		File:     ev.x.options.File,
		YAML:     ReadYAML,
	})
	if err != nil {
		return n.fail(ev.explain(p, e, n, err))
	}
	made := fromValue(n, result.Value, n.secret || result.Secret)
	ev.x.work.Add(int64(weight(made)))
	return made
}

// fail returns n as a value that could not be had.
func (n *node) fail(cause *node) *node {
	made := *n
	made.held, made.list = failed, []*node{cause}
	return &made
}

// because makes a cause that lies in n.
func (n *node) because(held hold, format string, args ...any) *node {
	return &node{src: n.src, line: n.line, col: n.col, held: held, text: fmt.Sprintf(format, args...)}
}

// trouble is the error of a variable inside the expression of another one.
type trouble struct{ cause *node }

func (t trouble) Error() string { return t.cause.text }

// IsUndefined is for package jinja: the filter default takes such a variable.
func (t trouble) IsUndefined() bool { return t.cause.held == absent }

// explain returns the cause of a failure: that of the variable which failed first.
func (ev *evaluation) explain(p *perspective, e entry, n *node, err error) *node {
	var inner trouble
	switch {
	case errors.As(err, &inner) && inner.cause.text != "":
		return inner.cause
	case inner.cause != nil:
		return n.because(remote, "%s: depends on what differs from node to node, by release and operating system", quoteKeyOf(e.key)).of(e)
	}
	var why *jinja.Error
	if !errors.As(err, &why) {
		return n.because(broken, "%s: the expression fails", quoteKeyOf(e.key)).of(e)
	}
	held := broken
	switch {
	case why.Undefined:
		held = absent
	case why.Denied:
		held = denied
	}
	msg := why.Msg
	if n.secret && held != denied {
		msg = discreet(held)
	} else if why.Name != "" {
		msg += ev.hint(p, why.Name)
	}
	return n.because(held, "%s: %s", quoteKeyOf(e.key), msg).of(e)
}

// discreet is what is said of an expression that may be a password, and none at all.
func discreet(held hold) string {
	const otherwise = "; a text that only looks like an expression wants the tag !unsafe"
	if held == absent {
		return "something in this expression is not defined" + otherwise
	}
	return "this expression cannot be computed" + otherwise
}

// of notes the line that a cause lies in.
func (n *node) of(line entry) *node {
	n.entries = []entry{line}
	return n
}

// hint says what a name that nothing has was probably meant to be.
func (ev *evaluation) hint(p *perspective, name string) string {
	if len(name) < 4 {
		return ""
	}
	names := magicNames
	if p.host != nil {
		names = append(slices.Sorted(slices.Values(p.host.Names())), names...)
	}
	if near, ok := nearest(name, names); ok {
		return ": did you mean " + quoteKey(near) + "?"
	}
	if near, ok := ev.x.known().Nearest(name); ok {
		return ": did you mean " + near + "?"
	}
	return ""
}

// variable is what a name means in an expression.
func (ev *evaluation) variable(p *perspective, name string) (jinja.Variable, bool, error) {
	if v, ok, err := ev.magic(p, name); ok || err != nil {
		return v, ok, err
	}
	e, ok := p.raw(name)
	if !ok {
		return ev.unset(name)
	}
	if !ev.x.dynamic[e.value] {
		return ev.written(e)
	}
	if cause := ev.circle(p, e); cause != nil {
		return jinja.Variable{}, true, trouble{cause}
	}
	if len(ev.chain) > maxChain {
		return jinja.Variable{}, true, trouble{e.value.because(endless, "more than %d variables refer to each other", maxChain)}
	}
	o := ev.outcome(p, e)
	if o.cause != nil {
		return jinja.Variable{}, true, trouble{ev.blame(e, o.cause)}
	}
	return o.value, true, nil
}

// blame says of a value that is not decrypted which variable it belongs to.
func (ev *evaluation) blame(e entry, cause *node) *node {
	if cause.seal == nil {
		return cause
	}
	closed := cause.because(cause.held, "%s: %s", quoteKeyOf(e.key), heldText(cause))
	closed.seal = cause.seal
	return closed
}

// written returns a variable that has no expressions in it.
func (ev *evaluation) written(e entry) (jinja.Variable, bool, error) {
	n := e.value
	if v, ok := ev.plain[n]; ok {
		return v, true, nil
	}
	if held := n.firstHeld(); held != nil {
		return jinja.Variable{}, true, trouble{ev.blame(e, held)}
	}
	ev.x.work.Add(int64(weight(n)))
	v := jinja.Variable{Value: toValue(n), Plain: true, Secret: n.anySecret()}
	if ev.plain == nil {
		ev.plain = map[*node]jinja.Variable{}
	}
	ev.plain[n] = v
	return v, true, nil
}

// circle returns the cause when the line is being evaluated already. Its text begins at the first
// place of the circle, so that it is the same from wherever the circle is entered.
func (ev *evaluation) circle(p *perspective, e entry) *node {
	for i, l := range ev.chain {
		if l.at == p && l.line.value == e.value {
			return describeCircle(ev.chain[i:])
		}
	}
	return nil
}

func describeCircle(chain []link) *node {
	first := 0
	for i, l := range chain {
		if before(l.line.value, chain[first].line.value) {
			first = i
		}
	}
	var b strings.Builder
	for i := range chain {
		l := chain[(first+i)%len(chain)]
		fmt.Fprintf(&b, "%s (%s)", quoteKeyOf(l.line.key), l.line.value.pos())
		if several := chain[0].at != chain[len(chain)-1].at; several {
			b.WriteString(" of " + l.at.String())
		}
		b.WriteString(" → ")
	}
	start := chain[first].line
	return start.value.because(circular, "%s: refers to itself: %s%s", quoteKeyOf(start.key), b.String(), quoteKeyOf(start.key))
}
