package jinja

import (
	"math"
	"strconv"
	"strings"

	"github.com/nikolalohinski/gonja/v2/exec"
)

// filter is one filter. What it is given is defined unless it says that it takes the undefined.
type filter struct {
	apply          func(r *run, e *exec.Evaluator, v any, a *args) any
	takesUndefined bool
	native         bool // its text stays text, whatever it looks like
}

// pure makes a filter of a function that needs no other filters.
func pure(apply func(r *run, v any, a *args) any) filter {
	return filter{apply: func(r *run, _ *exec.Evaluator, v any, a *args) any { return apply(r, v, a) }}
}

// onText makes a filter of a function of a text; as in Jinja, it takes any scalar for one.
func onText(apply func(r *run, s string, a *args) any) filter {
	return pure(func(r *run, v any, a *args) any { return apply(r, r.asText(a.what, v), a) })
}

// onList makes a filter of a function of a list.
func onList(apply func(r *run, items []any, a *args) any) filter {
	return pure(func(r *run, v any, a *args) any { return apply(r, r.items(a.what, v), a) })
}

func asNative(f filter) filter {
	f.native = true
	return f
}

var filterTable = merged(valueFilters, textFilters, listFilters, selectFilters, dictFilters, codeFilters, yamlFilters, regexFilters)

func merged(tables ...map[string]filter) map[string]filter {
	all := map[string]filter{}
	for _, table := range tables {
		for name, f := range table {
			all[name] = f
		}
	}
	return all
}

const (
	needsChance = "the same inventory must always mean the same"
	needsClock  = "an inventory must not mean something else tomorrow"
	needsDisk   = "an expression may not look at the machine it is evaluated on"
	needsMore   = "it is not part of ansible-core"
	asYAML      = "write the value in YAML"
)

// refusedFilters are filters that exist in Ansible, and why they do not here.
var refusedFilters = map[string]string{
	"random": needsChance, "shuffle": needsChance, "password_hash": needsChance + ", and a hash needs fresh salt",
	"strftime": needsClock, "to_datetime": needsClock,
	"fileglob": needsDisk, "realpath": needsDisk, "expanduser": needsDisk, "expandvars": needsDisk, "relpath": needsDisk,
	"vault": "use !vault", "unvault": "use !vault",
	"from_yaml_all": asYAML,
	"json_query":    needsMore, "ipaddr": needsMore, "ipv4": needsMore, "ipv6": needsMore, "ipsubnet": needsMore, "ipwrap": needsMore,
	"nthhost": needsMore, "ansible.utils.ipaddr": needsMore, "ansible.utils.ipsubnet": needsMore, "ansible.utils.nthhost": needsMore,
	"community.general.json_query": needsMore, "xmlattr": "it is for HTML", "escape": "it is for HTML", "e": "it is for HTML",
	"safe": "it is for HTML", "forceescape": "it is for HTML", "urlize": "it is for HTML", "striptags": "it is for HTML",
	"pprint": "use to_nice_json", "attr": "write .name or ['name']",
}

var valueFilters = map[string]filter{
	"default": {apply: defaultFilter, takesUndefined: true},
	"d":       {apply: defaultFilter, takesUndefined: true},
	"mandatory": {takesUndefined: true, apply: func(r *run, _ *exec.Evaluator, v any, a *args) any {
		msg := a.opt("msg", nil)
		u, missing := v.(*Undefined)
		switch {
		case missing && u.Err == nil && msg != nil && !r.secret:
			r.fail("%s", r.asText("the filter mandatory", r.use(msg)))
		case missing:
			r.use(v)
		}
		return v
	}},
	"bool": pure(func(_ *run, v any, _ *args) any { return toBool(v) }),
	"int":  pure(toInt), "float": pure(toFloat),
	"string": asNative(pure(func(r *run, v any, _ *args) any { return r.str(v) })),
	"abs": pure(func(r *run, v any, _ *args) any {
		switch n := r.number("abs", v).(type) {
		case int64:
			return max(n, -n)
		case float64:
			return math.Abs(n)
		}
		return nil
	}),
	"round": pure(roundFilter),
	"pow": pure(func(r *run, v any, a *args) any {
		return r.finite("pow", floats("**", r.float("pow", v), r.float("pow", a.must("y"))))
	}),
	"root": pure(func(r *run, v any, a *args) any {
		base := r.float("root", a.opt("base", int64(2)))
		if base == 0 {
			r.fail("root: division by zero")
		}
		if base == 2 {
			return r.finite("root", math.Sqrt(r.float("root", v)))
		}
		return r.finite("root", math.Pow(r.float("root", v), 1/base))
	}),
	"log": pure(func(r *run, v any, a *args) any {
		x, base := r.float("log", v), a.opt("base", nil)
		if base == nil {
			return r.finite("log", math.Log(x))
		}
		if r.float("log", base) == 10 {
			return r.finite("log", math.Log10(x))
		}
		return r.finite("log", math.Log(x)/math.Log(r.float("log", base)))
	}),
	"ternary": pure(func(_ *run, v any, a *args) any {
		yes, no, none := a.must("true_val"), a.must("false_val"), a.opt("none_val", nil)
		switch {
		case v == nil && none != nil:
			return none
		case truth(v):
			return yes
		}
		return no
	}),
	"type_debug": pure(func(_ *run, v any, _ *args) any { return pythonType(v) }),
}

