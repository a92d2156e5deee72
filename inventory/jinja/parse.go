package jinja

import (
	"fmt"
	"strings"

	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/parser"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

// compiler is one call of Parse: it turns tokens into nodes that gonja evaluates. What Jinja would
// compute becomes a call of one of our operators, named by the word in front.
type compiler struct {
	names  map[string]bool // variables that are read
	locals map[string]bool // names that the template gives itself
}

// expression reads what stands in one pair of brackets. The grammar is that of Jinja 3; as there,
// a filter or test binds more tightly than any operator of two sides.
type expression struct {
	*compiler
	p     *parser.Parser
	depth int
}

// fail leaves the parser of blocks; Parse catches it.
func (c *compiler) fail(format string, args ...any) {
	panic(failure{&Error{Msg: fmt.Sprintf(format, args...)}})
}

// whole reads one expression that nothing follows.
func (c *compiler) whole(p *parser.Parser) nodes.Expression {
	e := &expression{compiler: c, p: p}
	n := e.conditional()
	e.end()
	return n
}

func (e *expression) end() {
	if e.p.Current(tokens.EOF) == nil {
		e.fail("unexpected %s", e.found())
	}
}

// found names the current token without quoting a text, which may be a password.
func (e *expression) found() string {
	t := e.p.Current()
	switch t.Type {
	case tokens.EOF:
		return "end"
	case tokens.String:
		return "text in quotation marks"
	case tokens.Integer, tokens.Float:
		return "number"
	}
	return t.Val
}

func (e *expression) want(t tokens.Type, text string) {
	if e.p.Match(t) == nil {
		e.fail("expected %s, found %s", text, e.found())
	}
}

// word takes a keyword.
func (e *expression) word(w string) bool { return e.p.MatchName(w) != nil }

func call(name string, args ...nodes.Expression) nodes.Expression {
	return &nodes.Call{
		Func: &nodes.Name{Name: &tokens.Token{Type: tokens.Name, Val: name}},
		Args: args, Kwargs: map[string]nodes.Expression{},
	}
}

func textNode(s string) nodes.Expression {
	return &nodes.String{Location: &tokens.Token{Type: tokens.String, Val: s}, Val: s}
}

func logical(kind tokens.Type, word string, left, right nodes.Expression) nodes.Expression {
	op := &nodes.BinOperator{Token: &tokens.Token{Type: kind, Val: word}}
	return &nodes.BinaryExpression{Left: left, Right: right, Operator: op}
}

// conditional reads a if b else c. Only the side that is chosen is evaluated: the library's and
// and or see to that, and the boxes make both sides true.
func (e *expression) conditional() nodes.Expression {
	e.deeper()
	defer e.shallower()
	n := e.or()
	for e.word("if") {
		test := call("truth", e.or())
		other := call("nothing")
		if e.word("else") {
			other = e.conditional()
		}
		chosen := logical(tokens.And, "and", test, call("box", n))
		n = call("unbox", logical(tokens.Or, "or", chosen, call("box", other)))
	}
	return n
}

func (e *expression) deeper() {
	if e.depth++; e.depth > 2*maxNesting {
		e.fail("nested deeper than %d", maxNesting)
	}
}

func (e *expression) shallower() { e.depth-- }

func (e *expression) or() nodes.Expression {
	n := e.and()
	for e.word("or") {
		n = logical(tokens.Or, "or", call("defined", n), e.and())
	}
	return n
}

func (e *expression) and() nodes.Expression {
	n := e.not()
	for e.word("and") {
		n = logical(tokens.And, "and", call("defined", n), e.not())
	}
	return n
}

func (e *expression) not() nodes.Expression {
	if e.word("not") {
		e.deeper()
		defer e.shallower()
		return call("not", e.not())
	}
	return e.compare()
}

var comparisons = map[tokens.Type]string{
	tokens.Equals: "==", tokens.Ne: "!=", tokens.LowerThan: "<", tokens.LowerThanOrEqual: "<=",
	tokens.GreaterThan: ">", tokens.GreaterThanOrEqual: ">=",
}

// compare reads a < b < c, which holds when both halves do.
func (e *expression) compare() nodes.Expression {
	left := e.sum()
	var all nodes.Expression
	for {
		op, ok := e.comparison()
		if !ok {
			break
		}
		right := e.sum()
		one := call(op, left, right)
		if all != nil {
			one = logical(tokens.And, "and", all, one)
		}
		all, left = one, right
	}
	if all != nil {
		return all
	}
	return left
}

func (e *expression) comparison() (op string, ok bool) {
	if op, ok = comparisons[e.p.Current().Type]; ok {
		e.p.Next()
		return op, true
	}
	if e.word("in") {
		return "in", true
	}
	if next := e.p.Peek(); e.p.CurrentName("not") != nil && next != nil && next.Type == tokens.Name && next.Val == "in" {
		e.p.Next()
		e.p.Next()
		return "not in", true
	}
	return "", false
}

// binary reads a chain of operators of one rank, from left to right.
func (e *expression) binary(next func() nodes.Expression, ops ...tokens.Type) nodes.Expression {
	n := next()
	for {
		op := e.p.Match(ops...)
		if op == nil {
			return n
		}
		n = call(op.Val, n, next())
	}
}

func (e *expression) sum() nodes.Expression {
	return e.binary(e.concat, tokens.Addition, tokens.Subtraction)
}

func (e *expression) concat() nodes.Expression { return e.binary(e.product, tokens.Tilde) }

func (e *expression) product() nodes.Expression {
	return e.binary(e.power, tokens.Multiply, tokens.Division, tokens.FloorDivision, tokens.Modulo)
}

func (e *expression) power() nodes.Expression {
	return e.binary(func() nodes.Expression { return e.unary(true) }, tokens.Power)
}

func (e *expression) unary(filters bool) nodes.Expression {
	var n nodes.Expression
	if sign := e.p.Match(tokens.Subtraction, tokens.Addition); sign != nil {
		e.deeper()
		n = call("unary "+sign.Val, e.unary(false))
		e.shallower()
	} else {
		n = e.postfix(e.primary())
	}
	if filters {
		n = e.filters(n)
	}
	return n
}

var constants = map[string]nodes.Expression{
	"true": call("true"), "True": call("true"), "false": call("false"), "False": call("false"),
	"none": call("none"), "None": call("none"),
}

func (e *expression) primary() nodes.Expression {
	t := e.p.Current()
	switch t.Type {
	case tokens.Name:
		return e.variable()
	case tokens.String:
		return e.text()
	case tokens.Integer, tokens.Float:
		return e.number()
	case tokens.LeftParenthesis:
		return e.round()
	case tokens.LeftBracket:
		e.p.Next()
		return call("list", e.items(tokens.RightBracket, "]")...)
	case tokens.LeftBrace:
		return e.braces()
	}
	e.fail("unexpected %s", e.found())
	return nil
}

var keywords = []string{"and", "or", "not", "in", "is", "if", "else"}

func (e *expression) variable() nodes.Expression {
	if e.p.CurrentName(keywords...) != nil {
		e.fail("unexpected %s", e.found())
	}
	name := e.p.Next().Val
	if n, ok := constants[name]; ok {
		return n
	}
	if e.p.Current(tokens.LeftParenthesis) != nil {
		return e.function(name)
	}
	if _, ok := functions[name]; ok && !e.locals[name] {
		e.fail("%s is a function: it wants round brackets", name)
	}
	e.names[name] = true
	return call("variable", textNode(name))
}

func (e *expression) function(name string) nodes.Expression {
	_, ok := functions[name]
	switch {
	case !ok && refusedFunctions[name] != "":
		e.fail("the function %s is not available here: %s", name, refusedFunctions[name])
	case !ok:
		e.fail("there is no function %s%s", name, suggest(name, functions))
	}
	e.p.Next()
	return call("function "+name, e.arguments()...)
}

func (e *expression) text() nodes.Expression {
	var b strings.Builder
	for t := e.p.Match(tokens.String); t != nil; t = e.p.Match(tokens.String) {
		b.WriteString(t.Val)
	}
	return textNode(b.String())
}

func (e *expression) number() nodes.Expression {
	t := e.p.Next()
	switch v, _ := parseNumber(t.Val); v := v.(type) {
	case int64:
		return &nodes.Integer{Location: t, Val: int(v)}
	case float64:
		return &nodes.Float{Location: t, Val: v}
	}
	return nil
}

// round reads brackets around an expression, or a tuple.
func (e *expression) round() nodes.Expression {
	e.p.Next()
	if e.p.Match(tokens.RightParenthesis) != nil {
		return call("tuple")
	}
	first := e.conditional()
	if e.p.Match(tokens.Comma) == nil {
		e.want(tokens.RightParenthesis, ")")
		return first
	}
	rest := e.items(tokens.RightParenthesis, ")")
	return call("tuple", append([]nodes.Expression{first}, rest...)...)
}

// items reads expressions up to a closing bracket; a comma may stand behind the last.
func (e *expression) items(end tokens.Type, text string) []nodes.Expression {
	items := []nodes.Expression{}
	for e.p.Match(end) == nil {
		items = append(items, e.conditional())
		if e.p.Match(tokens.Comma) == nil && e.p.Current(end) == nil {
			e.fail("expected a comma or %s, found %s", text, e.found())
		}
	}
	return items
}

func (e *expression) braces() nodes.Expression {
	e.p.Next()
	var flat []nodes.Expression
	for e.p.Match(tokens.RightBrace) == nil {
		key := e.conditional()
		e.want(tokens.Colon, "a colon")
		flat = append(flat, key, e.conditional())
		if e.p.Match(tokens.Comma) == nil && e.p.Current(tokens.RightBrace) == nil {
			e.fail("expected a comma or }, found %s", e.found())
		}
	}
	return call("dict", flat...)
}
