package inventory

import (
	"fmt"
	"go/token"
	"net/netip"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// plans remembers what the tags of each struct type say. Types do not change: one inventory hands them on to the next.
type plans struct{ byType sync.Map } // reflect.Type to *plan

// of is the plan of a type; what no Load has read has none to remember.
func (p *plans) of(t reflect.Type) *plan {
	if p == nil {
		return newPlan(t)
	}
	if found, ok := p.byType.Load(t); ok {
		return found.(*plan)
	}
	made, _ := p.byType.LoadOrStore(t, newPlan(t))
	return made.(*plan)
}

// plan is how one struct is filled.
type plan struct {
	fields []field
	places [][]int // fields of type token.Position
	rest   []int   // the field with var:"*"
}

// field is one variable and what it must be.
type field struct {
	index    []int
	name     string
	initial  *Value  // the default; nil when there is none
	shared   *shared // the default decoded; nil when it is another for each scope
	required bool
	expand   bool
	rules
}

// rules are the constraints of a field, which hold for the items when it is a list.
type rules struct {
	kind     string
	enum     []string
	pattern  *regexp.Regexp
	like     string // an example of what matches the pattern
	min, max *bound
}

// bound is a limit as written and as number: for durations, in nanoseconds.
type bound struct {
	text  string
	value float64
}

func (p *plan) reads(key string) bool {
	for i := range p.fields {
		if p.fields[i].name == key {
			return true
		}
	}
	return false
}

func (p *plan) names() []string {
	names := make([]string, len(p.fields))
	for i := range p.fields {
		names[i] = p.fields[i].name
	}
	return names
}

func newPlan(t reflect.Type) *plan {
	p := &plan{}
	p.add(t, nil)
	return p
}

func (p *plan) add(t reflect.Type, prefix []int) {
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(append([]int{}, prefix...), i)
		name, tagged := f.Tag.Lookup("var")
		switch {
		case f.Anonymous && !tagged && f.Type.Kind() == reflect.Struct:
			p.add(f.Type, index)
		case !tagged && f.IsExported() && f.Type == reflect.TypeFor[token.Position]():
			p.places = append(p.places, index)
		case !tagged:
			continue
		case !f.IsExported():
			panic(badField(t, f, "is not exported"))
		case name == "*" && f.Type == reflect.TypeFor[map[string]Value]():
			p.rest = index
		default:
			p.fields = append(p.fields, newField(t, f, name, index))
		}
	}
}

func badField(t reflect.Type, f reflect.StructField, why string) string {
	return fmt.Sprintf("inventory.Bind: %s.%s %s", t, f.Name, why)
}

func newField(t reflect.Type, f reflect.StructField, name string, index []int) field {
	if why := unsupported(f.Type); why != "" {
		panic(badField(t, f, why))
	}
	made := field{
		index: index, name: name,
		required: f.Tag.Get("required") == "true",
		expand:   f.Tag.Get("expand") == "true",
		rules:    rules{kind: f.Tag.Get("kind")},
	}
	if enum := f.Tag.Get("enum"); enum != "" {
		made.enum = strings.Split(enum, ",")
	}
	if pattern := f.Tag.Get("pattern"); pattern != "" {
		made.pattern = regexp.MustCompile(`\A(?:` + pattern + `)\z`)
		made.like = example(t, f, made.pattern)
	}
	made.min, made.max = newBound(t, f, "min"), newBound(t, f, "max")
	if made.kind != "" && made.kind != "port" && made.kind != "path" {
		panic(badField(t, f, "has the unknown kind "+made.kind))
	}
	if text, ok := f.Tag.Lookup("default"); ok {
		made.initial = initial(t, f, name, text)
		if !made.expand && !placed(f.Type, map[reflect.Type]bool{}) {
			made.shared = &shared{}
		}
	}
	return made
}

// example is what a problem shows of a pattern: the tag like, or a default that matches.
func example(t reflect.Type, f reflect.StructField, pattern *regexp.Regexp) string {
	if like, ok := f.Tag.Lookup("like"); ok {
		if !pattern.MatchString(like) {
			panic(badField(t, f, "does not match its own example "+like))
		}
		return like
	}
	if initial := f.Tag.Get("default"); pattern.MatchString(initial) {
		return initial
	}
	return ""
}

func newBound(t reflect.Type, f reflect.StructField, tag string) *bound {
	text, ok := f.Tag.Lookup(tag)
	if !ok {
		return nil
	}
	if f.Type == reflect.TypeFor[time.Duration]() {
		d, ok := parseInterval(text)
		if !ok {
			panic(badField(t, f, "has no duration in "+tag))
		}
		return &bound{text, float64(d)}
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		panic(badField(t, f, "has no number in "+tag))
	}
	return &bound{text, value}
}

// shared is a default that is the same for every scope, decoded when it is first asked for.
type shared struct {
	once  sync.Once
	value reflect.Value
}

// placed tells whether a type holds the place of an object, which for a default is that of the
// scope. A type may hold itself: each is looked into once.
func placed(t reflect.Type, seen map[reflect.Type]bool) bool {
	switch t.Kind() {
	case reflect.Slice, reflect.Map, reflect.Pointer:
		return placed(t.Elem(), seen)
	case reflect.Struct:
		if isLeaf(t) || seen[t] {
			return false
		}
		seen[t] = true
		for i := range t.NumField() {
			if f := t.Field(i); f.Type == reflect.TypeFor[token.Position]() || placed(f.Type, seen) {
				return true
			}
		}
	}
	return false
}

// initial reads a default: text for what is written as one scalar, YAML for the rest.
func initial(t reflect.Type, f reflect.StructField, name, text string) *Value {
	src := &source{}
	if !composite(f.Type) {
		return &Value{n: &node{src: src, kind: String, text: text}, name: name}
	}
	doc, err := parse(src, []byte(text))
	if err != nil {
		panic(badField(t, f, "has a default that is not YAML"))
	}
	n, err := convert(src, doc, &collector{src: src})
	if err != nil {
		panic(badField(t, f, "has a default that is not YAML"))
	}
	return &Value{n: n, name: name}
}

// isDefault reports whether the value comes from a tag, which is no place to point at.
func (v Value) isDefault() bool { return v.n != nil && v.n.src.name == "" }

func composite(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Map, reflect.Interface:
		return true
	}
	return t == reflect.TypeFor[Value]() || t.Kind() == reflect.Struct && !isLeaf(t)
}

// isLeaf reports whether a struct type is one value, not an object.
func isLeaf(t reflect.Type) bool {
	switch t {
	case reflect.TypeFor[Value](), reflect.TypeFor[Secret](), reflect.TypeFor[netip.Addr](), reflect.TypeFor[netip.Prefix]():
		return true
	}
	return false
}

// unsupported says why a type cannot be bound; empty when it can.
func unsupported(t reflect.Type) string {
	if isLeaf(t) {
		return ""
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Struct, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return ""
	case reflect.Interface:
		if t == reflect.TypeFor[any]() {
			return ""
		}
	case reflect.Pointer, reflect.Slice:
		return unsupported(t.Elem())
	case reflect.Map:
		if k := t.Key().Kind(); k == reflect.String || k == reflect.Int {
			return unsupported(t.Elem())
		}
	}
	return "has the type " + t.String() + ", which cannot be bound"
}
