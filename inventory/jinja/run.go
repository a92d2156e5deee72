package jinja

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/loaders"
	"github.com/nikolalohinski/gonja/v2/nodes"
)

// Limits of one evaluation. An honest expression is far below all of them.
const (
	maxSteps = 200_000   // operators, filters, items of loops, and every sixteenth byte of text
	maxText  = 256 << 10 // bytes of one text
	maxItems = 20_000    // of one list or mapping
)

// run is one evaluation.
type run struct {
	world  World
	out    strings.Builder
	pieces int  // that were printed
	native bool // the last piece is text, whatever it looks like
	steps  int
	secret bool // something secret went into the result
}

// fail ends the evaluation.
func (r *run) fail(format string, args ...any) {
	panic(failure{&Error{Msg: fmt.Sprintf(format, args...)}})
}

func (r *run) tooMuch(format string, args ...any) {
	panic(failure{&Error{Msg: fmt.Sprintf(format, args...), Limit: true}})
}

// charge counts work.
func (r *run) charge(steps int) {
	if r.steps += steps + 1; r.steps > maxSteps || steps < 0 {
		r.tooMuch("takes more than %d steps", maxSteps)
	}
}

// text counts a text that was made.
func (r *run) text(s string) string {
	if len(s) > maxText {
		r.tooMuch("makes a text of more than %d KiB", maxText>>10)
	}
	r.charge(len(s) / 16)
	return s
}

// list counts a list that was made.
func (r *run) list(items []any) []any {
	if items == nil {
		items = []any{}
	}
	r.room(len(items))
	return items
}

func (r *run) room(items int) {
	if items > maxItems {
		r.tooMuch("makes a list of more than %d items", maxItems)
	}
	r.charge(items)
}

// use returns a value that is defined.
func (r *run) use(v any) any {
	u, ok := v.(*Undefined)
	if !ok {
		return v
	}
	if u.empty {
		return ""
	}
	if u.Err != nil {
		panic(failure{&Error{Msg: u.What, Undefined: true, Cause: u.Err}})
	}
	panic(failure{&Error{Msg: u.What, Undefined: true, Name: u.Name}})
}

// deep is use for everything inside a value too.
func (r *run) deep(v any) any {
	r.charge(0)
	switch v := v.(type) {
	case *Undefined:
		r.use(v)
	case Mapping:
		r.fail("hostvars and groups can only be asked for a part of them")
	case Dict:
		for _, p := range v {
			r.deep(p.Value)
		}
	}
	if items, ok := sequence(v); ok {
		for _, item := range items {
			r.deep(item)
		}
	}
	return v
}

// variable is what a name stands for: what the template set itself, or a variable.
func (r *run) variable(ctx *exec.Context, name string) any {
	if v, ok := ctx.Get(localPrefix + name); ok {
		return v
	}
	if r.world.Variable == nil {
		return &Undefined{Name: name, What: name + " is undefined"}
	}
	v, found, err := r.world.Variable(name)
	return r.take(v, found, err, name, name)
}

// take judges what the world answered.
func (r *run) take(v Variable, found bool, err error, name, path string) any {
	if err != nil {
		if u, ok := err.(undefined); ok && u.IsUndefined() {
			return &Undefined{Name: name, What: err.Error(), Err: err}
		}
		panic(failure{&Error{Msg: err.Error(), Cause: err}})
	}
	if !found {
		u := &Undefined{What: path + " is undefined"}
		if name == path {
			u.Name = name
		}
		return u
	}
	r.secret = r.secret || v.Secret
	r.charge(0)
	return v.Value
}

const (
	localPrefix = "local " // no template can name what has a space in it
	runKey      = " run"
)

// Write takes what the renderer prints between the brackets.
func (r *run) Write(p []byte) (int, error) {
	r.pieces++
	r.print(&r.out, string(p))
	return len(p), nil
}

func (r *run) print(b *strings.Builder, s string) {
	if b.Len()+len(s) > maxText {
		r.tooMuch("makes a text of more than %d KiB", maxText>>10)
	}
	r.charge(len(s) / 16)
	b.WriteString(s)
}

// render runs the template with the environment of this package and no other.
func (r *run) render(root *nodes.Template) {
	ctx := library.Context.Inherit()
	ctx.Set(runKey, r)
	renderer := &exec.Renderer{
		Config: settings, Loader: nothing{}, Template: empty, RootNode: root, Output: r,
		Environment: &exec.Environment{
			Context: ctx, Filters: library.Filters, Tests: library.Tests,
			ControlStructures: library.ControlStructures, Methods: library.Methods,
		},
	}
	if err := renderer.Execute(); err != nil {
		r.fail("fails in a way that was not foreseen")
	}
}

func runOf(e *exec.Evaluator) *run { return runIn(e.Environment.Context) }

func runIn(ctx *exec.Context) *run {
	v, _ := ctx.Get(runKey)
	return v.(*run)
}

// library is the whole environment: operators and functions, filters and tests.
var library = newLibrary()

// empty is a template without text: the library's renderer wants one to know its loader.
var empty = newEmpty()

func newEmpty() *exec.Template {
	t, err := exec.NewTemplate("", settings, noText{}, &exec.Environment{ControlStructures: library.ControlStructures})
	if err != nil {
		panic("jinja: " + err.Error()) // it depends on nothing but this program
	}
	return t
}

// noText is a loader of one template, which is empty.
type noText struct{ nothing }

func (noText) Read(string) (io.Reader, error)         { return strings.NewReader(""), nil }
func (noText) Inherit(string) (loaders.Loader, error) { return noText{}, nil }

