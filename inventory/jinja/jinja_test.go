package jinja_test

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pigsync/pigsync/inventory/jinja"
)

// What a template must not do is an error that says so, whatever it is given to do it with.
func TestRefused(t *testing.T) {
	for text, want := range map[string]string{
		"{{ n | random }}":                           "the filter random is not available here: the same inventory must always mean the same",
		"{{ s | password_hash('sha512') }}":          "the filter password_hash is not available here",
		"{{ now() }}":                                "the function now is not available here: an inventory must not mean something else tomorrow",
		"{{ '/etc/*' | fileglob }}":                  "an expression may not look at the machine",
		"{{ '10.0.0.0/8' | ipaddr }}":                "the filter ipaddr is not available here: it is not part of ansible-core",
		"{{ n | ansible.utils.ipaddr }}":             "is not available here",
		"{{ n | deflt(1) }}":                         "there is no filter deflt",
		"{{ n | upprcase }}":                         "there is no filter upprcase",
		"{{ n is define }}":                          "there is no test define: did you mean defined?",
		"{{ lookpu('env', 'X') }}":                   "there is no function lookpu: did you mean lookup?",
		"{{ names | map('uper') }}":                  "there is no filter uper: did you mean upper?",
		"{{ names | select('nope') }}":               "there is no test nope",
		"{{ l.append(4) }}":                          "the method append is not available here",
		"{{ s.__class__ }}":                          "is undefined",
		"{{ s.__class__() }}":                        "the method __class__ is not available here",
		"{{ lookup('pipe', 'id') }}":                 "this lookup is not available here: only env and file are",
		"{{ lookup('env', 'HOME') }}":                "the configuration allows no environment variable here",
		"{{ lookup('file', '/etc/passwd') }}":        "the configuration allows no file here",
		"{{ q('file', '/etc/passwd') }}":             "the configuration allows no file here",
		"{% include '/etc/passwd' %}":                "{% include %} is not available here: only if, for, set and raw are",
		"{% import 'x' as y %}":                      "{% import %} is not available here",
		"{% extends 'x' %}":                          "{% extends %} is not available here",
		"{% macro m() %}{% endmacro %}":              "{% macro %} is not available here",
		"{% for x in l recursive %}{% endfor %}":     "recursive loops are not available here",
		"{% for x in l %}":                           "{% for %} is never ended",
		"{% if n %}{% endfor %}":                     "{% endfor %} ends nothing",
		"{% if n %}{% else %}{% else %}{% endif %}":  "{% else %} stands behind {% else %}",
		"{% endif %}":                                "{% endif %} ends nothing",
		"{% else %}":                                 "stands outside of any if",
		"{{ n":                                       "}} is missing",
		"{{ n }":                                     "} closes nothing",
		"{% if n":                                    "%} is missing",
		"{# n":                                       "{# is never closed",
		"{% raw %}":                                  "{% raw %} is never ended",
		"{{ 'a\\'b' }}":                              "use the other kind of quotation mark",
		"{{ n + }}":                                  "unexpected end",
		"{{ n n }}":                                  "unexpected n",
		"{{ f(n=1, 2) }}":                            "there is no function f",
		"{{ s | replace(old='a', 'b') }}":            "an argument without a name stands behind one with a name",
		"{{ s | replace(a='a', a='b') }}":            "the argument a is given twice",
		"{{ s | join(*l) }}":                         "arguments with * are not available here",
		"{{ s | regex_replace('(?=x)', '') }}":       "uses what is not available here, such as looking ahead or back",
		"{{ hostvars }}":                             "hostvars is undefined",
		"{{ many }}":                                 "can only be asked for a part of them",
		"{{ range }}":                                "range is a function: it wants round brackets",
		"{{ n / 0 }}":                                "division by zero",
		"{{ 9223372036854775807 + 1 }}":              "the result is too large",
		"{{ n + s }}":                                "+ does not go between a whole number and text",
		"{{ d.keys }}":                               "keys is a method of every mapping",
		"{{ users | map(attribute='tags') | list }}": "tags is undefined: a mapping has no such part",
		"{{ s | upper(1) }}":                         "the filter upper takes at most 0 arguments",
		"{{ s | upper(x=1) }}":                       "the filter upper has no argument x",
		"{{ s | replace('a') }}":                     "the filter replace wants the argument new",
		"{{ missing }}":                              "missing is undefined",
		"{{ missing | mandatory('set it') }}":        "set it",
		strings.Repeat("(", 10) + "{{ " + nest(100) + " }}": "brackets are nested deeper than",
		"{{ " + strings.Repeat("not ", 500) + "n }}":        "nested deeper than",
		"{{ " + strings.Repeat("- ", 500) + "n }}":          "nested deeper than",
		strings.Repeat("{% if n %}", 100):                   "blocks are nested deeper than",
		"{{ " + strings.Repeat("n + ", 9000) + "n }}":       "more than 4000 words between brackets",
		"{{ " + strings.Repeat("n", 70000) + " }}":          "at most 65536",
	} {
		_, err := evaluate(t, withMapping(world(t)), text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: got %v, want %s", text, err, want)
		}
	}
}

