package jinja

import (
	"strings"
	"unicode"
)

// test is what stands behind is.
type test struct {
	apply          func(r *run, v any, a *args) bool
	takesUndefined bool
}

// asks makes a test without arguments.
func asks(is func(v any) bool) test {
	return test{apply: func(_ *run, v any, _ *args) bool { return is(v) }}
}

// order makes a test of how two values compare.
func order(holds func(order int) bool) test {
	return test{apply: func(r *run, v any, a *args) bool {
		other := a.must("other")
		o, ok := compare(v, other)
		if !ok {
			r.fail("%s: %s cannot be compared with %s", a.what, kind(v), kind(other))
		}
		return holds(o)
	}}
}

var (
	isEqual   = test{apply: func(_ *run, v any, a *args) bool { return equal(v, a.must("other")) }}
	isUnequal = test{apply: func(_ *run, v any, a *args) bool { return !equal(v, a.must("other")) }}
	less      = order(func(o int) bool { return o < 0 })
	atMost    = order(func(o int) bool { return o <= 0 })
	more      = order(func(o int) bool { return o > 0 })
	atLeast   = order(func(o int) bool { return o >= 0 })
	isSubset  = test{apply: func(r *run, v any, a *args) bool { return r.subset(a.what, v, a.must("b")) }}
	isSuper   = test{apply: func(r *run, v any, a *args) bool { return r.subset(a.what, a.must("b"), v) }}
	isVersion = test{apply: versionTest}
)

var testTable = map[string]test{
	"defined":   {takesUndefined: true, apply: func(_ *run, v any, _ *args) bool { return !isUndefined(v) }},
	"undefined": {takesUndefined: true, apply: func(_ *run, v any, _ *args) bool { return isUndefined(v) }},
	"none":      asks(func(v any) bool { return v == nil }),
	"boolean":   asks(func(v any) bool { _, ok := v.(bool); return ok }),
	"true":      asks(func(v any) bool { return v == true }),
	"false":     asks(func(v any) bool { return v == false }),
	"integer":   asks(func(v any) bool { _, ok := v.(int64); return ok }),
	"float":     asks(func(v any) bool { _, ok := v.(float64); return ok }),
	"number":    asks(func(v any) bool { _, _, _, ok := asNumber(v); return ok }),
	"string":    asks(func(v any) bool { _, ok := v.(string); return ok }),
	"mapping":   asks(func(v any) bool { return kind(v) == "a mapping" }),
	"sequence":  asks(isSequence), "iterable": asks(isSequence),
	"truthy": asks(truth),
	"falsy":  asks(func(v any) bool { return !truth(v) }),
	"lower":  asks(func(v any) bool { return hasCase(v, unicode.IsUpper, unicode.IsLower) }),
	"upper":  asks(func(v any) bool { return hasCase(v, unicode.IsLower, unicode.IsUpper) }),
	"even":   {apply: func(r *run, v any, _ *args) bool { return r.whole("even", v)%2 == 0 }},
	"odd":    {apply: func(r *run, v any, _ *args) bool { return r.whole("odd", v)%2 != 0 }},
	"divisibleby": {apply: func(r *run, v any, a *args) bool {
		by := r.whole("divisibleby", a.must("num"))
		if by == 0 {
			r.fail("divisibleby: division by zero")
		}
		return r.whole("divisibleby", v)%by == 0
	}},
	"==": isEqual, "eq": isEqual, "equalto": isEqual, "sameas": {apply: sameAs},
	"!=": isUnequal, "ne": isUnequal,
	"<": less, "lt": less, "lessthan": less, "<=": atMost, "le": atMost,
	">": more, "gt": more, "greaterthan": more, ">=": atLeast, "ge": atLeast,
	"in":       {apply: func(r *run, v any, a *args) bool { return r.contains(a.must("seq"), v) }},
	"contains": {apply: func(r *run, v any, a *args) bool { return r.contains(v, a.must("value")) }},
	"any": {apply: func(r *run, v any, a *args) bool {
		for _, item := range r.items(a.what, v) {
			if truth(r.use(item)) {
				return true
			}
		}
		return false
	}},
	"all": {apply: func(r *run, v any, a *args) bool {
		for _, item := range r.items(a.what, v) {
			if !truth(r.use(item)) {
				return false
			}
		}
		return true
	}},
	"match":  {apply: func(r *run, v any, a *args) bool { return r.matches(v, a, `\A(?:`, `)`) }},
	"search": {apply: func(r *run, v any, a *args) bool { return r.matches(v, a, "", "") }},
	"regex":  {apply: func(r *run, v any, a *args) bool { return r.matches(v, a, "", "") }},
	"subset": isSubset, "issubset": isSubset, "superset": isSuper, "issuperset": isSuper,
	"version": isVersion, "version_compare": isVersion,
}

func isUndefined(v any) bool {
	_, ok := v.(*Undefined)
	return ok
}

func isSequence(v any) bool {
	k := kind(v)
	return k == "text" || k == "a list" || k == "a mapping"
}

// hasCase is Python's islower and isupper: some letter of the one case and none of the other.
func hasCase(v any, none, some func(rune) bool) bool {
	s := pyStr(v)
	return strings.IndexFunc(s, none) < 0 && strings.IndexFunc(s, some) >= 0
}

// sameAs knows the values of which there is only one.
func sameAs(r *run, v any, a *args) bool {
	other := a.must("other")
	if !isScalar(v) || !isScalar(other) {
		r.fail("sameas: only true, false, none, numbers and text can be compared")
	}
	return v == other
}

func (r *run) matches(v any, a *args, before, after string) bool {
	s, p := r.asText(a.what, v), a.text("pattern", "")
	re := r.pattern(a.what, before+p+after, a.flag("ignorecase", false), a.flag("multiline", false))
	r.search(re, s)
	return re.MatchString(s)
}

func (r *run) subset(what string, part, whole any) bool {
	return len(r.keep(r.items(what, part), r.items(what, whole), false)) == 0
}

// versionTest compares versions as Python's LooseVersion does.
func versionTest(r *run, v any, a *args) bool {
	other, op := a.must("version"), a.text("operator", "eq")
	x, y := versionParts(r.asText(a.what, v)), versionParts(r.asText(a.what, other))
	if len(x) == 0 || len(y) == 0 {
		r.fail("version: want versions that are not empty")
	}
	o, ok := compare(x, y)
	if !ok {
		r.fail("version: the versions cannot be compared")
	}
	switch op {
	case "==", "=", "eq":
		return o == 0
	case "!=", "<>", "ne":
		return o != 0
	case "<", "lt":
		return o < 0
	case "<=", "le":
		return o <= 0
	case ">", "gt":
		return o > 0
	case ">=", "ge":
		return o >= 0
	}
	r.fail("version: want one of ==, !=, <, <=, >, >=")
	return false
}

// versionParts cuts 17.2rc1 into 17, 2, rc and 1.
func versionParts(s string) []any {
	class := func(c byte) int {
		switch {
		case c >= '0' && c <= '9':
			return 1
		case c >= 'a' && c <= 'z':
			return 2
		case c == '.':
			return 0
		}
		return 3
	}
	parts := []any{}
	for start := 0; start < len(s); {
		end := start + 1
		for end < len(s) && class(s[end]) == class(s[start]) {
			end++
		}
		if n, ok := parseNumber(strings.TrimLeft(s[start:end-1], "0") + s[end-1:end]); ok && class(s[start]) == 1 {
			parts = append(parts, n)
		} else if class(s[start]) != 0 {
			parts = append(parts, s[start:end])
		}
		start = end
	}
	return parts
}