func newLibrary() *exec.Environment {
	data := map[string]any{}
	for name, op := range operatorTable {
		data[name] = adaptOperator(op)
	}
	for name, f := range functions {
		data["function "+name] = adaptFunction(f)
	}
	filters := map[string]exec.FilterFunction{}
	for name, f := range filterTable {
		filters[name] = adaptFilter(name, f)
	}
	tests := map[string]exec.TestFunction{}
	for name, t := range testTable {
		tests[name] = adaptTest(name, t)
	}
	return &exec.Environment{
		Context: exec.NewContext(data), Filters: exec.NewFilterSet(filters), Tests: exec.NewTestSet(tests),
		ControlStructures: exec.NewControlStructureSet(nil),
		Methods: exec.Methods{
			Bool: exec.NewMethodSet[bool](nil), Int: exec.NewMethodSet[int](nil), Float: exec.NewMethodSet[float64](nil),
			Str: exec.NewMethodSet[string](nil), Dict: exec.NewMethodSet[map[string]any](nil), List: exec.NewMethodSet[[]any](nil),
		},
	}
}

// args are the arguments of a call. What reads one takes it out, so that end can tell which are
// left: an argument that nothing reads is a mistake.
type args struct {
	run   *run
	what  string // "the filter replace"
	list  []any
	named map[string]any
	asked int
}

// keyword is an argument with its name.
type keyword struct {
	name  string
	value any
}

func newArgs(r *run, what string, params *exec.VarArgs) *args {
	a := &args{run: r, what: what, named: map[string]any{}}
	for _, p := range params.Args {
		v := fromLibrary(p)
		if k, ok := v.(*keyword); ok {
			a.named[k.name] = k.value
			continue
		}
		a.list = append(a.list, v)
	}
	return a
}

// opt returns the next argument, by place or name, or the default.
func (a *args) opt(name string, or any) any {
	at := a.asked
	a.asked++
	if v, ok := a.named[name]; ok {
		if at < len(a.list) {
			a.run.fail("%s: the argument %s is given twice", a.what, name)
		}
		delete(a.named, name)
		return v
	}
	if at < len(a.list) {
		return a.list[at]
	}
	return or
}

// must returns the next argument, which has to be there and defined.
func (a *args) must(name string) any {
	missing := &Undefined{}
	v := a.opt(name, missing)
	if v == missing {
		a.run.fail("%s wants the argument %s", a.what, name)
	}
	return a.run.use(v)
}

func (a *args) text(name, or string) string {
	return a.run.asText(a.what+": "+name, a.run.use(a.opt(name, or)))
}

func (a *args) flag(name string, or bool) bool { return truth(a.run.use(a.opt(name, or))) }

func (a *args) int(name string, or int64) int {
	v := a.run.use(a.opt(name, or))
	i, _, isInt, ok := asNumber(v)
	if !ok || !isInt || i > 1<<31 || i < -1<<31 {
		a.run.fail("%s: %s: want a whole number, got %s", a.what, name, kind(v))
	}
	return int(i)
}

// rest returns the arguments by place that nothing has asked for yet.
func (a *args) rest() []any {
	left := a.list[min(a.asked, len(a.list)):]
	a.asked = len(a.list)
	return left
}

// end refuses what is left.
func (a *args) end() {
	if len(a.list) > a.asked {
		a.run.fail("%s takes at most %d arguments", a.what, a.asked)
	}
	if len(a.named) > 0 {
		a.run.fail("%s has no argument %s", a.what, slices.Sorted(maps.Keys(a.named))[0])
	}
}

// native is a text that stays one when it is all of a result: what the filters string and to_json
// and their like return.
type native struct{ text string }

// fromLibrary unwraps a value; the library counts in int.
func fromLibrary(v *exec.Value) any {
	switch v := v.Interface().(type) {
	case int:
		return int64(v)
	case *native:
		return v.text
	default:
		return v
	}
}

func adaptOperator(op operator) func(*exec.Evaluator, *exec.VarArgs) *exec.Value {
	return func(e *exec.Evaluator, params *exec.VarArgs) *exec.Value {
		r := runOf(e)
		r.charge(0)
		a := newArgs(r, "", params)
		return exec.AsValue(op(r, e.Environment.Context, a))
	}
}

func adaptFunction(f function) func(*exec.Evaluator, *exec.VarArgs) *exec.Value {
	return func(e *exec.Evaluator, params *exec.VarArgs) *exec.Value {
		r := runOf(e)
		r.charge(0)
		a := newArgs(r, "the function "+f.name, params)
		v := f.call(r, a)
		a.end()
		return exec.AsValue(v)
	}
}

func adaptFilter(name string, f filter) exec.FilterFunction {
	return func(e *exec.Evaluator, in *exec.Value, params *exec.VarArgs) *exec.Value {
		r := runOf(e)
		r.charge(0)
		a := newArgs(r, "the filter "+name, params)
		v := fromLibrary(in)
		if !f.takesUndefined {
			r.use(v)
		}
		result := f.apply(r, e, v, a)
		a.end()
		if s, ok := result.(string); ok && f.native {
			return exec.AsValue(&native{s})
		}
		return exec.AsValue(result)
	}
}

func adaptTest(name string, t test) exec.TestFunction {
	return func(e *exec.Evaluator, in *exec.Value, params *exec.VarArgs) (bool, error) {
		r := runOf(e)
		r.charge(0)
		a := newArgs(r, "the test "+name, params)
		v := fromLibrary(in)
		if !t.takesUndefined {
			r.use(v)
		}
		result := t.apply(r, v, a)
		a.end()
		return result, nil
	}
}
