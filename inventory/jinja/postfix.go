package jinja

import (
	"strings"

	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

// postfix reads .name, [item], [from:to] and, behind .name, the brackets of a method.
func (e *expression) postfix(n nodes.Expression) nodes.Expression {
	for {
		switch {
		case e.p.Match(tokens.Dot) != nil:
			n = e.attribute(n)
		case e.p.Match(tokens.LeftBracket) != nil:
			n = e.item(n)
		case e.p.Current(tokens.LeftParenthesis) != nil:
			e.fail("only functions and methods have round brackets behind them")
		default:
			return n
		}
	}
}

func (e *expression) attribute(n nodes.Expression) nodes.Expression {
	if index := e.p.Match(tokens.Integer); index != nil {
		i, _ := parseNumber(index.Val)
		return call("item", n, &nodes.Integer{Location: index, Val: int(i.(int64))})
	}
	name := e.p.Match(tokens.Name)
	if name == nil {
		e.fail("expected a name behind the point, found %s", e.found())
	}
	if e.p.Match(tokens.LeftParenthesis) == nil {
		return call("attribute", n, textNode(name.Val))
	}
	if !methods[name.Val] {
		e.fail("the method %s is not available here%s", name.Val, suggest(name.Val, methods))
	}
	return call("method", append([]nodes.Expression{n, textNode(name.Val)}, e.arguments()...)...)
}

func (e *expression) item(n nodes.Expression) nodes.Expression {
	bounds := []nodes.Expression{call("none"), call("none"), call("none")}
	part, colons := 0, 0
	for e.p.Match(tokens.RightBracket) == nil {
		switch {
		case e.p.Match(tokens.Colon) != nil:
			part++
			colons++
		case part == len(bounds) || e.p.Current(tokens.Comma) != nil:
			e.fail("expected ], found %s", e.found())
		default:
			bounds[part] = e.conditional()
			if e.p.Current(tokens.Colon, tokens.RightBracket) == nil {
				e.fail("expected ], found %s", e.found())
			}
		}
		if part == len(bounds) {
			e.fail("expected ], found one colon too many")
		}
	}
	if colons > 0 {
		return call("slice", append([]nodes.Expression{n}, bounds...)...)
	}
	return call("item", n, bounds[0])
}

// arguments reads up to the closing bracket. Those with a name are calls of the operator keyword:
// the library keeps them in a map, and would evaluate them in any order.
func (e *expression) arguments() []nodes.Expression {
	args := []nodes.Expression{}
	given := map[string]bool{}
	for e.p.Match(tokens.RightParenthesis) == nil {
		if e.p.Current(tokens.Multiply, tokens.Power) != nil {
			e.fail("arguments with * are not available here")
		}
		next := e.p.Peek()
		if name := e.p.Current(tokens.Name); name != nil && next != nil && next.Type == tokens.Assign {
			e.p.Next()
			e.p.Next()
			if given[name.Val] {
				e.fail("the argument %s is given twice", name.Val)
			}
			given[name.Val] = true
			args = append(args, call("keyword", textNode(name.Val), e.conditional()))
		} else if len(given) > 0 {
			e.fail("an argument without a name stands behind one with a name")
		} else {
			args = append(args, e.conditional())
		}
		if e.p.Match(tokens.Comma) == nil && e.p.Current(tokens.RightParenthesis) == nil {
			e.fail("expected a comma or ), found %s", e.found())
		}
	}
	return args
}

// filters reads | name(…) and is name.
func (e *expression) filters(n nodes.Expression) nodes.Expression {
	for {
		switch {
		case e.p.Match(tokens.Pipe) != nil:
			n = e.filter(n)
		case e.word("is"):
			n = e.test(n)
		case e.p.Current(tokens.LeftParenthesis) != nil:
			e.fail("only functions and methods have round brackets behind them")
		default:
			return n
		}
	}
}

// dotted reads a name that may carry the collection of Ansible's own filters and tests.
func (e *expression) dotted(what string) string {
	t := e.p.Match(tokens.Name)
	if t == nil {
		e.fail("expected the name of a %s, found %s", what, e.found())
	}
	name := t.Val
	for e.p.Match(tokens.Dot) != nil {
		part := e.p.Match(tokens.Name)
		if part == nil {
			e.fail("expected the name of a %s, found %s", what, e.found())
		}
		name += "." + part.Val
	}
	return strings.TrimPrefix(name, "ansible.builtin.")
}

func (e *expression) filter(n nodes.Expression) nodes.Expression {
	name := e.dotted("filter")
	checkFilter(e.compiler, name)
	f := &nodes.FilterCall{Name: name, Args: []nodes.Expression{}, Kwargs: map[string]nodes.Expression{}}
	if e.p.Match(tokens.LeftParenthesis) != nil {
		f.Args = e.arguments()
	}
	e.nested(name, f.Args)
	return &nodes.FilteredExpression{Expression: n, Filters: []*nodes.FilterCall{f}}
}

func checkFilter(c *compiler, name string) {
	_, ok := filterTable[name]
	switch {
	case ok:
	case refusedFilters[name] != "":
		c.fail("the filter %s is not available here: %s", name, refusedFilters[name])
	default:
		c.fail("there is no filter %s%s", name, suggest(name, filterTable))
	}
}

func checkTest(c *compiler, name string) {
	if _, ok := testTable[name]; !ok {
		c.fail("there is no test %s%s", name, suggest(name, testTable))
	}
}

// nested checks the names that map, select and their like are given, when they stand there.
func (e *expression) nested(filter string, args []nodes.Expression) {
	at := map[string]int{"map": 0, "select": 0, "reject": 0, "selectattr": 1, "rejectattr": 1}
	i, ok := at[filter]
	if !ok || len(args) <= i {
		return
	}
	name, ok := args[i].(*nodes.String)
	switch {
	case !ok:
	case filter == "map":
		checkFilter(e.compiler, name.Val)
	default:
		checkTest(e.compiler, name.Val)
	}
}

func (e *expression) test(n nodes.Expression) nodes.Expression {
	negated := e.word("not")
	name := e.dotted("test")
	checkTest(e.compiler, name)
	t := &nodes.TestCall{Name: name, Args: []nodes.Expression{}, Kwargs: map[string]nodes.Expression{}}
	switch {
	case e.p.Match(tokens.LeftParenthesis) != nil:
		t.Args = e.arguments()
	case e.p.CurrentName("else", "or", "and", "if", "is", "in", "not") != nil:
	case e.p.Current(tokens.Name, tokens.String, tokens.Integer, tokens.Float, tokens.LeftBracket, tokens.LeftBrace) != nil:
		t.Args = []nodes.Expression{e.postfix(e.primary())}
	}
	var tested nodes.Expression = &nodes.TestExpression{Expression: n, Test: t}
	if negated {
		return call("not", tested)
	}
	return tested
}
