package schema

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pigsync/pigsync/inventory"
)

// expression is what stands for a value and is none yet: Jinja, or what a vault has locked. It has no
// description: editors would show that one instead of the parameter's.
func expression() Node {
	return Node{
		"type":    "string",
		"pattern": `\{\{|\{%|\{#|^\s*\$ANSIBLE_VAULT;`,
	}
}

// value is a schema of what Bind takes for the type, or of an expression that may become it.
func value(t inventory.Type) Node {
	if t.Shape == inventory.ShapeAny {
		return Node{}
	}
	forms := append(typed(t), ref("expression"))
	if t.Null {
		forms = append(forms, Node{"type": "null"})
	}
	return Node{"anyOf": forms}
}

func typed(t inventory.Type) []Node {
	switch t.Shape {
	case inventory.ShapeList:
		return []Node{sized(Node{"type": "array", "items": value(*t.Item)}, t, "minItems", "maxItems")}
	case inventory.ShapeMap:
		return []Node{mapping(t)}
	case inventory.ShapeObject:
		return []Node{object(t)}
	case inventory.ShapeBool:
		return []Node{{"type": "boolean"}, {"enum": []int{0, 1}}, {"type": "string", "pattern": `^(?:[Yy][Ee][Ss]|[Nn][Oo]|[Oo][Nn]|[Oo][Ff][Ff]|[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|[01])$`}}
	case inventory.ShapeInt, inventory.ShapeFloat:
		return number(t)
	case inventory.ShapeDuration:
		return duration(t)
	}
	return text(t)
}

func sized(n Node, t inventory.Type, least, most string) Node {
	if v, err := strconv.ParseFloat(t.Min, 64); err == nil {
		n[least] = v
	}
	if v, err := strconv.ParseFloat(t.Max, 64); err == nil {
		n[most] = v
	}
	return n
}

func mapping(t inventory.Type) Node {
	n := sized(Node{"type": "object", "additionalProperties": value(*t.Item)}, t, "minProperties", "maxProperties")
	if t.Keys == inventory.ShapeInt {
		n["propertyNames"] = Node{"pattern": `^[-+]?[0-9]+$`}
	}
	return n
}

func object(t inventory.Type) Node {
	properties := Node{}
	var required []string
	for _, f := range t.Fields {
		properties[f.Name] = field(f)
		if f.Required {
			required = append(required, f.Name)
		}
	}
	n := Node{"type": "object", "properties": properties}
	if !t.Open {
		n["additionalProperties"] = false
	}
	if required != nil {
		n["required"] = required
	}
	return n
}

// number is taken in quotes, too; what the quotes hold is not compared with the limits.
func number(t inventory.Type) []Node {
	n := Node{"type": "integer"}
	quoted := Node{"type": "string", "pattern": `^[-+]?[0-9]+$`}
	if t.Shape == inventory.ShapeFloat {
		n["type"], quoted["pattern"] = "number", `^[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?$`
	}
	if t.Kind == "port" {
		n["minimum"], n["maximum"] = 1, 65535
	}
	if len(t.Enum) > 0 {
		return []Node{words(t)}
	}
	return []Node{sized(n, t, "minimum", "maximum"), quoted}
}

// duration is text with units, or a number of seconds.
func duration(t inventory.Type) []Node {
	seconds := Node{"type": "number"}
	for limit, key := range map[string]string{t.Min: "minimum", t.Max: "maximum"} {
		if d, err := time.ParseDuration(limit); err == nil {
			seconds[key] = d.Seconds()
		}
	}
	return []Node{{"type": "string", "pattern": `^[-+]?(?:[0-9.]+ *[A-Za-z]* *)+$`}, seconds}
}

func text(t inventory.Type) []Node {
	switch {
	case len(t.Enum) > 0:
		return []Node{words(t)}
	case t.Kind == "path":
		return []Node{{"type": "string", "pattern": `^(?:/|$)`}}
	case t.Shape == inventory.ShapeAddress:
		return []Node{{"type": "string", "pattern": `^[0-9A-Fa-f.:]*(?:%[0-9A-Za-z._-]+)?$`}}
	case t.Shape == inventory.ShapeNetwork:
		return []Node{{"type": "string", "pattern": `^(?:[0-9A-Fa-f.:]+/[0-9]+)?$`}}
	case t.Pattern != "" && portable(t.Pattern):
		return []Node{{"type": "string", "pattern": "^(?:" + t.Pattern + ")$"}, {"type": "number"}}
	}
	return []Node{{"type": []string{"string", "number"}}}
}

// portable reports whether a pattern of Go means the same in the editors' regular expressions.
func portable(pattern string) bool {
	for _, own := range []string{"(?", "[:", `\A`, `\z`, `\p`, `\P`, `\Q`, `\C`, `\x{`} {
		if strings.Contains(strings.ReplaceAll(pattern, "(?:", ""), own) {
			return false
		}
	}
	return true
}

// words are the allowed ones, also where YAML reads one as a number or as true and false.
func words(t inventory.Type) Node {
	set := map[any]bool{}
	for _, w := range t.Enum {
		set[w] = true
		if i, err := strconv.Atoi(w); err == nil {
			set[i] = true
		}
		switch w {
		case "on", "yes", "true":
			set[true] = true
		case "off", "no", "false":
			set[false] = true
		}
	}
	return Node{"enum": sorted(set, t.Enum)}
}

// sorted puts the words in their own order and their other readings behind.
func sorted(set map[any]bool, enum []string) []any {
	var list []any
	for _, w := range enum {
		list = append(list, w)
		delete(set, w)
	}
	var numbers []int
	for v := range maps.Keys(set) {
		if i, ok := v.(int); ok {
			numbers = append(numbers, i)
		}
	}
	slices.Sort(numbers)
	for _, i := range numbers {
		list = append(list, i)
	}
	for _, b := range []bool{false, true} {
		if set[b] {
			list = append(list, b)
		}
	}
	return list
}
