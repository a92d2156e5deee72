package jinja

import (
	"strings"

	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/parser"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

// block is what a tag does when it is rendered.
type block struct {
	name    string
	execute func(r *run, renderer *exec.Renderer)
}

func (b *block) Position() *tokens.Token { return &tokens.Token{} }
func (b *block) String() string          { return b.name }

// Execute never returns an error: what fails leaves the library at once, see failure.
func (b *block) Execute(renderer *exec.Renderer, _ *nodes.ControlStructureBlock) error {
	r := runIn(renderer.Environment.Context)
	r.charge(0)
	b.execute(r, renderer)
	return nil
}

func (c *compiler) print(_, p *parser.Parser) (nodes.ControlStructure, error) {
	n := c.whole(p)
	return &block{"print", func(r *run, renderer *exec.Renderer) {
		result := renderer.Eval(n)
		printed := text(r.deep(fromLibrary(result)))
		if w, ok := renderer.Output.(*capture); ok {
			r.print(&w.text, printed)
			return
		}
		_, r.native = result.Interface().(*native)
		r.pieces++
		r.print(&r.out, printed)
	}}, nil
}

// branch is one condition with what it guards; the condition of else is nil.
type branch struct {
	condition nodes.Expression
	body      *nodes.Wrapper
}

func (c *compiler) ifBlock(p, head *parser.Parser) (nodes.ControlStructure, error) {
	var branches []branch
	condition := c.whole(head)
	for {
		body, tail := c.until(p, "elif", "else", "endif")
		branches = append(branches, branch{condition, body})
		if condition == nil && body.EndTag != "endif" {
			c.fail("{%% %s %%} stands behind {%% else %%}", body.EndTag)
		}
		condition = nil
		switch body.EndTag {
		case "elif":
			condition = c.whole(tail)
		case "endif":
			c.bare(tail)
			return &block{"if", func(r *run, renderer *exec.Renderer) { choose(r, renderer, branches) }}, nil
		default:
			c.bare(tail)
		}
	}
}

func choose(r *run, renderer *exec.Renderer, branches []branch) {
	for _, b := range branches {
		if b.condition == nil || truth(r.use(fromLibrary(renderer.Eval(b.condition)))) {
			r.must(renderer.ExecuteIfWrapper(b.body))
			return
		}
	}
}

func (r *run) must(err error) {
	if err != nil {
		r.fail("fails in a way that was not foreseen")
	}
}

// until reads up to the tag that ends a body.
func (c *compiler) until(p *parser.Parser, tags ...string) (*nodes.Wrapper, *parser.Parser) {
	body, tail, err := p.WrapUntil(tags...)
	if err != nil {
		c.fail("{%% %s %%} is missing", strings.Join(tags, " %} or {% "))
	}
	return body, tail
}

// bare refuses words behind the name of a tag that takes none.
func (c *compiler) bare(p *parser.Parser) { (&expression{compiler: c, p: p}).end() }

// loop is one {% for %}.
type loop struct {
	targets   []string
	items     nodes.Expression
	condition nodes.Expression // nil when all items are taken
	body      *nodes.Wrapper
	otherwise *nodes.Wrapper // nil without {% else %}
}

func (c *compiler) forBlock(p, head *parser.Parser) (nodes.ControlStructure, error) {
	e := &expression{compiler: c, p: head}
	l := &loop{targets: e.targets()}
	if !e.word("in") {
		e.fail("expected in, found %s", e.found())
	}
	l.items = e.or()
	if e.word("if") {
		l.condition = e.conditional()
	}
	if e.p.CurrentName("recursive") != nil {
		e.fail("recursive loops are not available here")
	}
	e.end()
	c.locals["loop"] = true
	var tail *parser.Parser
	l.body, tail = c.until(p, "else", "endfor")
	c.bare(tail)
	if l.body.EndTag == "else" {
		l.otherwise, tail = c.until(p, "endfor")
		c.bare(tail)
	}
	return &block{"for", l.execute}, nil
}

// targets reads the names that a loop or an assignment gives values to.
func (e *expression) targets() []string {
	var names []string
	for {
		if e.p.CurrentName(append(keywords, "loop", "true", "false", "none", "True", "False", "None")...) != nil {
			e.fail("unexpected %s", e.found())
		}
		name := e.p.Match(tokens.Name)
		if name == nil {
			e.fail("expected a name, found %s", e.found())
		}
		e.locals[name.Val] = true
		names = append(names, name.Val)
		if e.p.Match(tokens.Comma) == nil {
			return names
		}
	}
}

func (l *loop) execute(r *run, renderer *exec.Renderer) {
	items := r.items("the loop", r.use(fromLibrary(renderer.Eval(l.items))))
	var taken []*exec.Renderer
	var values []any
	for _, item := range items {
		r.charge(8) // a scope of its own costs more than an operator
		sub := renderer.Inherit()
		r.assign(sub.Environment.Context, l.targets, item)
		if l.condition == nil || truth(r.use(fromLibrary(sub.Eval(l.condition)))) {
			taken, values = append(taken, sub), append(values, item)
		}
	}
	for i, sub := range taken {
		sub.Environment.Context.Set(localPrefix+"loop", position(i, values))
		r.must(sub.ExecuteWrapper(l.body))
	}
	if len(taken) == 0 && l.otherwise != nil {
		r.must(renderer.Inherit().ExecuteWrapper(l.otherwise))
	}
}

// position is the variable loop.
func position(i int, items []any) Dict {
	d := Dict{
		{"index", int64(i + 1)}, {"index0", int64(i)}, {"first", i == 0}, {"last", i == len(items)-1},
		{"length", int64(len(items))}, {"revindex", int64(len(items) - i)}, {"revindex0", int64(len(items) - i - 1)},
		{"depth", int64(1)}, {"depth0", int64(0)},
	}
	if i > 0 {
		d = append(d, Pair{"previtem", items[i-1]})
	}
	if i+1 < len(items) {
		d = append(d, Pair{"nextitem", items[i+1]})
	}
	return d
}

// assign gives names the value, or its parts when there are several names.
func (r *run) assign(ctx *exec.Context, names []string, v any) {
	if len(names) == 1 {
		ctx.Set(localPrefix+names[0], v)
		return
	}
	parts, ok := sequence(v)
	if !ok || len(parts) != len(names) {
		r.fail("want %d values for the names %s", len(names), strings.Join(names, ", "))
	}
	for i, name := range names {
		ctx.Set(localPrefix+name, parts[i])
	}
}

func (c *compiler) setBlock(p, head *parser.Parser) (nodes.ControlStructure, error) {
	e := &expression{compiler: c, p: head}
	names := e.targets()
	if e.p.Match(tokens.Assign) != nil {
		value := c.whole(head)
		return &block{"set", func(r *run, renderer *exec.Renderer) {
			r.assign(renderer.Environment.Context, names, fromLibrary(renderer.Eval(value)))
		}}, nil
	}
	e.end()
	body, tail := c.until(p, "endset")
	c.bare(tail)
	return &block{"set", func(r *run, renderer *exec.Renderer) {
		r.assign(renderer.Environment.Context, names, r.capture(renderer, body))
	}}, nil
}

// capture is an output that keeps what is printed.
type capture struct {
	run  *run
	text strings.Builder
}

func (w *capture) Write(p []byte) (int, error) {
	w.run.print(&w.text, string(p))
	return len(p), nil
}

func (r *run) capture(renderer *exec.Renderer, body *nodes.Wrapper) string {
	sub := renderer.Inherit()
	w := &capture{run: r}
	sub.Output = w
	r.must(sub.ExecuteWrapper(body))
	return w.text.String()
}
