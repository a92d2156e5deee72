package jinja_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/inventory/jinja"
)

// variables are what the expressions of these tests refer to, as YAML writes them.
var variables = map[string]any{
	"n": int64(5), "f": 2.5, "t": true, "no": false, "nil": nil, "s": "pg-meta", "empty": "",
	"digits": "12", "yes": "yes", "listish": "[1, 2]", "quoted": `it's "x"`, "uni": "größe", "lines": "a\nb\n",
	"l": []any{int64(3), int64(1), int64(2)}, "names": []any{"b", "a", "B", "a"}, "none": []any{},
	"nested": []any{int64(1), []any{int64(2), []any{int64(3)}}, nil},
	"d":      jinja.Dict{{"host", "10.0.0.1"}, {"on", true}, {"port", int64(5432)}},
	"deep":   jinja.Dict{{"a", jinja.Dict{{"b", []any{"x", "y"}}}}, {"l", []any{int64(1)}}},
	"users": []any{
		jinja.Dict{{"name", "zoe"}, {"age", int64(3)}, {"tags", []any{"a"}}},
		jinja.Dict{{"name", "adam"}, {"age", int64(7)}, {"super", true}},
		jinja.Dict{{"name", "Bob"}, {"age", int64(3)}},
	},
	"ref": "{{ n }}", "refs": "{{ ref }}", "reflist": "{{ l }}",
	"bad": "{{ missing }}", "tpl": []any{"{{ n }}", "x{{ s }}"},
}

// world evaluates the variables that are expressions too.
func world(t testing.TB) jinja.World {
	w := jinja.World{YAML: inventory.ReadYAML}
	w.Variable = func(name string) (jinja.Variable, bool, error) {
		v, ok := variables[name]
		if !ok {
			return jinja.Variable{}, false, nil
		}
		plain, err := evaluated(t, w, v)
		_, expression := v.(string)
		return jinja.Variable{Value: plain, Plain: !expression}, true, err
	}
	return w
}

func evaluated(t testing.TB, w jinja.World, v any) (any, error) {
	switch v := v.(type) {
	case string:
		return evaluate(t, w, v)
	case []any:
		list := make([]any, len(v))
		for i := range v {
			var err error
			if list[i], err = evaluated(t, w, v[i]); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	return v, nil
}

func evaluate(t testing.TB, w jinja.World, text string) (any, error) {
	t.Helper()
	tpl, err := jinja.Parse(text)
	if err != nil {
		return nil, err
	}
	result, err := tpl.Eval(w)
	return result.Value, err
}

// show prints a value as JSON.
func show(v any) string {
	b, err := json.Marshal(toJSON(v))
	if err != nil {
		return fmt.Sprint(err)
	}
	return string(b)
}

func toJSON(v any) any {
	switch v := v.(type) {
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = toJSON(v[i])
		}
		return list
	case jinja.Dict:
		m := map[string]any{}
		for _, p := range v {
			m[fmt.Sprint(p.Key)] = toJSON(p.Value)
		}
		return m
	}
	return v
}

func plainVariables() map[string]any {
	plain := map[string]any{}
	for name, v := range variables {
		plain[name] = toJSON(v)
	}
	return plain
}
