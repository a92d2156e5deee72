package schema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules/manual"
)

// Node is a schema, or a part of one.
type Node = map[string]any

// Of returns the schema of an inventory.
func Of(m *manual.Manual) Node {
	return Node{
		"$schema":              "https://json-schema.org/draft/2020-12/schema",
		"description":          "An Ansible inventory with the parameters of Pigsty, as pigsync reads it.",
		"type":                 "object",
		"properties":           Node{"all": ref("group")},
		"additionalProperties": ref("group"),
		"$defs": Node{
			"group":      group(),
			"vars":       vars(m),
			"expression": expression(),
		},
	}
}

func ref(name string) Node { return Node{"$ref": "#/$defs/" + name} }

func group() Node {
	return Node{
		"description": "Hosts, the variables they share, and the groups below.",
		"type":        []string{"object", "null"},
		"properties": Node{
			"hosts":    hosts(),
			"vars":     described(ref("vars"), "Variables of every host of the group."),
			"children": described(named(ref("group")), "Groups whose hosts are hosts of this one, too."),
		},
		"additionalProperties": false,
	}
}

// hosts are named by address, or by a range of addresses in brackets.
func hosts() Node {
	n := described(named(ref("vars")), "Hosts by address, each with variables of its own.")
	n["propertyNames"] = Node{"pattern": `^[0-9A-Fa-f.:\[\]]+$`}
	return n
}

// named is a mapping, or one name by itself.
func named(each Node) Node {
	return Node{"type": []string{"object", "string", "null"}, "additionalProperties": each}
}

func described(n Node, text string) Node {
	n["description"] = text
	return n
}

func vars(m *manual.Manual) Node {
	properties := Node{"ansible_group_priority": described(value(inventory.Type{Shape: inventory.ShapeInt}),
		"Which of several groups of a host wins: the largest; 1 for groups without it.")}
	for _, p := range m.All() {
		properties[p.Name] = parameter(p)
	}
	return Node{"type": []string{"object", "null"}, "properties": properties}
}

func parameter(p manual.Parameter) Node {
	if p.Legacy {
		return legacy(p)
	}
	n := field(p.Field)
	facts := strings.Join(nonEmpty(p.Module, p.Levels()), ", ")
	return described(n, strings.Join(nonEmpty(p.Doc, parens(facts)), " "))
}

func legacy(p manual.Parameter) Node {
	text := fmt.Sprintf("Of an earlier release. Instead: %s.", p.Hint())
	return Node{"description": text, "deprecated": true, "deprecationMessage": text}
}

func nonEmpty(texts ...string) (kept []string) {
	for _, t := range texts {
		if t != "" {
			kept = append(kept, t)
		}
	}
	return kept
}

func parens(text string) string {
	if text == "" {
		return ""
	}
	return "(" + text + ")"
}

func field(f inventory.Field) Node {
	n := value(f.Type)
	if f.Doc != "" {
		n["description"] = f.Doc
	}
	if f.Default != nil && !holdsSecret(f.Type) && !namesSecret(f.Default) {
		n["default"] = f.Default
	}
	return n
}

// holdsSecret reports whether there is a secret anywhere in the type.
func holdsSecret(t inventory.Type) bool {
	if t.Shape == inventory.ShapeSecret || t.Item != nil && holdsSecret(*t.Item) {
		return true
	}
	for _, f := range t.Fields {
		if holdsSecret(f.Type) {
			return true
		}
	}
	return false
}

// namesSecret reports whether a key somewhere in the value sounds like that of a secret: what only
// the table knows has no types inside.
func namesSecret(value any) bool {
	switch v := value.(type) {
	case []any:
		return slices.ContainsFunc(v, namesSecret)
	case map[string]any:
		for key, inner := range v {
			if soundsSecret(key) || namesSecret(inner) {
				return true
			}
		}
	}
	return false
}

func soundsSecret(key string) bool {
	return strings.Contains(key, "pass") || strings.Contains(key, "secret")
}