func nest(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

// What costs too much ends, and soon.
func TestBounded(t *testing.T) {
	for _, text := range []string{
		"{{ range(10**9) | list }}",
		"{{ range(0, 10**15, 10**14) | map('string') | join('x' * 200000) }}",
		"{{ 'a' * 10**12 }}",
		"{{ [0] * 10**12 }}",
		"{{ 'aaaaaaaaaa' * 9223372036854775807 }}",
		"{{ '%999999999s' | format('x') }}",
		"{{ 'x'.ljust(10**9) }}",
		"{{ 'x' | center(10**9) }}",
		"{{ 'x' | indent(10**9) }}",
		"{{ ('a' * 100000) | replace('a', 'b' * 100000) }}",
		"{{ ('a' * 100000) | replace('', 'b' * 100000) }}",
		"{{ ('a' * 200000) | regex_replace('', 'bbbbbbbbbb') }}",
		"{% for a in range(20000) %}{% for b in range(20000) %}{% for c in range(20000) %}{% endfor %}{% endfor %}{% endfor %}",
		"{% for a in range(20000) %}{{ 'x' * 1000 }}{% endfor %}",
		"{% set a = 'x' * 200000 %}{{ a }}{{ a }}",
		"{% for a in range(9999) %}{% set b %}{{ 'x' * 99999 }}{% endset %}{% endfor %}",
		"{{ range(20000) | map('regex_replace', '(a|b|c)*d', 'x' * 1000) | list }}",
		"{{ range(20000) | map('combine', {}) | list }}",
	} {
		_, err := evaluate(t, world(t), text)
		var e *jinja.Error
		if !errors.As(err, &e) || !e.Limit && !strings.Contains(text, "%999") && !strings.Contains(text, "combine") && !strings.Contains(text, "indent") {
			t.Errorf("%s: got %v, want a limit", text, err)
		}
	}
}

// An error never quotes what an expression computes with.
func TestErrorsQuoteNothing(t *testing.T) {
	const canary = "c4nary-9d1"
	w := jinja.World{
		Variable: func(name string) (jinja.Variable, bool, error) {
			return jinja.Variable{Value: canary, Plain: true, Secret: true}, name == "secret", nil
		},
		Env: func(string) (string, bool) { return canary, true },
	}
	for _, v := range []string{"secret", "lookup('env', 'X')"} {
		for _, use := range []string{
			"%s + 1", "%s | int + [1]", "%s | from_json", "%s | b64decode", "d[%s]", "{}[%s]", "[][%s]", "%s | dict2items", "%s.x.y", "-(%s)",
			"%s | format(1)", "'x' | hash(%s)", "'x' | regex_replace('(' ~ %s, '')", "'x' is version('1', %s)", "[%s, 1] | sort", "[1] | map(%s)",
			"[1] | select(%s)", "lookup(%s, 'x')", "lookup('file', %s)", "'{' ~ %s | format", "'a'.format(%s)", "%s | root", "%s < 1", "range(%s)",
			"1 in %s", "%s | combine({})", "{} | combine(%s)", "{'a': 1} | items2dict(%s)", "%s | mandatory is nope2", "[] | first ~ %s", "%s | round",
		} {
			text := "{{ " + strings.ReplaceAll(use, "%s", "("+v+")") + " }}"
			result, err := tryEval(text, w)
			if err != nil && strings.Contains(err.Error(), canary) {
				t.Errorf("%s: %v", text, err)
			}
			if err == nil && !result.Secret {
				t.Errorf("%s: is no secret", text)
			}
		}
	}
}

func tryEval(text string, w jinja.World) (jinja.Result, error) {
	tpl, err := jinja.Parse(text)
	if err != nil {
		return jinja.Result{}, err
	}
	return tpl.Eval(w)
}

func TestLookups(t *testing.T) {
	w := jinja.World{
		Env: func(name string) (string, bool) { return "value of " + name, name != "UNSET" },
		File: func(name string) ([]byte, error) {
			if name != "key.pem" {
				return nil, fs.ErrPermission
			}
			return []byte("  key\n\n"), nil
		},
	}
	for text, want := range map[string]string{
		"{{ lookup('env', 'A') }}":                               `"value of A"`,
		"{{ lookup('ansible.builtin.env', 'A', 'B') }}":          `"value of A,value of B"`,
		"{{ query('env', 'A', 'B') }}":                           `["value of A","value of B"]`,
		"{{ lookup('env', 'UNSET') }}":                           `""`,
		"{{ lookup('env', 'UNSET', default='x') }}":              `"x"`,
		"{{ lookup('env', 'UNSET') | default('x', true) }}":      `"x"`,
		"{{ lookup('file', 'key.pem') }}":                        `"  key"`,
		"{{ lookup('file', 'key.pem', lstrip=true) }}":           `"key"`,
		"{{ lookup('file', 'key.pem', rstrip=false) | length }}": `"7"`,
		"{{ lookup('env', 'A', wantlist=true) }}":                `["value of A"]`,
	} {
		result, err := tryEval(text, w)
		if got := show(result.Value); err != nil || got != want || !result.Secret {
			t.Errorf("%s: got %s, %v (secret: %v), want %s", text, got, err, result.Secret, want)
		}
	}
	if _, err := tryEval("{{ lookup('file', 'other') }}", w); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("a file that is not allowed: %v", err)
	}
}

