package inventory

import (
	"fmt"
	"go/token"
	"reflect"
)

// Bound is what Bind found: problems, and where each field came from.
type Bound struct {
	Problems []Problem // sorted

	unknown int // fields whose value is not known
	places  map[string]token.Position
	prefix  string // of the names in an object that was bound by itself
	origin  token.Position
}

// OK reports whether every field holds what the inventory says: there is no error, and nothing that
// Options.Keyless leaves unknown. A secret that is unknown is some text: that much can be judged.
func (b *Bound) OK() bool { return b.unknown == 0 && !HasErrors(b.Problems) }

// Has reports whether the inventory gives the variable, so that the field is not a default. Parts
// are named as in problems, "pg_users[1].name", without the name of the Value that was bound.
func (b *Bound) Has(name string) bool {
	_, ok := b.places[b.prefix+name]
	return ok
}

// Pos returns where the variable is written, or the host or group itself when it has the default:
// there is always a line to point at.
func (b *Bound) Pos(name string) token.Position {
	if pos, ok := b.places[b.prefix+name]; ok {
		return pos
	}
	return b.origin
}

// Bind fills the struct that into points to with the variables that its fields ask for, as they
// resolve in the scope:
//
//	type Vars struct {
//		Seq  int           `var:"etcd_seq" required:"true" min:"0"`
//		Port int           `var:"etcd_port" default:"2379" kind:"port"`
//		Life time.Duration `var:"cert_validity" default:"7300d"`
//	}
//	var v Vars
//	b := inventory.Bind(host, &v) // b.Problems, b.Pos("etcd_seq")
//
// Field types: string, bool, integers, floats, time.Duration (24h, 7300d, or seconds), netip.Addr,
// netip.Prefix, Secret, Value (anything, left as it is), any; pointers to these (nil when not set
// or null); slices, maps with string or integer keys, and structs of these for objects. Fields
// without the tag var are left alone, embedded structs count as their fields, and a field of
// type token.Position is set to where the object begins.
//
// Tags: default is the value when the variable is not set, as text for scalars and as YAML for
// the rest; required:"true" refuses missing and empty; min and max bound a number, a duration or
// the length of a list or mapping; enum lists the allowed words; pattern is a regular expression that the
// whole text matches, and like an example of it for problems, where the default is none; kind is port or path (absolute); expand:"true" replaces the placeholders
// of Scope.Expand; doc says in one sentence what the parameter is for, and unit what its number
// counts (see Describe). On lists and mappings, enum, pattern and kind hold for each item. In an
// object, a field
// with var:"*" and the type map[string]Value takes the keys that no other field reads; without
// one they are warnings.
//
// Lists and mappings that are defaults are shared by all who bind the struct: they are to be read
// only. A field whose value has a problem is zero; in lists and mappings, only the part that has it. An explicit null is an empty text, list or mapping,
// and wrong for every other type. Bind panics when the struct itself is wrong, as
// regexp.MustCompile does: that is a mistake in the program, not in the inventory.
func Bind(scope Scope, into any) *Bound {
	target := reflect.ValueOf(into)
	if target.Kind() != reflect.Pointer || target.Elem().Kind() != reflect.Struct {
		panic(fmt.Sprintf("inventory.Bind: want a pointer to a struct, got %T", into))
	}
	src, origin := scope.origin()
	b := &binder{
		expand:   scope.Expand,
		plans:    src.plans,
		problems: collector{src: src},
		bound:    &Bound{places: map[string]token.Position{}, origin: origin},
	}
	v, nested := scope.(Value)
	if v.name != "" {
		b.bound.prefix = v.name + "."
	}
	if nested && v.Kind() != Map {
		b.fail(v.wrongOrHeld("a mapping"))
	} else {
		b.object(scope, v, target.Elem())
	}
	b.bound.Problems = b.problems.result()
	return b.bound
}

// binder is one call of Bind.
type binder struct {
	expand   func(string) string
	plans    *plans
	problems collector
	bound    *Bound
}

func (b *binder) report(p Problem) { b.problems.add(p) }

// object fills a struct from a scope; self is the object's own value, or nothing when the scope
// is a host or group, whose other variables are no concern of this struct.
func (b *binder) object(scope Scope, self Value, dst reflect.Value) {
	plan := b.plans.of(dst.Type())
	_, place := scope.origin()
	if self.isDefault() {
		place = b.bound.origin
	}
	for _, i := range plan.places {
		dst.FieldByIndex(i).Set(reflect.ValueOf(place))
	}
	for i := range plan.fields {
		f := &plan.fields[i]
		b.field(f, scope, self, dst.FieldByIndex(f.index))
	}
	b.rest(plan, self, dst)
}

func (b *binder) field(f *field, scope Scope, self Value, dst reflect.Value) {
	v, ok := scope.Lookup(f.name)
	if ok {
		b.note(v)
	}
	if f.required && (!ok || v.blank()) {
		b.missing(f, v, self)
		return
	}
	if !ok && f.initial == nil {
		return
	}
	if ok {
		b.decode(v, dst, f)
		return
	}
	if f.shared == nil {
		b.preset(f, dst)
		return
	}
	f.shared.once.Do(func() {
		f.shared.value = reflect.New(dst.Type()).Elem()
		b.preset(f, f.shared.value)
	})
	dst.Set(f.shared.value)
}

// preset decodes the default.
func (b *binder) preset(f *field, dst reflect.Value) {
	before := len(b.problems.list)
	b.decode(*f.initial, dst, f)
	if HasErrors(b.problems.list[before:]) {
		panic("inventory.Bind: default of " + b.problems.list[before].Msg)
	}
}

// blank reports whether a required parameter is as good as missing.
func (v Value) blank() bool {
	switch v.Kind() {
	case Null:
		return true
	case String:
		return v.n.text == ""
	case List:
		return len(v.n.list) == 0
	case Map:
		return len(v.n.entries) == 0
	}
	return false
}

func (b *binder) missing(f *field, v, self Value) {
	p := Problem{Pos: v.Pos, Code: CodeRequired, Msg: v.name + ": is required, but empty"}
	if v.IsZero() {
		p.Pos, p.Msg = b.bound.origin, f.name+": is required, but not set"
	}
	if v.IsZero() && !self.IsZero() {
		p.Pos, p.Msg = self.Pos, self.name+"."+f.name+": is required, but not set"
	}
	b.report(p)
}

// rest hands over or reports the keys of an object that no field reads.
func (b *binder) rest(plan *plan, self Value, dst reflect.Value) {
	entries, _ := self.Map()
	var kept map[string]Value
	for _, e := range entries {
		key := e.Key.n.text
		if plan.reads(key) {
			continue
		}
		if plan.rest == nil {
			b.unread(plan, e)
			continue
		}
		if kept == nil {
			kept = map[string]Value{}
		}
		kept[key] = e.Value
	}
	if kept != nil {
		dst.FieldByIndex(plan.rest).Set(reflect.ValueOf(kept))
	}
}

func (b *binder) unread(plan *plan, e Entry) {
	hint := ""
	if near, ok := nearest(e.Key.n.text, plan.names()); ok {
		hint = ": did you mean " + near + "?"
	}
	b.report(Problem{
		Pos: e.Key.Pos, Severity: Warning, Code: CodeField,
		Msg: e.Value.name + ": nothing reads this key" + hint,
	})
}
