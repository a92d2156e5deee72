package modtest

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pigsync/pigsync/inventory"
)

// Parameters checks that a struct of parameters knows every current parameter of a Pigsty module,
// with the default of the table, and that each of its fields is explained. Exceptions name the
// parameters that differ, and why.
func Parameters(t *testing.T, module string, vars any, exceptions map[string]string) {
	t.Helper()
	plain, given := reflect.New(reflect.TypeOf(vars)), reflect.New(reflect.TypeOf(vars))
	bindAll(t, plain.Interface(), "")
	bindAll(t, given.Interface(), defaultsOf(module))
	explained(t, reflect.TypeOf(vars))
	for _, p := range inventory.Parameters() {
		if p.Module != module || p.Status != "current" || exceptions[p.Name] != "" {
			continue
		}
		unset, found := fieldOf(plain.Elem(), p.Name)
		if !found {
			t.Errorf("%s: no field reads it", p.Name)
			continue
		}
		set, _ := fieldOf(given.Elem(), p.Name)
		if !same(unset, set) {
			t.Errorf("%s: the table's default is %s, ours is %+v", p.Name, p.Default, unset)
		}
	}
	for name := range exceptions {
		if p, known := inventory.NewKnown().Lookup(name); !known || p.Module != module {
			t.Errorf("%s is no parameter of %s: there is no need of an exception", name, module)
		}
	}
}

// defaultsOf writes the defaults of the table into an inventory. JSON is YAML.
func defaultsOf(module string) string {
	var b strings.Builder
	for _, p := range inventory.Parameters() {
		if p.Module == module && p.Status == "current" && p.Default != "" && p.Default != `"@os"` {
			fmt.Fprintf(&b, "    %s: %s\n", p.Name, p.Default)
		}
	}
	return b.String()
}

func bindAll(t *testing.T, into any, vars string) {
	t.Helper()
	text := "all:\n  hosts: { 10.0.0.1: {} }\n  vars:\n" + vars
	inv, problems, err := inventory.Load(fstest.MapFS{"pigsty.yml": {Data: []byte(text)}}, "pigsty.yml")
	if err != nil || inventory.HasErrors(problems) {
		t.Fatal(problems, err)
	}
	for _, p := range inventory.Bind(inv.Host("10.0.0.1"), into).Problems {
		if p.Code != inventory.CodeRequired {
			t.Errorf("%s %s", p.Code, p.Msg)
		}
	}
}

// fieldOf finds the field that reads a parameter.
func fieldOf(v reflect.Value, name string) (reflect.Value, bool) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Tag.Get("var") == name {
			return v.Field(i), true
		}
		if f.Anonymous && f.Type.Kind() == reflect.Struct {
			if found, ok := fieldOf(v.Field(i), name); ok {
				return found, true
			}
		}
	}
	return reflect.Value{}, false
}

// same compares what two fields hold; of a value that was left as it is, what it says.
func same(a, b reflect.Value) bool {
	x, raw := a.Interface().(inventory.Value)
	if y, ok := b.Interface().(inventory.Value); raw && ok {
		return reflect.DeepEqual(x.Any(), y.Any())
	}
	if secret, ok := a.Interface().(inventory.Secret); ok {
		return secret.Equal(b.Interface().(inventory.Secret))
	}
	if a.Kind() == reflect.Slice || a.Kind() == reflect.Map {
		return a.Len() == 0 && b.Len() == 0 || reflect.DeepEqual(a.Interface(), b.Interface())
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

// explained wants a sentence for every parameter, and for every key of the objects in them.
func explained(t *testing.T, typ reflect.Type) {
	t.Helper()
	for typ.Kind() == reflect.Slice || typ.Kind() == reflect.Map || typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || !strings.Contains(typ.PkgPath(), "/modules/") {
		return
	}
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, tagged := f.Tag.Lookup("var")
		doc := f.Tag.Get("doc")
		if tagged && name != "*" && (!strings.HasSuffix(doc, ".") || len(doc) < 8) {
			t.Errorf("%s.%s: doc must be a sentence, is %q", typ, f.Name, doc)
		}
		if tagged || f.Anonymous {
			explained(t, f.Type)
		}
	}
}
