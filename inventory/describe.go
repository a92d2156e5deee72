package inventory

import (
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Shape is the kind of a value, as people call it.
type Shape string

// The shapes.
const (
	ShapeText     Shape = "text"
	ShapeBool     Shape = "bool"
	ShapeInt      Shape = "int"
	ShapeFloat    Shape = "float"
	ShapeDuration Shape = "duration"
	ShapeAddress  Shape = "address"
	ShapeNetwork  Shape = "network"
	ShapeSecret   Shape = "secret"
	ShapeList     Shape = "list"
	ShapeMap      Shape = "map"
	ShapeObject   Shape = "object"
	ShapeAny      Shape = "any"
)

// Type is what a value may be, as Bind judges it.
type Type struct {
	Shape    Shape
	Null     bool     // null is taken
	Kind     string   // port or path
	Enum     []string // the allowed words
	Pattern  string   // of the whole text
	Min, Max string   // of a number or duration, or of the length of a list or map
	Keys     Shape    // of a map: text or int
	Item     *Type    // of a list or map
	Fields   []Field  // of an object
	Open     bool     // the object takes other keys, too
}

// Field is one variable, or one key of an object.
type Field struct {
	Name     string
	Type     Type
	Doc      string
	Unit     string // of a number: ms, MB; empty when it counts
	Default  any    // as JSON has it: nil, bool, int, float64, string, []any, map[string]any
	Text     string // the default as the tag has it
	Given    bool   // there is a default
	Required bool
}

// Describe lists what Bind reads for structs of the type, in the order of their fields. It panics
// where Bind does: when the struct is wrong.
func Describe(t reflect.Type) []Field { return describer{}.fields(t) }

// describer remembers the structs it is inside of: one that holds itself ends as anything.
type describer []reflect.Type

func (d describer) fields(t reflect.Type) []Field {
	plan := newPlan(t)
	d = append(d, t)
	described := make([]Field, 0, len(plan.fields))
	for i := range plan.fields {
		f := &plan.fields[i]
		described = append(described, d.field(t.FieldByIndex(f.index), f))
	}
	return described
}

func (d describer) field(s reflect.StructField, f *field) Field {
	made := Field{
		Name: f.name, Type: d.shape(s.Type, f.rules), Required: f.required,
		Doc: s.Tag.Get("doc"), Unit: s.Tag.Get("unit"),
	}
	if f.initial != nil {
		made.Given, made.Text = true, s.Tag.Get("default")
		made.Default = defaultOf(*f.initial, made.Type)
	}
	return made
}

func (d describer) shape(t reflect.Type, r rules) Type {
	switch {
	case t.Kind() == reflect.Pointer:
		made := d.shape(t.Elem(), r)
		made.Null = true
		return made
	case t == reflect.TypeFor[Value]() || t.Kind() == reflect.Interface:
		return Type{Shape: ShapeAny, Null: true}
	case t.Kind() == reflect.Slice || t.Kind() == reflect.Map:
		return d.container(t, r)
	case t.Kind() == reflect.Struct && !isLeaf(t):
		return d.object(t)
	}
	made := scalarType(t)
	made.Null = made.Null && r.allows("", 0) // null is the empty text
	made.Kind, made.Enum, made.Pattern = r.kind, r.enum, patternText(r)
	made.Min, made.Max = limits(r)
	return made
}

func (d describer) container(t reflect.Type, r rules) Type {
	made := Type{Shape: ShapeList, Null: true}
	made.Min, made.Max = limits(r)
	if t.Kind() == reflect.Map {
		made.Shape, made.Keys = ShapeMap, ShapeText
		if t.Key().Kind() == reflect.Int {
			made.Keys = ShapeInt
		}
	}
	r.min, r.max = nil, nil
	item := d.shape(t.Elem(), r)
	made.Item = &item
	return made
}

func (d describer) object(t reflect.Type) Type {
	for _, outer := range d {
		if outer == t {
			return Type{Shape: ShapeAny}
		}
	}
	return Type{Shape: ShapeObject, Fields: d.fields(t), Open: newPlan(t).rest != nil}
}

func scalarType(t reflect.Type) Type {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return Type{Shape: ShapeDuration}
	case reflect.TypeFor[netip.Addr]():
		return Type{Shape: ShapeAddress}
	case reflect.TypeFor[netip.Prefix]():
		return Type{Shape: ShapeNetwork}
	case reflect.TypeFor[Secret]():
		return Type{Shape: ShapeSecret, Null: true}
	}
	switch t.Kind() {
	case reflect.Bool:
		return Type{Shape: ShapeBool}
	case reflect.Float32, reflect.Float64:
		return Type{Shape: ShapeFloat}
	case reflect.String:
		return Type{Shape: ShapeText, Null: true}
	}
	return Type{Shape: ShapeInt}
}

func limits(r rules) (least, most string) {
	if r.min != nil {
		least = r.min.text
	}
	if r.max != nil {
		most = r.max.text
	}
	return least, most
}

func patternText(r rules) string {
	if r.pattern == nil {
		return ""
	}
	return strings.TrimSuffix(strings.TrimPrefix(r.pattern.String(), `\A(?:`), `)\z`)
}

func defaultOf(v Value, t Type) any {
	text := ""
	if v.n != nil {
		text = v.n.text
	}
	switch t.Shape {
	case ShapeList, ShapeMap, ShapeObject, ShapeAny:
		return v.Any()
	case ShapeBool:
		b, err := v.Bool()
		return orText(b, err, text)
	case ShapeInt:
		i, err := strconv.Atoi(text)
		return orText(i, err, text)
	case ShapeFloat:
		f, err := strconv.ParseFloat(text, 64)
		return orText(f, err, text)
	}
	return text
}

func orText(value any, err error, text string) any {
	if err != nil {
		return text
	}
	return value
}
