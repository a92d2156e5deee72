package jinja

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/nikolalohinski/gonja/v2/config"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/loaders"
	"github.com/nikolalohinski/gonja/v2/nodes"
	"github.com/nikolalohinski/gonja/v2/parser"
	"github.com/nikolalohinski/gonja/v2/tokens"
)

// World is all that a template can reach. Functions that are nil allow nothing.
type World struct {
	// Variable returns what a name means; found is false when nothing has that name. The error
	// says why a variable that exists has no value.
	Variable func(name string) (v Variable, found bool, err error)
	Env      func(name string) (value string, ok bool)     // for lookup('env', NAME)
	File     func(name string) (content []byte, err error) // for lookup('file', NAME)
	YAML     func(text string) (any, error)                // for from_yaml: the value, in the types of Variable
}

// Variable is the value of a name.
type Variable struct {
	Value  any  // nil, bool, int64, float64, string, []any, Dict or Mapping
	Plain  bool // it stands in the inventory like this: it is not the result of an expression
	Secret bool
}

// Result is what a template came to: nil, bool, int64, float64, string, []any or Dict.
type Result struct {
	Value  any
	Secret bool
}

// Error says why a template has no value. It quotes names from the template, never a value.
type Error struct {
	Msg       string
	Undefined bool   // something was used that does not exist: the filter default would take it
	Name      string // the variable that does not exist, if it is one
	Denied    bool   // the World does not answer this lookup
	Limit     bool   // it takes more time or room than anything in an inventory should
	Cause     error  // what World.Variable said, if it is that
}

// Error returns the message.
func (e *Error) Error() string { return e.Msg }

// Unwrap returns what World.Variable said, so that the caller finds its own error again.
func (e *Error) Unwrap() error { return e.Cause }

// undefined is what an error of World.Variable may say of itself.
type undefined interface{ IsUndefined() bool }

// IsUndefined reports whether the filter default would take the value that failed.
func (e *Error) IsUndefined() bool { return e.Undefined }

// Template is a text that was understood.
type Template struct {
	root     *nodes.Template
	names    []string
	single   string // the variable, when the text is {{ variable }} and nothing else
	newlines int    // at the end
}

// failure is how an error leaves the library: its own way is to wrap it at every level, with text.
type failure struct{ err *Error }

// guard turns what a call of the library panics with into an error.
func guard(what string, do func()) (err *Error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case failure:
			err = r.err
		default:
			// The library panicked on a template it ought to have refused. Its words may quote values.
			err = &Error{Msg: what + " in a way that was not foreseen"}
		}
	}()
	do()
	return nil
}

var single = regexp.MustCompile(`\A\{\{\s*(\w*)\s*\}\}\n?\z`)

// Parse reads a template. The error is an *Error.
func Parse(text string) (*Template, error) {
	if len(text) > maxTemplate {
		return nil, &Error{Msg: fmt.Sprintf("an expression of %d bytes: at most %d", len(text), maxTemplate), Limit: true}
	}
	t := &Template{newlines: trailing(text)}
	if m := single.FindStringSubmatch(text); m != nil {
		t.single = m[1]
	}
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	stream, lexed := lex(strings.TrimSuffix(text, "\n"))
	if lexed != nil {
		return nil, lexed
	}
	c := &compiler{names: map[string]bool{}, locals: map[string]bool{}}
	err := guard("cannot be read", func() { t.root = c.template(stream) })
	if err != nil {
		return nil, err
	}
	for name := range c.names {
		t.names = append(t.names, name)
	}
	slices.Sort(t.names)
	return t, nil
}

func trailing(s string) int { return len(s) - len(strings.TrimRight(s, "\n")) }

func (c *compiler) template(stream []*tokens.Token) *nodes.Template {
	blocks := exec.NewControlStructureSet(map[string]parser.ControlStructureParser{
		printTag: c.print, "if": c.ifBlock, "for": c.forBlock, "set": c.setBlock,
	})
	root, err := parser.NewParser("", tokens.NewStream(stream), settings, nothing{}, blocks).Parse()
	if err != nil {
		c.fail("blocks do not fit together")
	}
	return root
}

// Names returns the variables that the template may read, sorted; those among them that the
// template sets for itself too.
func (t *Template) Names() []string { return slices.Clone(t.names) }

// Eval computes the value. The error is an *Error.
func (t *Template) Eval(w World) (Result, error) {
	r := &run{world: w}
	var result Result
	err := guard("fails", func() {
		if v, ok := r.plain(t.single); ok {
			result = Result{v.Value, v.Secret}
			return
		}
		result = Result{r.finish(t), r.secret}
	})
	if err != nil {
		return Result{}, err
	}
	return result, nil
}

// plain is the exception that Ansible makes: a number, boolean or null that is all of a template
// keeps its type. Everything else becomes text first.
func (r *run) plain(name string) (Variable, bool) {
	if name == "" || constants[name] != nil || r.world.Variable == nil {
		return Variable{}, false
	}
	v, found, err := r.world.Variable(name)
	if !found || err != nil || !v.Plain {
		return Variable{}, false
	}
	switch v.Value.(type) {
	case nil, bool, int64, float64:
		return v, true
	}
	return Variable{}, false
}

func (r *run) finish(t *Template) any {
	r.render(t.root)
	var v any = r.out.String()
	if r.pieces != 1 || !r.native {
		v = convert(r.out.String())
	}
	if s, ok := v.(string); ok {
		return s + strings.Repeat("\n", max(0, t.newlines-trailing(s)))
	}
	return untuple(v)
}

// untuple makes lists of tuples, as everything does that takes values from Ansible.
func untuple(v any) any {
	if items, ok := sequence(v); ok {
		list := make([]any, len(items))
		for i, item := range items {
			list[i] = untuple(item)
		}
		return list
	}
	if d, ok := v.(Dict); ok {
		kept := make(Dict, len(d))
		for i, p := range d {
			kept[i] = Pair{p.Key, untuple(p.Value)}
		}
		return kept
	}
	return v
}

// nothing is a loader that has no templates.
type nothing struct{}

var errNothing = errors.New("no template can be loaded")

func (nothing) Read(string) (io.Reader, error)         { return nil, errNothing }
func (nothing) Resolve(string) (string, error)         { return "", errNothing }
func (nothing) Inherit(string) (loaders.Loader, error) { return nothing{}, nil }

var settings = config.New()
