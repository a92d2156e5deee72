package jinja_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// expressions are compared with Ansible one by one: the value, with its type, or that there is none.
var expressions = strings.Split(strings.TrimSpace(`
{{ n }}
{{n}}
{{ f }}
{{ t }}
{{ nil }}
{{ s }}
{{ ref }}
{{ refs }}
{{ reflist }}
{{ tpl }}
{{ bad }}
{{ bad | default('x') }}
{{ missing }}
{{ missing.a.b | default(3) }}
{{ missing is defined }}
{{ bad is defined }}
{{ d.missing is undefined }}
{{ d.missing }}
{{ missing | default }}
{{ empty | default('x') }}
{{ empty | default('x', true) }}
{{ no | default('x', boolean=true) }}
{{ n + 1 }}
{{ n / 2 }}
{{ n // 2 }}
{{ -n // 2 }}
{{ n % 3 }}
{{ -n % 3 }}
{{ -7 % -3 }}
{{ 7.5 % 2 }}
{{ 2 ** 10 }}
{{ 2 ** -1 }}
{{ 1 / 0 }}
{{ n * 'ab' }}
{{ [0] * 3 }}
{{ n ~ s }}
{{ n + s }}
{{ 'a' 'b' }}
{{ 1 < 2 < 3 }}
{{ 3 > 2 > 2 }}
{{ 1 == 1.0 }}
{{ true == 1 }}
{{ 'a' < 1 }}
{{ not t }}
{{ not t or n }}
{{ no or s }}
{{ s and n }}
{{ missing or s }}
{{ t or missing }}
{{ 'a' if t else 'b' }}
{{ 'a' if no else 'b' if t else 'c' }}
{{ ('a' if no else 'b') ~ 'c' }}
{{ missing if no else s }}
{{ 'a' if no }}
x{{ n }}y
{{ n }}{{ f }}
{{ t }}{{ no }}
{{ l }} and {{ d }}
[{{ n }}, {{ f }}]
{"a": {{ n }}, "b": true}
{'a': {{ n }}, 'b': None}
{{ listish }}
{{ quoted }}
{{ [quoted] }}
{{ [uni, lines] }}
{{ uni }}
{{ lines }}
{{ '[1, 2' }}
{{ '[a, b]' }}
{{ '["a", "b",]' }}
{{ '(1, 2)' }}
{{ '[(1, 2), (3,), (4)]' }}
{{ 'True' }}
{{ 'true' }}
{{ ' True' }}
{{ 'None' }}
{{ 'null' }}
{{ '12' }}
{{ '1_000' }}
{{ '[01]' }}
{{ '[0x1f, 1e3, -2, +3, 1_0]' }}
{{ "['\\x41', '\\u00e9', '\\n']" }}
{{ '{"a": [true, null, {"b": 1.5}]}' }}
{{ '{1: 2}' }}
{{ '{}' }}
{{ '[' }}
{{ '[1] + [2]' }}
{{ none }}
{{ None }}
{{ [none, None] }}
{{ (1, 2) }}
{{ [(1, 'a')] }}
{{ d.port }}
{{ d['port'] }}
{{ d.get('x', 7) }}
{{ d.keys() | list }}
{{ d.values() | list }}
{{ d.items() | list }}
{{ deep.a.b[1] }}
{{ deep.a.b[-1] }}
{{ deep.a.b.0 }}
{{ l[5] }}
{{ l[5] | default(0) }}
{{ l[1:] }}
{{ l[::-1] }}
{{ l[-2:] }}
{{ s[:2] }}
{{ s[0] }}
{{ s[::2] }}
{{ 'met' in s }}
{{ 3 in l }}
{{ 9 not in l }}
{{ 'port' in d }}
{{ 'a' in names | list }}
{{ n | int }}
{{ digits | int + 1 }}
{{ 'x' | int }}
{{ 'x' | int(7) }}
{{ '0x1f' | int(base=16) }}
{{ '1.9' | int }}
{{ f | int }}
{{ digits | float }}
{{ 'x' | float }}
{{ 1e20 }}
{{ 1.0 }}
{{ 0.1 + 0.2 }}
{{ 100000000000000000.0 }}
{{ 0.00001 }}
{{ n | string }}
{{ t | string }}
{{ l | string }}
{{ l | to_json }}
{{ d | to_json }}
{{ d | to_nice_json }}
{{ uni | to_json }}
{{ quoted | to_json }}
{{ d | to_json | from_json }}
{{ '{"a": [1, 2.5, null]}' | from_json }}
{{ 'x' | from_json }}
{{ 'a: [1, off, 0x10, x y]' | from_yaml }}
{{ "- {{ n }}" | from_yaml }}
{{ 'a: b: c' | from_yaml }}
{{ '' | from_yaml }}
{{ l | from_yaml }}
{{ d | to_yaml | from_yaml }}
{{ n | to_yaml }}
{{ s | to_yaml }}
{{ nil | to_yaml }}
{{ '' | to_yaml }}
{{ f | to_yaml }}
{{ digits | to_yaml }}
{{ yes | to_yaml }}
{{ quoted | to_yaml }}
{{ uni | to_yaml }}
{{ l | to_yaml }}
{{ none | to_yaml }}
{{ d | to_yaml }}
{{ deep | to_yaml }}
{{ users | to_yaml }}
{{ nested | to_yaml }}
{{ d | to_nice_yaml }}
{{ deep | to_nice_yaml }}
{{ users | to_nice_yaml }}
{{ users | to_nice_yaml(indent=2) }}
{{ nested | to_nice_yaml }}
{{ {'z': 1, 'a': {'k': [], 'e': {}}, 'l': [{'x': [1, [2, {'y': 3}]]}]} | to_nice_yaml }}
{{ {'z': 1, 'a': {'k': [], 'e': {}}, 'l': [{'x': [1, [2, {'y': 3}]]}]} | to_yaml }}
{{ ['a:b', 'a: b', '#x', 'x #y', '- z', '-z', ' q', '=', '<<', '1e3', '0o7'] | to_yaml }}
{{ ['~', 'null', '2024-01-02', '1:30', '?', '?x', '*a', '{a}', 'a,b', "it's"] | to_yaml }}
{{ ['a:b', 'a: b', '#x', 'x #y', '- z', '-z', ' q', '=', '<<', '1e3', '0o7', '~', 'null', '1:30', '?', '*a', '{a}', 'a,b', "it's"] | to_nice_yaml }}
{{ {'10.0.0.1:80': 1, 'yes': true, 5: 1.5e20} | to_nice_yaml }}
{{ yes | bool }}
{{ 'off' | bool }}
{{ 1 | bool }}
{{ 2 | bool }}
{{ '1' | bool }}
{{ 'On' | bool }}
{{ empty | bool }}
{{ s | upper }}
{{ 'ABC' | lower }}
{{ 'hello wORLD-foo' | title }}
{{ 'hello wORLD' | capitalize }}
{{ s | replace('-', '_') }}
{{ 'aaa' | replace('a', 'b', 2) }}
{{ '  x ' | trim }}
{{ s | length }}
{{ l | count }}
{{ d | length }}
{{ l | first }}
{{ l | last }}
{{ none_list | default([]) | first | default('none') }}
{{ l | sort }}
{{ l | sort(reverse=true) }}
{{ names | sort }}
{{ names | sort(case_sensitive=true) }}
{{ users | sort(attribute='name') | map(attribute='name') | list }}
{{ names | unique }}
{{ names | unique(case_sensitive=true) }}
{{ l | min }}
{{ l | max }}
{{ names | max }}
{{ l | sum }}
{{ users | sum(attribute='age') }}
{{ names | join(',') }}
{{ l | join('-') }}
{{ users | join(', ', attribute='name') }}
{{ 'a,b,c' | split(',') }}
{{ ' a  b ' | split }}
{{ 'a b c' | split(' ', 1) }}
{{ nested | flatten }}
{{ nested | flatten(levels=1) }}
{{ nested | flatten(skip_nulls=false) }}
{{ l | union([9, 3]) }}
{{ l | intersect([1, 2, 7]) }}
{{ l | difference([1]) }}
{{ l | symmetric_difference([1, 8]) }}
{{ names | reverse | list }}
{{ 'abc' | reverse }}
{{ d | dict2items }}
{{ d | dict2items(key_name='k', value_name='v') }}
{{ [{'key': 'a', 'value': 1}] | items2dict }}
{{ d | combine({'port': 1, 'x': 2}) }}
{{ deep | combine({'a': {'c': 1}}, recursive=true) }}
{{ deep | combine({'l': [2]}, list_merge='append') }}
{{ deep | combine({'l': [1, 2]}, list_merge='append_rp') }}
{{ [d, {'z': 1}] | combine }}
{{ d | dictsort }}
{{ {'b': 2, 'a': 1} | dictsort }}
{{ users | map(attribute='name') | list }}
{{ users | map(attribute='tags', default=[]) | list }}
{{ users | map(attribute='tags') | list }}
{{ names | map('upper') | list }}
{{ names | map('regex_replace', '^', 'x') | list }}
{{ names | select('equalto', 'a') | list }}
{{ names | reject('equalto', 'a') | list }}
{{ l | select('gt', 1) | list }}
{{ [0, 1, ''] | select | list }}
{{ users | selectattr('age', 'equalto', 3) | map(attribute='name') | list }}
{{ users | selectattr('super', 'defined') | map(attribute='name') | list }}
{{ users | rejectattr('super', 'defined') | map(attribute='name') | list }}
{{ users | selectattr('name', 'match', 'a') | list | length }}
{{ users | groupby('age') | map('first') | list }}
{{ l | map('string') | list }}
{{ s | regex_replace('-', '.') }}
{{ s | regex_replace('^(.*)-(.*)$', '\\2-\\1') }}
{{ s | regex_replace('(?P<a>p)', 'x\\g<a>x') }}
{{ 'abc' | regex_replace('b*', '-') }}
{{ 'abc' | regex_replace('.*', 'x') }}
{{ 'aXb' | regex_replace('x', '-', ignorecase=true) }}
{{ s | regex_search('m.*') }}
{{ s | regex_search('zzz') }}
{{ s | regex_search('(p)(g)', '\\1', '\\2') }}
{{ 'a1b22' | regex_findall('[0-9]+') }}
{{ 'a1b2' | regex_findall('([a-z])([0-9])') }}
{{ 'a.b*c' | regex_escape }}
{{ s | b64encode }}
{{ 'cGc=' | b64decode }}
{{ s | hash('sha256') }}
{{ s | hash }}
{{ s | md5 }}
{{ s | sha1 }}
{{ t | ternary('a', 'b') }}
{{ nil | ternary('a', 'b', 'c') }}
{{ (n > 3) | ternary(1, 2) }}
{{ missing | mandatory }}
{{ s | mandatory }}
{{ quoted | quote }}
{{ s | quote }}
{{ empty | quote }}
{{ '/a/b/c.d' | basename }}
{{ '/a/b/c.d' | dirname }}
{{ '/a' | dirname }}
{{ '/a/b.tar.gz' | splitext }}
{{ ['/a', 'b', 'c'] | path_join }}
{{ '%s-%03d' | format('x', 7) }}
{{ '%s %s' % ('a', 1) }}
{{ '%5.1f|' % 3.14159 }}
{{ '%d%%' % 5 }}
{{ '{}-{}'.format(1, 'b') }}
{{ f | round }}
{{ 3.14159 | round(2) }}
{{ 3.5 | round }}
{{ 3.2 | round(0, 'ceil') }}
{{ -3 | abs }}
{{ 2 | pow(3) }}
{{ 16 | root }}
{{ l | zip(names) | list }}
{{ l | batch(2) | list }}
{{ 'a b' | urlencode }}
{{ 'x\ny' | indent(2) }}
{{ lines | indent(2) }}
{{ s.split('-') }}
{{ s.upper() }}
{{ s.startswith('pg') }}
{{ ' x '.strip() }}
{{ '-'.join(['a', 'b']) }}
{{ 'abc'.find('c') }}
{{ '7'.zfill(3) }}
{{ 'a-b-c'.rsplit('-', 1) }}
{{ l.index(1) }}
{{ range(3) | list }}
{{ range(1, 10, 3) | list }}
{{ range(3) }}
{{ dict(a=1, b=2) }}
{{ dict([['a', 1]]) }}
{{ n is number and s is string }}
{{ d is mapping }}
{{ l is sequence }}
{{ s is iterable }}
{{ n is divisibleby 5 }}
{{ n is odd }}
{{ n is not even }}
{{ s is match('pg') }}
{{ s is match('meta') }}
{{ s is search('meta') }}
{{ s is regex('m.t') }}
{{ '17.2' is version('9.6', '>') }}
{{ '1.2.3' is version('1.2.10', 'lt') }}
{{ [1] is subset([1, 2]) }}
{{ l is contains(3) }}
{{ l is all }}
{{ [0, 1] is any }}
{{ 'abc' is lower }}
{{ nil is none }}
{{ t is true }}
{{ t is sameas true }}
{{ n is in l }}
{{ 3 is in l }}
{{ 'a' is in names and t }}
{% if t %}yes{% else %}no{% endif %}
{% if no %}a{% elif n > 3 %}b{% else %}c{% endif %}
{% if t %}{{ l }}{% endif %}
{% for x in l %}{{ x }}{% if not loop.last %},{% endif %}{% endfor %}
{% for x in l if x > 1 %}{{ loop.index }}:{{ x }} {% endfor %}
{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}
{% for x in [] %}a{% else %}none{% endfor %}
{% for k in d %}{{ k }} {% endfor %}
{% set x = n + 1 %}{{ x }}
{% set x, y = [1, 2] %}{{ x }}{{ y }}
{% set x %}a{{ n }}{% endset %}{{ x }}{{ x }}
{% for x in l %}{% set y = x %}{% endfor %}{{ y | default('unset') }}
{% if t %}{% set y = 1 %}{% endif %}{{ y }}
{% raw %}{{ n }}{% endraw %}
{# a comment #}{{ n }}
a {#- b -#} c
a {{- n -}} b
  {%- if t %} x {%- endif %}
[{% for x in l %}{{ x }}{% if not loop.last %}, {% endif %}{% endfor %}]
{{ s | replace('-', '\n') }}
{{ 'a\tb' }}
{{ "a\"b" }}
{{ 'a' is defined }}
{{ (s | upper)[0] }}
{{ (d).port }}
{{ -1 | abs }}
{{ not 1 == 2 }}
{{ n in [5] == true }}
{{ {'a': 1, 'a': 2} }}
{{ {1: 'x', 'b': none} }}
{{ {} }}
{{ [] }}
{{ '' }}
{{ "{{ n }}" }}
{{ 'a' | ternary('x', 'y') }}
{{ l | map('extract', ['a', 'b', 'c', 'd']) | list }}
{{ 'port' | extract(d) }}
{{ ansible.missing | default('x') }}
{{ n.missing | default('x') }}
{{ s.missing is defined }}
{{ d.items }}
{{ n n }}
{{ n | }}
{{ n | nofilter }}
{{ n is notest }}
{{ n( }}
{{ f(1 2) }}
{{ }}
{% if n %}
{% endif %}
{% foo %}
{{ n
{{ 1 if }}
{{ a = 1 }}
{{ 'a }}
{{ n[ }}
{{ 01 }}
{{ $x }}
{{ d | dict2items(x=1) }}
{{ s | upper(1) }}
{{ l | join(',', nope=1) }}
{{ lookup('nosuch', 'x') }}
{{ undef_function(1) }}
`), "\n")

