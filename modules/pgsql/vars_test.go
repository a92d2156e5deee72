package pgsql_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules/pgsql"
)

// fields gathers the tags of a struct and of those embedded in it.
func fields(t reflect.Type, into map[string]reflect.StructField) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			fields(f.Type, into)
			continue
		}
		if name, ok := f.Tag.Lookup("var"); ok {
			into[name] = f
		}
	}
}

func TestEveryParameterIsThereWithItsDefault(t *testing.T) {
	mine := map[string]reflect.StructField{}
	fields(reflect.TypeFor[pgsql.Vars](), mine)
	extra := map[string]bool{"pg_pitr": true, "pgbouncer_redirect_to": true} // read, though Pigsty does not document them
	for _, p := range inventory.Parameters() {
		if p.Module != "PGSQL" || p.Status != "current" && !extra[p.Name] {
			continue
		}
		f, ok := mine[p.Name]
		if !ok {
			t.Errorf("%s is no field", p.Name)
			continue
		}
		delete(mine, p.Name)
		if got, want := ours(t, f), theirs(t, p); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the default is %v, want %v", p.Name, got, want)
		}
	}
	for name := range mine {
		t.Errorf("%s is no parameter of PGSQL", name)
	}
}

func theirs(t *testing.T, p inventory.Parameter) (v any) {
	if p.Default == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(p.Default), &v); err != nil {
		t.Fatal(p.Name, err)
	}
	return v
}

// ours is the default as JSON has it; a text that is YAML for something else is that.
func ours(t *testing.T, f reflect.StructField) (v any) {
	tag, ok := f.Tag.Lookup("default")
	if !ok {
		return nil
	}
	var raw any = tag
	if k := f.Type.Kind(); k != reflect.String && f.Type != reflect.TypeFor[inventory.Secret]() {
		if err := yaml.Unmarshal([]byte(tag), &raw); err != nil {
			t.Fatal(f.Name, err)
		}
	}
	text, err := json.Marshal(raw)
	if err != nil {
		t.Fatal(f.Name, err)
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(f.Name, err)
	}
	return v
}

// documented visits every struct that the parameters consist of.
func documented(t *testing.T, s reflect.Type, seen map[reflect.Type]bool) {
	for s.Kind() == reflect.Slice || s.Kind() == reflect.Map || s.Kind() == reflect.Pointer {
		s = s.Elem()
	}
	if s.Kind() != reflect.Struct || seen[s] {
		return
	}
	seen[s] = true
	for i := range s.NumField() {
		f := s.Field(i)
		name, tagged := f.Tag.Lookup("var")
		if doc := f.Tag.Get("doc"); tagged && name != "*" && (len(doc) < 15 || !strings.HasSuffix(doc, ".")) {
			t.Errorf("%s.%s: the doc %q is no sentence", s.Name(), f.Name, doc)
		}
		if tagged || f.Anonymous {
			documented(t, f.Type, seen)
		}
	}
}

func TestParametersAreDocumented(t *testing.T) {
	seen := map[reflect.Type]bool{}
	for _, v := range []any{pgsql.Vars{}, pgsql.Membership{}, pgsql.Schema{}, pgsql.Extension{}} {
		documented(t, reflect.TypeOf(v), seen)
	}
	if len(seen) < 20 {
		t.Error("only", len(seen), "structs were looked at")
	}
}
