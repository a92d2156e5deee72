package inventory

import (
	"fmt"
	"go/token"
	"io"
	"math"
	"strconv"
)

// Value is something written in the inventory. Its zero value stands for nothing at all.
//
// Printed by fmt, slog or encoding/json a Value shows its kind and place only, so that a password
// cannot slip into a log; String, Text and Any give the content.
type Value struct {
	Pos token.Position // where the value begins; for an alias, the alias

	n    *node
	key  *node
	name string // how problems call it: "pg_users[1].name"
}

// Entry is one pair of a mapping.
type Entry struct{ Key, Value Value }

func newValue(e entry) Value {
	return Value{Pos: e.value.pos(), n: e.value, key: e.key, name: e.key.text}
}

// IsZero reports whether there is no value: the variable is not set. See IsNull.
func (v Value) IsZero() bool { return v.n == nil }

// IsNull reports whether the value is missing or an explicit null.
func (v Value) IsNull() bool { return v.n == nil || v.n.kind == Null }

// Kind returns the type as Ansible sees it; Null when there is no value.
func (v Value) Kind() Kind {
	if v.n == nil {
		return Null
	}
	return v.n.kind
}

// Name returns the name in problems: the variable, with the path to the value inside it.
func (v Value) Name() string { return v.name }

// KeyPos returns where the name is written: the line to edit. It is Pos for items of lists.
func (v Value) KeyPos() token.Position {
	if v.key == nil {
		return v.Pos
	}
	return v.key.pos()
}

// Unevaluated reports whether there is no value, because its expression failed or because it is
// not decrypted. Values inside it are not looked at.
func (v Value) Unevaluated() bool { return v.n != nil && v.n.held != ready }

// String returns the text of a scalar: a string as it is, a number in its usual decimal form,
// true or false. Lists, mappings and nothing are empty, and so is what cannot be evaluated yet.
func (v Value) String() string {
	if v.n == nil || v.n.held != ready {
		return ""
	}
	if v.n.kind == Bool {
		b, _ := yamlBool(v.n.text)
		return strconv.FormatBool(b)
	}
	text, _ := plainText(v.n)
	return text
}

// Text returns the text of a string or number, as a template would contain it, and the empty
// text for null. The error is a Problem.
func (v Value) Text() (string, error) {
	if err := v.evaluated("text"); err != nil {
		return "", err
	}
	text, ok := plainText(v.orNull())
	if !ok {
		return "", v.wrong("text")
	}
	return text, nil
}

// Secret returns the text as a secret, also one that is kept elsewhere (reference.go). The error is a Problem.
func (v Value) Secret() (Secret, error) {
	text, err := v.secretText()
	return NewSecret(text), err
}

// Int returns a whole number, also one in quotes. The error is a Problem.
func (v Value) Int() (int, error) {
	const want = "a whole number"
	if err := v.evaluated(want); err != nil {
		return 0, err
	}
	n := v.orNull()
	switch n.kind {
	case Int:
		if i, _ := bigInt(n.text); i.IsInt64() {
			return int(i.Int64()), nil
		}
	case String:
		if i, err := strconv.Atoi(n.text); err == nil {
			return i, nil
		}
	}
	return 0, v.wrong(want)
}

// Bool returns a boolean; the words of YAML in quotes, and 0 and 1, are taken as Ansible's filter
// takes them. The error is a Problem.
func (v Value) Bool() (bool, error) {
	const want = "true or false"
	if err := v.evaluated(want); err != nil {
		return false, err
	}
	n := v.orNull()
	if n.kind == Bool || n.kind == String {
		if b, ok := yamlBool(n.text); ok {
			return b, nil
		}
	}
	if (n.kind == Int || n.kind == String) && (n.text == "0" || n.text == "1") {
		return n.text == "1", nil
	}
	return false, v.wrong(want)
}