// differences are refused here although Ansible gives them a value: doing as it does would be a
// surprise, or would need what is not to be had.
var differences = map[string]string{
	"{{ d.items }}": "Ansible prints the address of a method",
}

func TestAnsibleAgrees(t *testing.T) {
	theirs := ansible(t, expressions)
	w := world(t)
	for i, text := range expressions {
		ours := "no value"
		v, err := evaluate(t, w, text)
		if err == nil {
			ours = show(v)
		}
		if _, differs := differences[text]; ours != theirs[i] && !differs {
			t.Errorf("%s\n  Ansible: %s\n  we:      %s (%v)", text, theirs[i], ours, err)
		}
	}
}

// templar asks Ansible's own evaluator, which every module of Ansible gets its values from.
const templar = `
import json, sys
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
asked = json.load(sys.stdin)
found = []
for text in asked["texts"]:
    try:
        v = Templar(loader=DataLoader(), variables=asked["variables"]).template(text)
        found.append(json.dumps(v))
    except Exception:
        found.append("no value")
json.dump(found, sys.stdout)
`

// ansible returns what Ansible makes of each expression, in one run.
func ansible(t *testing.T, texts []string) []string {
	t.Helper()
	cmd := exec.Command(python(t), "-c", templar)
	asked, err := json.Marshal(map[string]any{"texts": texts, "variables": plainVariables()})
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin = bytes.NewReader(asked)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var answers []string
	if err := json.Unmarshal(out, &answers); err != nil {
		t.Fatal(err)
	}
	for i, answer := range answers {
		var v any
		if json.Unmarshal([]byte(answer), &v) == nil {
			answers[i] = show(v)
		}
	}
	return answers
}

// python returns the interpreter that the command ansible runs with.
func python(t *testing.T) string {
	t.Helper()
	command, err := exec.LookPath("ansible")
	if err != nil {
		t.Skip("ansible is not installed")
	}
	script, err := os.ReadFile(command)
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := bytes.Cut(script, []byte("\n"))
	interpreter, ok := bytes.CutPrefix(line, []byte("#!"))
	if !ok {
		t.Skip("ansible is not a script")
	}
	return strings.TrimSpace(string(interpreter))
}
