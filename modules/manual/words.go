package manual

import (
	"slices"
	"strings"

	"github.com/pigsync/pigsync/inventory"
)

// Kind says in words what a value may be.
func Kind(t inventory.Type) string {
	switch t.Shape {
	case inventory.ShapeList:
		return "list of " + Kind(*t.Item) + length(t)
	case inventory.ShapeMap:
		return "mapping of " + keys(t) + " to " + Kind(*t.Item) + length(t)
	case inventory.ShapeObject:
		return "object"
	case inventory.ShapeAny:
		return "anything"
	}
	return scalar(t)
}

func keys(t inventory.Type) string {
	if t.Keys == inventory.ShapeInt {
		return "number"
	}
	return "text"
}

func length(t inventory.Type) string {
	if span := span(t); span != "" {
		return ", length " + span
	}
	return ""
}

func scalar(t inventory.Type) string {
	switch {
	case t.Kind == "port":
		return "port"
	case t.Kind == "path":
		return "absolute path"
	case len(t.Enum) > 0:
		return "one of " + strings.Join(t.Enum, ", ")
	case t.Pattern != "":
		return "text matching " + t.Pattern
	}
	words := map[inventory.Shape]string{
		inventory.ShapeText: "text", inventory.ShapeBool: "true or false", inventory.ShapeInt: "whole number",
		inventory.ShapeFloat: "number", inventory.ShapeDuration: "duration", inventory.ShapeAddress: "IP address",
		inventory.ShapeNetwork: "network", inventory.ShapeSecret: "secret",
	}[t.Shape]
	if span := span(t); span != "" {
		return words + ", " + span
	}
	return words
}

func span(t inventory.Type) string {
	switch {
	case t.Min != "" && t.Max != "":
		return t.Min + ".." + t.Max
	case t.Min != "":
		return "at least " + t.Min
	case t.Max != "":
		return "at most " + t.Max
	}
	return ""
}

// Kind says in words what the parameter may be, with its unit.
func (p Parameter) Kind() string { return fieldKind(p.Field) }

func fieldKind(f inventory.Field) string {
	if f.Unit != "" {
		return Kind(f.Type) + ", " + f.Unit
	}
	return Kind(f.Type)
}

// Initial is the default as one writes it, "" for none, and ” for the empty text.
func (p Parameter) Initial() string { return initial(p.Field) }

func initial(f inventory.Field) string {
	switch {
	case !f.Given:
		return ""
	case f.Text == "":
		return "''"
	}
	return f.Text
}

// Secret reports whether values of the parameter are masked.
func (p Parameter) Secret() bool { return p.Type.Shape == inventory.ShapeSecret }

var levels = map[string]string{"G": "global", "C": "cluster", "I": "instance", "A": "argument"}

// Levels says where the parameter is usually set: global, cluster, instance, argument.
func (p Parameter) Levels() string {
	var words []string
	for part := range strings.SplitSeq(p.Level, "/") {
		if word, ok := levels[part]; ok {
			words = append(words, word)
		}
	}
	return strings.Join(words, ", ")
}

// Hint says what to write instead of a legacy parameter.
func (p Parameter) Hint() string {
	group, isGroup := strings.CutPrefix(p.Instead, "group:")
	switch {
	case !p.Legacy:
		return ""
	case p.Instead == "":
		return "nothing"
	case isGroup:
		return "the group " + group
	}
	return p.Instead
}

// Key is one key of the objects a parameter is made of.
type Key struct {
	inventory.Field
	Path string // [].name in a list of objects, .name in an object, .*.name in a mapping of objects
}

// Kind says in words what the value of the key may be.
func (k Key) Kind() string { return fieldKind(k.Field) }

// Initial is the default as one writes it.
func (k Key) Initial() string { return initial(k.Field) }

// Keys lists the keys of the parameter's objects, and of the objects in them.
func (p Parameter) Keys() []Key { return keysOf(p.Type, "") }

func keysOf(t inventory.Type, path string) (found []Key) {
	switch t.Shape {
	case inventory.ShapeList:
		return keysOf(*t.Item, path+"[]")
	case inventory.ShapeMap:
		return keysOf(*t.Item, path+".*")
	}
	for _, f := range t.Fields {
		here := path + "." + f.Name
		found = slices.Concat(found, []Key{{f, here}}, keysOf(f.Type, here))
	}
	return found
}
