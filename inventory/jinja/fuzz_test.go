package jinja_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pigsync/pigsync/inventory/jinja"
)

// Whatever a template says, it ends with a value or an error, within bounds, twice the same; it
// reaches nothing but its world, and no error quotes what is in there.
func FuzzEval(f *testing.F) {
	for _, text := range expressions {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		const canary = "c4nary-9d1"
		w := withMapping(world(t))
		inner := w.Variable
		w.Variable = func(name string) (jinja.Variable, bool, error) {
			if name == "secret" {
				return jinja.Variable{Value: canary, Plain: true, Secret: true}, true, nil
			}
			return inner(name)
		}
		tpl, err := jinja.Parse(text)
		if err != nil {
			check(t, err, canary)
			return
		}
		first, err := tpl.Eval(w)
		if err != nil {
			check(t, err, canary)
		}
		if again, err2 := tpl.Eval(w); (err == nil) != (err2 == nil) || show(first.Value) != show(again.Value) {
			t.Errorf("%q: first %v, %v, then %v, %v", text, first.Value, err, again.Value, err2)
		}
		if s, ok := first.Value.(string); ok && len(s) > 1<<20 {
			t.Errorf("%q: %d bytes", text, len(s))
		}
	})
}

func check(t *testing.T, err error, canary string) {
	t.Helper()
	var e *jinja.Error
	if !errors.As(err, &e) || e.Msg == "" {
		t.Errorf("an error of another kind: %v", err)
	}
	if strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), "foreseen") {
		t.Errorf("%v", err)
	}
}