// Float returns a finite number, also one in quotes. The error is a Problem.
func (v Value) Float() (float64, error) {
	const want = "a number"
	if err := v.evaluated(want); err != nil {
		return 0, err
	}
	if f, ok := number(v.orNull()); ok && !math.IsInf(f, 0) && !math.IsNaN(f) {
		return f, nil
	}
	return 0, v.wrong(want)
}

func number(n *node) (float64, bool) {
	switch n.kind {
	case Int:
		i, _ := bigInt(n.text)
		f, _ := i.Float64()
		return f, true
	case Float:
		return yamlFloat(n.text)
	case String:
		f, err := strconv.ParseFloat(n.text, 64)
		return f, err == nil
	}
	return 0, false
}

// List returns the items of a list; null is empty. The error is a Problem.
func (v Value) List() ([]Value, error) {
	if err := v.evaluated("a list"); err != nil {
		return nil, err
	}
	n := v.orNull()
	if n.kind != List && n.kind != Null {
		return nil, v.wrong("a list")
	}
	items := make([]Value, len(n.list))
	for i, item := range n.list {
		items[i] = Value{Pos: item.pos(), n: item, name: v.name + "[" + strconv.Itoa(i) + "]"}
	}
	return items, nil
}

// Map returns the entries of a mapping in the order of the file; null is empty. The error is a
// Problem.
func (v Value) Map() ([]Entry, error) {
	if err := v.evaluated("a mapping"); err != nil {
		return nil, err
	}
	n := v.orNull()
	if n.kind != Map && n.kind != Null {
		return nil, v.wrong("a mapping")
	}
	entries := make([]Entry, len(n.entries))
	for i, e := range n.entries {
		key := Value{Pos: e.key.pos(), n: e.key, key: e.key, name: "key of " + v.name}
		entries[i] = Entry{key, v.child(e)}
	}
	return entries, nil
}

// Lookup returns the value of a key, when the value is a mapping that has it.
func (v Value) Lookup(key string) (Value, bool) {
	if v.n == nil {
		return Value{}, false
	}
	e, ok := v.n.get(key)
	if !ok {
		return Value{}, false
	}
	return v.child(e), true
}

func (v Value) child(e entry) Value {
	child := newValue(e)
	if v.name != "" {
		child.name = v.name + "." + quoteKeyOf(e.key)
	}
	return child
}

// Any returns the value as plain Go: nil, bool, int64, float64, string, []any, map[string]any.
// Integers beyond int64 are float64. What cannot be evaluated yet is its text as written.
func (v Value) Any() any { return plain(v.orNull()) }

func plain(n *node) any {
	switch n.kind {
	case List:
		list := make([]any, len(n.list))
		for i, item := range n.list {
			list[i] = plain(item)
		}
		return list
	case Map:
		m := make(map[string]any, len(n.entries))
		for _, e := range n.entries {
			m[e.key.text] = plain(e.value)
		}
		return m
	}
	return scalar(n)
}

// scalar is a value that holds no others: nil, a bool, an int64, a float64 or a string.
func scalar(n *node) any {
	switch n.kind {
	case Null:
		return nil
	case Bool:
		b, _ := yamlBool(n.text)
		return b
	case Int:
		if i, _ := bigInt(n.text); i.IsInt64() {
			return i.Int64()
		}
		f, _ := number(n)
		return f
	case Float:
		f, _ := yamlFloat(n.text)
		return f
	}
	return n.text
}

func (v Value) orNull() *node {
	if v.n == nil {
		return &node{}
	}
	return v.n
}

// Format prints the kind and place, whatever the verb.
func (v Value) Format(f fmt.State, _ rune) {
	// A fmt.State keeps its own errors: there is nobody to return one to.
	_, _ = io.WriteString(f, v.summary())
}

// MarshalText is the kind and place; slog and encoding/json ask for it.
func (v Value) MarshalText() ([]byte, error) { return []byte(v.summary()), nil }

func (v Value) summary() string { return v.Kind().String() + " at " + v.Pos.String() }
