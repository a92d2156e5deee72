package jinja

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// The values of expressions are nil, bool, int64, float64, string, []any, Tuple, Dict, Mapping and
// Undefined.

// Tuple is a list in round brackets; Ansible turns it into a list when it leaves a template.
type Tuple []any

// Pair is one entry of a Dict.
type Pair struct{ Key, Value any }

// Dict is a mapping in its order. Keys are scalars and differ from each other.
type Dict []Pair

// Mapping is a mapping that is too large, or too costly, to be built before something asks for a
// part of it, such as hostvars.
type Mapping interface {
	// Get returns the value of a key; found is false when there is none.
	Get(key string) (v Variable, found bool, err error)
	Keys() []string
}

// Undefined stands for a name or a part that does not exist. It becomes an error when it is used;
// the filter default and the test defined take it.
type Undefined struct {
	Name string // of the variable
	What string // "pg_port is undefined"
	Err  error  // why a variable that exists has no value; nil when it does not exist

	empty bool // what if without else chose: Jinja takes it for an empty text
}

// Get returns the value of a key, or nil.
func (d Dict) Get(key any) (any, bool) {
	for _, p := range d {
		if equal(p.Key, key) {
			return p.Value, true
		}
	}
	return nil, false
}

// kind names the type of a value in errors.
func kind(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case bool:
		return "a boolean"
	case int64:
		return "a whole number"
	case float64:
		return "a number"
	case string:
		return "text"
	case []any, Tuple:
		return "a list"
	case Dict, Mapping:
		return "a mapping"
	}
	return "something undefined"
}

// truth is what Python takes for true.
func truth(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case Tuple:
		return len(v) > 0
	case Dict:
		return len(v) > 0
	}
	return v != nil
}

// asNumber returns numbers and, as Python does, booleans.
func asNumber(v any) (i int64, f float64, isInt, ok bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, 1, true, true
		}
		return 0, 0, true, true
	case int64:
		return v, float64(v), true, true
	case float64:
		return 0, v, false, true
	}
	return 0, 0, false, false
}

func equal(a, b any) bool {
	ai, af, aInt, aOK := asNumber(a)
	bi, bf, bInt, bOK := asNumber(b)
	switch {
	case aOK && bOK && aInt && bInt:
		return ai == bi
	case aOK || bOK:
		return aOK && bOK && af == bf
	}
	switch a := a.(type) {
	case nil:
		return b == nil
	case string:
		s, ok := b.(string)
		return ok && a == s
	case []any:
		l, ok := b.([]any)
		return ok && equalLists(a, l)
	case Tuple:
		l, ok := b.(Tuple)
		return ok && equalLists(a, l)
	case Dict:
		d, ok := b.(Dict)
		return ok && equalDicts(a, d)
	}
	return false
}

func equalLists(a, b []any) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

func equalDicts(a, b Dict) bool {
	if len(a) != len(b) {
		return false
	}
	other := make(map[string]any, len(b))
	for _, p := range b {
		other[identity(p.Key)] = p.Value
	}
	for _, p := range a {
		v, ok := other[identity(p.Key)]
		if !ok || !equal(p.Value, v) {
			return false
		}
	}
	return true
}

// identity is a text that two values share exactly when they are equal.
func identity(v any) string {
	var b strings.Builder
	writeIdentity(&b, v)
	return b.String()
}

func writeIdentity(b *strings.Builder, v any) {
	if i, f, isInt, ok := asNumber(v); ok {
		if isInt {
			b.WriteString(strconv.FormatInt(i, 10))
		} else if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			b.WriteString(strconv.FormatInt(int64(f), 10))
		} else {
			b.WriteString(strconv.FormatFloat(f, 'g', -1, 64))
		}
		return
	}
	switch v := v.(type) {
	case string:
		b.WriteString(strconv.Quote(v))
	case []any:
		writeItems(b, "[", v)
	case Tuple:
		writeItems(b, "(", v)
	case Dict:
		parts := make([]string, len(v))
		for i, p := range v {
			parts[i] = identity(p.Key) + ":" + identity(p.Value)
		}
		b.WriteString("{" + strings.Join(sorted(parts), ",") + "}")
	default:
		fmt.Fprintf(b, "%T", v)
	}
}

func writeItems(b *strings.Builder, open string, items []any) {
	b.WriteString(open)
	for _, item := range items {
		writeIdentity(b, item)
		b.WriteByte(',')
	}
	b.WriteByte(']')
}

// compare orders two values; ok is false when Python would refuse to.
func compare(a, b any) (order int, ok bool) {
	ai, af, aInt, aOK := asNumber(a)
	bi, bf, bInt, bOK := asNumber(b)
	switch {
	case aOK && bOK && aInt && bInt:
		return cmp.Compare(ai, bi), true
	case aOK && bOK:
		return cmp.Compare(af, bf), true
	}
	if s, isText := a.(string); isText {
		t, same := b.(string)
		return strings.Compare(s, t), same
	}
	x, listed := sequence(a)
	y, same := sequence(b)
	if !listed || !same {
		return 0, false
	}
	for i := range min(len(x), len(y)) {
		if equal(x[i], y[i]) {
			continue
		}
		return compare(x[i], y[i])
	}
	return cmp.Compare(len(x), len(y)), true
}

// sequence returns the items of a list or tuple.
func sequence(v any) ([]any, bool) {
	switch v := v.(type) {
	case []any:
		return v, true
	case Tuple:
		return v, true
	}
	return nil, false
}

// text is what Python's str makes of a value, except that nothing is empty, as in Ansible.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	return repr(v)
}

// pyStr is str without that exception.
func pyStr(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return repr(v)
}

// repr is what Python's repr makes of a value.
func repr(v any) string {
	var b strings.Builder
	writeRepr(&b, v)
	return b.String()
}

func writeRepr(b *strings.Builder, v any) {
	switch v := v.(type) {
	case nil:
		b.WriteString("None")
	case bool:
		if v {
			b.WriteString("True")
			return
		}
		b.WriteString("False")
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case float64:
		b.WriteString(FormatFloat(v))
	case string:
		writeQuoted(b, v)
	case []any:
		b.WriteByte('[')
		reprItems(b, v)
		b.WriteByte(']')
	case Tuple:
		b.WriteByte('(')
		reprItems(b, v)
		if len(v) == 1 {
			b.WriteByte(',')
		}
		b.WriteByte(')')
	case Dict:
		reprDict(b, v)
	}
}

func reprItems(b *strings.Builder, items []any) {
	for i, item := range items {
		if i > 0 {
			b.WriteString(", ")
		}
		writeRepr(b, item)
	}
}

func reprDict(b *strings.Builder, d Dict) {
	b.WriteByte('{')
	for i, p := range d {
		if i > 0 {
			b.WriteString(", ")
		}
		writeRepr(b, p.Key)
		b.WriteString(": ")
		writeRepr(b, p.Value)
	}
	b.WriteByte('}')
}

// writeQuoted prints a text as Python does: in single quotes unless only those stand in it.
func writeQuoted(b *strings.Builder, s string) {
	quote := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	b.WriteByte(quote)
	for _, r := range s {
		switch {
		case r == rune(quote) || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == ' ' || unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(b, `\u%04x`, r)
		default:
			fmt.Fprintf(b, `\U%08x`, r)
		}
	}
	b.WriteByte(quote)
}

// FormatFloat prints a number as Python does.
func FormatFloat(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