func defaultFilter(r *run, _ *exec.Evaluator, v any, a *args) any {
	or, falsy := a.opt("default_value", ""), a.flag("boolean", false)
	if _, missing := v.(*Undefined); missing {
		return or
	}
	if falsy && !truth(v) {
		return or
	}
	return v
}

// toBool is the filter bool: whatever is not one of the words for true is false.
func toBool(v any) any {
	switch v := v.(type) {
	case nil, bool:
		return v
	case string:
		switch strings.ToLower(v) {
		case "yes", "on", "1", "true":
			return true
		}
		return false
	}
	return equal(v, int64(1))
}

func toInt(r *run, v any, a *args) any {
	or, base := r.use(a.opt("default", int64(0))), a.int("base", 10)
	switch n := v.(type) {
	case bool, int64:
		i, _, _, _ := asNumber(n)
		return i
	case float64:
		return r.truncate(n, or)
	case string:
		return r.parseInt(n, base, or)
	}
	return or
}

func (r *run) truncate(f float64, or any) any {
	if math.IsNaN(f) || math.Abs(f) >= 1<<63 {
		return or
	}
	return int64(f)
}

// parseInt reads a whole number as Python does, or the whole part of any other number.
func (r *run) parseInt(s string, base int, or any) any {
	s = strings.TrimSpace(s)
	if base != 0 && (base < 2 || base > 36) {
		r.fail("the filter int: base: want a number in 2..36")
	}
	digits := s
	if prefix := map[int]string{2: "0b", 8: "0o", 16: "0x"}[base]; prefix != "" {
		digits = strings.TrimPrefix(strings.ToLower(s), prefix)
	}
	if !strings.Contains(digits, "__") && !strings.HasPrefix(digits, "_") && !strings.HasSuffix(digits, "_") {
		if i, err := strconv.ParseInt(strings.ReplaceAll(digits, "_", ""), base, 64); err == nil {
			return i
		}
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		return r.truncate(f, or)
	}
	return or
}

func toFloat(r *run, v any, a *args) any {
	or := r.use(a.opt("default", 0.0))
	if _, f, _, ok := asNumber(v); ok {
		return f
	}
	if s, ok := v.(string); ok {
		if f, err := strconv.ParseFloat(strings.TrimSpace(s), 64); err == nil && !strings.ContainsAny(s, "xXpP") {
			return f
		}
	}
	return or
}

func (r *run) float(what string, v any) float64 {
	v = r.use(v)
	_, f, _, ok := asNumber(v)
	if !ok {
		r.fail("%s: want a number, got %s", what, kind(v))
	}
	return f
}

func roundFilter(r *run, v any, a *args) any {
	precision, method := a.int("precision", 0), a.text("method", "common")
	n := r.number("round", v)
	if i, whole := n.(int64); whole && method == "common" {
		if precision < 0 {
			r.fail("round: a precision below zero is not available here")
		}
		return i
	}
	f := r.float("round", n)
	if precision < 0 || precision > 15 {
		r.fail("round: want a precision in 0..15")
	}
	scale := math.Pow(10, float64(precision))
	switch method {
	case "ceil":
		return math.Ceil(f*scale) / scale
	case "floor":
		return math.Floor(f*scale) / scale
	case "common":
		// Formatting rounds the exact value half to even, as Python does.
		rounded, err := strconv.ParseFloat(strconv.FormatFloat(f, 'f', precision, 64), 64)
		if err != nil {
			r.fail("round: the result is no number")
		}
		return rounded
	}
	r.fail("round: want one of common, ceil, floor")
	return nil
}

func pythonType(v any) string {
	switch v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int64:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case []any:
		return "list"
	case Tuple:
		return "tuple"
	}
	return "dict"
}
