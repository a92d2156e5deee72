package manual

import (
	"encoding/json"
	"strings"

	"github.com/pigsync/pigsync/inventory"
)

// bySystem is the default of what depends on the system of the host.
const bySystem = `"@os"`

func fromTable(row inventory.Parameter) Parameter {
	p := Parameter{
		Field:  inventory.Field{Name: row.Name, Type: typeOf(row)},
		Module: row.Module, Level: row.Level, Legacy: row.Legacy(),
	}
	if _, instead, ok := strings.Cut(row.Status, ":"); ok && row.Legacy() {
		p.Instead = instead
	}
	switch row.Default {
	case "":
	case bySystem:
		p.Given, p.Text = true, "(depends on the system)"
	default:
		p.Given, p.Text = true, row.Default
		if err := json.Unmarshal([]byte(row.Default), &p.Default); err == nil {
			p.Text = plain(p.Default, row.Default)
		}
	}
	return p
}

// plain is a default as one writes it: texts without their quotes.
func plain(value any, written string) string {
	if text, ok := value.(string); ok {
		return text
	}
	return written
}

// typeOf reads the type of the table. It is kind: a word whose choices are not known, and whatever
// has no type, may be anything.
func typeOf(row inventory.Parameter) inventory.Type {
	text := inventory.Type{Shape: inventory.ShapeText, Null: true}
	whatever := inventory.Type{Shape: inventory.ShapeAny, Null: true}
	if row.Secret() {
		return inventory.Type{Shape: inventory.ShapeSecret, Null: true}
	}
	switch row.Type {
	case "bool":
		return inventory.Type{Shape: inventory.ShapeBool}
	case "int":
		return inventory.Type{Shape: inventory.ShapeInt}
	case "float":
		return inventory.Type{Shape: inventory.ShapeFloat}
	case "port":
		return inventory.Type{Shape: inventory.ShapeInt, Kind: "port"}
	case "path":
		return inventory.Type{Shape: inventory.ShapeText, Kind: "path", Null: true}
	case "string", "arg", "username", "url", "pgurl", "size", "ip", "cidr4":
		return text
	case "string[]":
		return inventory.Type{Shape: inventory.ShapeList, Null: true, Item: &text}
	case "dict":
		return inventory.Type{Shape: inventory.ShapeMap, Keys: inventory.ShapeText, Null: true, Item: &whatever}
	}
	if strings.HasSuffix(row.Type, "[]") {
		return inventory.Type{Shape: inventory.ShapeList, Null: true, Item: &whatever}
	}
	return whatever
}
