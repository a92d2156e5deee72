package inventory

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// grow makes the last part of an edit: n is the value at its spot.
func grow(n *node, e Edit) (*node, error) {
	value, err := newNode(e.value)
	if err != nil {
		return nil, err
	}
	changed := *n
	switch e.op {
	case opSet:
		return value, nil
	case opAppend:
		changed.list = append(slices.Clone(n.list), value)
		return &changed, nil
	case opInsert:
		if n.indexOf(e.name) >= 0 {
			return nil, fmt.Errorf("the key %s is there already", quoteKey(e.name))
		}
		changed.kind, changed.text = Map, ""
		changed.entries = append(slices.Clone(n.entries), entry{textNode(e.name), value})
		return &changed, nil
	}
	return nil, errRoot
}

func (n *node) renameEntry(from, to string) error {
	i := n.indexOf(from)
	switch {
	case i < 0:
		return fmt.Errorf("there is no key %s", quoteKey(from))
	case from != to && n.indexOf(to) >= 0:
		return fmt.Errorf("the key %s is there already", quoteKey(to))
	}
	n.entries = slices.Clone(n.entries)
	n.entries[i].key = textNode(to)
	return nil
}

func (n *node) liftEntry(key string) error {
	i := n.indexOf(key)
	if i < 0 || n.entries[i].value.kind != Map {
		return errMap
	}
	lifted := n.entries[i].value.entries
	n.entries = slices.Delete(slices.Clone(n.entries), i, i+1)
	for _, e := range lifted {
		if n.indexOf(e.key.text) >= 0 {
			return fmt.Errorf("the key %s is there already", quoteKey(e.key.text))
		}
		n.entries = append(n.entries, e)
	}
	return nil
}

func textNode(s string) *node {
	n := &node{kind: String, text: s}
	if isExpression(s) {
		n.held = expression
	}
	return n
}

var errValue = errors.New("a value is nothing, a bool, an int, a finite float64, a string, a []any, a map[string]any or Pairs")

// newNode makes a tree of a Go value.
func newNode(value any) (*node, error) {
	switch v := value.(type) {
	case nil:
		return &node{kind: Null}, nil
	case bool:
		return &node{kind: Bool, text: strconv.FormatBool(v)}, nil
	case int:
		return &node{kind: Int, text: strconv.Itoa(v)}, nil
	case int64:
		return &node{kind: Int, text: strconv.FormatInt(v, 10)}, nil
	case float64:
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return nil, errValue
		}
		return &node{kind: Float, text: yamlOfFloat(v)}, nil
	case string:
		if !utf8.ValidString(v) {
			return nil, errors.New("a text that is not UTF-8")
		}
		return textNode(v), nil
	case []any:
		return newList(v)
	case map[string]any:
		return newMap(sortedPairs(v))
	case Pairs:
		return newMap(v)
	}
	return nil, errValue
}

func newList(items []any) (*node, error) {
	n := &node{kind: List}
	for _, item := range items {
		child, err := newNode(item)
		if err != nil {
			return nil, err
		}
		n.list = append(n.list, child)
	}
	return n, nil
}

func newMap(pairs Pairs) (*node, error) {
	n := &node{kind: Map}
	for _, p := range pairs {
		child, err := newNode(p.Value)
		if err != nil {
			return nil, err
		}
		n.entries = append(n.entries, entry{textNode(p.Key), child})
	}
	return n, nil
}

func sortedPairs(m map[string]any) Pairs {
	pairs := make(Pairs, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		pairs = append(pairs, Pair{key, m[key]})
	}
	return pairs
}

// same reports whether two trees mean the same; the order of keys means nothing.
func same(a, b *node) bool {
	if a == b {
		return true
	}
	if a.kind != b.kind || a.held != b.held {
		return false
	}
	switch a.kind {
	case List:
		return slices.EqualFunc(a.list, b.list, same)
	case Map:
		return sameEntries(a.entries, b.entries)
	}
	return sameScalar(a, b)
}

func sameEntries(a, b []entry) bool {
	if len(a) != len(b) {
		return false
	}
	at := make(map[string]entry, len(b))
	for _, e := range b {
		at[e.key.text] = e
	}
	for _, e := range a {
		other, ok := at[e.key.text]
		if !ok || e.key.kind != other.key.kind || !same(e.value, other.value) {
			return false
		}
	}
	return true
}

func sameScalar(a, b *node) bool {
	switch a.kind {
	case Null:
		return true
	case Bool:
		x, _ := yamlBool(a.text)
		y, _ := yamlBool(b.text)
		return x == y
	case Int:
		x, _ := bigInt(a.text)
		y, _ := bigInt(b.text)
		return x.Cmp(y) == 0
	case Float:
		x, _ := yamlFloat(a.text)
		y, _ := yamlFloat(b.text)
		return x == y || math.IsNaN(x) && math.IsNaN(y)
	}
	return a.text == b.text
}
