package inventory

import (
	"math"
	"strconv"
	"strings"

	"github.com/pigsync/pigsync/inventory/jinja"
)

// toValue turns a tree into the value that expressions compute with.
func toValue(n *node) any {
	switch n.kind {
	case List:
		list := make([]any, len(n.list))
		for i, item := range n.list {
			list[i] = toValue(item)
		}
		return list
	case Map:
		d := make(jinja.Dict, len(n.entries))
		for i, e := range n.entries {
			d[i] = jinja.Pair{Key: toValue(e.key), Value: toValue(e.value)}
		}
		return d
	}
	return scalar(n)
}

// fromValue makes the tree of a result. Every part of it stands where the expression stands.
func fromValue(at *node, v any, secret bool) *node {
	n := &node{src: at.src, line: at.line, col: at.col, secret: secret, form: unsafe}
	switch v := v.(type) {
	case bool:
		n.kind, n.text = Bool, strconv.FormatBool(v)
	case int64:
		n.kind, n.text = Int, strconv.FormatInt(v, 10)
	case float64:
		n.kind, n.text = Float, yamlOfFloat(v)
	case string:
		n.kind, n.text = String, v
	case []any:
		n.kind = List
		for _, item := range v {
			n.list = append(n.list, fromValue(at, item, secret))
		}
	case jinja.Dict:
		n.kind = Map
		for _, p := range v {
			key := fromValue(at, p.Key, false)
			n.entries = append(n.entries, entry{key, fromValue(at, p.Value, secret || SecretName(key.text))})
		}
	}
	return n
}

// yamlOfFloat writes a number as YAML 1.1 reads it: with a point, and a sign in the exponent; without
// them it reads an integer or a text.
func yamlOfFloat(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return ".inf"
	case math.IsInf(f, -1):
		return "-.inf"
	case math.IsNaN(f):
		return ".nan"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
		if !strings.Contains(mantissa, ".") {
			mantissa += ".0"
		}
		return mantissa + "e" + exponent
	}
	return jinja.FormatFloat(f)
}

// anySecret reports whether there is a secret in the tree.
func (n *node) anySecret() bool {
	if n.secret {
		return true
	}
	for _, item := range n.list {
		if item.anySecret() {
			return true
		}
	}
	for _, e := range n.entries {
		if e.value.anySecret() {
			return true
		}
	}
	return false
}

// weight is about how much memory a tree takes, in some unit.
func weight(n *node) int {
	sum := 4 + len(n.text)/16
	for _, item := range n.list {
		sum += weight(item)
	}
	for _, e := range n.entries {
		sum += weight(e.key) + weight(e.value)
	}
	return sum
}
