package pgsql

import (
	"encoding/json"
	"fmt"
	"strings"
)

// tree is a mapping of YAML whose keys stand in the order in which they were put.
type tree []branch

// branch is a key and what stands there: a tree, a list of texts or of options, a text, a number or a truth
// value. Nothing is written for nil.
type branch struct {
	key   string
	value any
}

// options is a list with one key in each entry, alone or with a value.
type options []branch

// String writes the tree as YAML. Scalars are written as JSON has them, which YAML reads alike.
func (t tree) String() string {
	var b strings.Builder
	t.write(&b, "")
	return b.String()
}

func (t tree) write(b *strings.Builder, indent string) {
	for _, e := range t {
		switch v := e.value.(type) {
		case nil:
			continue
		case tree:
			fmt.Fprintf(b, "%s%s:\n", indent, e.key)
			v.write(b, indent+"  ")
		case options:
			fmt.Fprintf(b, "%s%s:\n", indent, e.key)
			for _, o := range v {
				if o.value == nil {
					fmt.Fprintf(b, "%s  - %s\n", indent, o.key)
					continue
				}
				fmt.Fprintf(b, "%s  - %s: %s\n", indent, o.key, scalar(o.value))
			}
		case []string:
			fmt.Fprintf(b, "%s%s:\n", indent, e.key)
			for _, item := range v {
				fmt.Fprintf(b, "%s  - %s\n", indent, scalar(item))
			}
		default:
			fmt.Fprintf(b, "%s%s: %s\n", indent, e.key, scalar(v))
		}
	}
}

func scalar(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // every value is a text, a number or a truth value
	}
	return strings.TrimSuffix(b.String(), "\n")
}