func TestNames(t *testing.T) {
	tpl, err := jinja.Parse("{% for x in l %}{{ x ~ n.m[k] | default(o) }}{% endfor %}{{ true }}")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tpl.Names(), []string{"k", "l", "n", "o", "x"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// An error of a variable comes back whole, and default takes it only when it says so.
func TestErrorsOfVariables(t *testing.T) {
	broken := &jinja.Error{Msg: "a is broken"}
	w := jinja.World{Variable: func(name string) (jinja.Variable, bool, error) {
		if name == "gone" {
			return jinja.Variable{}, true, &jinja.Error{Msg: "b is undefined", Undefined: true}
		}
		return jinja.Variable{}, true, broken
	}}
	if _, err := tryEval("{{ a | default(1) }}", w); !errors.Is(err, broken) {
		t.Errorf("got %v, want the error of the variable", err)
	}
	result, err := tryEval("{{ gone.x | default('d') }}", w)
	if err != nil || result.Value != "d" {
		t.Errorf("got %v, %v, want the default", result.Value, err)
	}
	if _, err := tryEval("{{ gone }}", w); err == nil || err.Error() != "b is undefined" {
		t.Errorf("got %v, want why it is undefined", err)
	}
}

func TestManyAtOnce(t *testing.T) {
	tpl, err := jinja.Parse("{% for u in users | sort(attribute='name') %}{{ u.name | upper }}{% set x = loop.index %}{{ x }} {% endfor %}")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if r, err := tpl.Eval(world(t)); err != nil || r.Value != "ADAM1 BOB2 ZOE3 " {
					t.Errorf("got %v, %v", r.Value, err)
				}
			}
		})
	}
	wg.Wait()
}

// mapping is a Mapping with one key.
type mapping struct{}

func (mapping) Get(key string) (jinja.Variable, bool, error) {
	return jinja.Variable{Value: int64(1), Plain: true}, key == "one", nil
}
func (mapping) Keys() []string { return []string{"one"} }

func withMapping(w jinja.World) jinja.World {
	inner := w.Variable
	w.Variable = func(name string) (jinja.Variable, bool, error) {
		if name == "many" {
			return jinja.Variable{Value: mapping{}, Plain: true}, true, nil
		}
		return inner(name)
	}
	return w
}

func TestMapping(t *testing.T) {
	for text, want := range map[string]string{
		"{{ many.one }}": `"1"`, "{{ many['one'] }}": `"1"`, "{{ many.two | default('d') }}": `"d"`,
		"{{ many.get('two', 2) }}": `"2"`, "{{ 'one' in many }}": `true`, "{{ many | list }}": `["one"]`,
		"{{ many | length }}": `"1"`, "{% for k in many %}{{ k }}{% endfor %}": `"one"`,
		"{{ ['one', 'one'] | map('extract', many) | sum }}": `"2"`,
	} {
		v, err := evaluate(t, withMapping(world(t)), text)
		if got := show(v); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", text, got, err, want)
		}
	}
}
