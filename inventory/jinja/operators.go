package jinja

import (
	"math"
	"strings"

	"github.com/nikolalohinski/gonja/v2/exec"
)

// operator is what the nodes of an expression call. Only those that say so take what is undefined.
type operator func(r *run, ctx *exec.Context, a *args) any

var operatorTable = map[string]operator{
	"true":  func(*run, *exec.Context, *args) any { return true },
	"false": func(*run, *exec.Context, *args) any { return false },
	"none":  func(*run, *exec.Context, *args) any { return nil },
	"nothing": func(*run, *exec.Context, *args) any {
		return &Undefined{empty: true}
	},
	"variable": func(r *run, ctx *exec.Context, a *args) any { return r.variable(ctx, a.list[0].(string)) },
	"keyword":  func(_ *run, _ *exec.Context, a *args) any { return &keyword{a.list[0].(string), a.list[1]} },
	"defined":  func(r *run, _ *exec.Context, a *args) any { return r.use(a.list[0]) },
	"truth":    func(r *run, _ *exec.Context, a *args) any { return truth(r.use(a.list[0])) },
	"not":      func(r *run, _ *exec.Context, a *args) any { return !truth(r.use(a.list[0])) },
	"box":      func(_ *run, _ *exec.Context, a *args) any { return &box{a.list[0]} },
	"unbox":    func(_ *run, _ *exec.Context, a *args) any { return a.list[0].(*box).value },
	"list":     func(r *run, _ *exec.Context, a *args) any { return r.list(a.list) },
	"tuple":    func(r *run, _ *exec.Context, a *args) any { return Tuple(r.list(a.list)) },
	"dict":     func(r *run, _ *exec.Context, a *args) any { return r.dict(a.list) },
	"item":     func(r *run, _ *exec.Context, a *args) any { return r.item(a.list[0], r.use(a.list[1])) },
	"slice":    func(r *run, _ *exec.Context, a *args) any { return r.slice(a) },
	"method":   func(r *run, _ *exec.Context, a *args) any { return r.method(a) },
	"attribute": func(r *run, _ *exec.Context, a *args) any {
		return r.attribute(a.list[0], a.list[1].(string))
	},
	"in":      func(r *run, _ *exec.Context, a *args) any { return r.contains(a.list[1], a.list[0]) },
	"not in":  func(r *run, _ *exec.Context, a *args) any { return !r.contains(a.list[1], a.list[0]) },
	"==":      func(r *run, _ *exec.Context, a *args) any { return equal(r.use(a.list[0]), r.use(a.list[1])) },
	"!=":      func(r *run, _ *exec.Context, a *args) any { return !equal(r.use(a.list[0]), r.use(a.list[1])) },
	"<":       func(r *run, _ *exec.Context, a *args) any { return r.compare("<", a) < 0 },
	"<=":      func(r *run, _ *exec.Context, a *args) any { return r.compare("<=", a) <= 0 },
	">":       func(r *run, _ *exec.Context, a *args) any { return r.compare(">", a) > 0 },
	">=":      func(r *run, _ *exec.Context, a *args) any { return r.compare(">=", a) >= 0 },
	"~":       func(r *run, _ *exec.Context, a *args) any { return r.text(r.str(a.list[0]) + r.str(a.list[1])) },
	"+":       func(r *run, _ *exec.Context, a *args) any { return r.add(r.use(a.list[0]), r.use(a.list[1])) },
	"-":       func(r *run, _ *exec.Context, a *args) any { return r.arithmetic("-", a) },
	"*":       func(r *run, _ *exec.Context, a *args) any { return r.multiply(r.use(a.list[0]), r.use(a.list[1])) },
	"/":       func(r *run, _ *exec.Context, a *args) any { return r.arithmetic("/", a) },
	"//":      func(r *run, _ *exec.Context, a *args) any { return r.arithmetic("//", a) },
	"%":       func(r *run, _ *exec.Context, a *args) any { return r.modulo(a) },
	"**":      func(r *run, _ *exec.Context, a *args) any { return r.arithmetic("**", a) },
	"unary -": func(r *run, _ *exec.Context, a *args) any { return r.negate(r.use(a.list[0])) },
	"unary +": func(r *run, _ *exec.Context, a *args) any { return r.number("+", r.use(a.list[0])) },
}

// box keeps a value that may be false from being taken for one by or.
type box struct{ value any }

// str is the text of any defined value.
func (r *run) str(v any) string { return r.text(pyStr(r.deep(v))) }

// asText returns a text, or the text of a scalar.
func (r *run) asText(what string, v any) string {
	if _, listed := sequence(v); listed || !isScalar(v) {
		r.fail("%s: want text, got %s", what, kind(v))
	}
	return pyStr(v)
}

func (r *run) dict(flat []any) Dict {
	d := make(Dict, 0, len(flat)/2)
	for i := 0; i+1 < len(flat); i += 2 {
		key := r.use(flat[i])
		if !isScalar(key) {
			r.fail("%s cannot be a key", kind(key))
		}
		d = append(d, Pair{key, flat[i+1]})
	}
	r.room(len(d))
	return lastWins(d)
}

func (r *run) compare(op string, a *args) int {
	left, right := r.use(a.list[0]), r.use(a.list[1])
	order, ok := compare(left, right)
	if !ok {
		r.fail("%s cannot be compared (%s) with %s", kind(left), op, kind(right))
	}
	return order
}

func (r *run) contains(in, v any) bool {
	in, v = r.use(in), r.use(v)
	switch in := in.(type) {
	case string:
		s, ok := v.(string)
		if !ok {
			r.fail("in: want text to look for in text, got %s", kind(v))
		}
		return strings.Contains(in, s)
	case Dict:
		r.charge(len(in) / 16)
		_, ok := in.Get(v)
		return ok
	case Mapping:
		s, ok := v.(string)
		if !ok {
			return false
		}
		for _, key := range in.Keys() {
			if r.charge(0); key == s {
				return true
			}
		}
		return false
	}
	items, ok := sequence(in)
	if !ok {
		r.fail("in: want text, a list or a mapping to look in, got %s", kind(in))
	}
	for _, item := range items {
		if r.charge(0); equal(r.use(item), v) {
			return true
		}
	}
	return false
}

func (r *run) add(a, b any) any {
	if s, ok := a.(string); ok {
		if t, ok := b.(string); ok {
			return r.text(s + t)
		}
	}
	switch x := a.(type) {
	case []any:
		if y, ok := b.([]any); ok {
			return r.list(append(append([]any{}, x...), y...))
		}
	case Tuple:
		if y, ok := b.(Tuple); ok {
			return Tuple(r.list(append(append([]any{}, x...), y...)))
		}
	}
	return r.calculate("+", a, b)
}

func (r *run) multiply(a, b any) any {
	if _, ok := b.(string); ok {
		a, b = b, a
	}
	n, _, isInt, _ := asNumber(b)
	switch x := a.(type) {
	case string:
		if isInt {
			n = max(0, n)
			if len(x) > 0 && n > maxText {
				r.tooMuch("makes a text of more than %d KiB", maxText>>10)
			}
			if int64(len(x))*n > maxText {
				r.tooMuch("makes a text of more than %d KiB", maxText>>10)
			}
			return r.text(strings.Repeat(x, int(min(n, maxText))))
		}
	case []any:
		if isInt {
			return r.repeat(x, max(0, n))
		}
	}
	return r.calculate("*", a, b)
}

func (r *run) repeat(items []any, n int64) []any {
	if len(items) > 0 && n > maxItems || int64(len(items))*n > maxItems {
		r.tooMuch("makes a list of more than %d items", maxItems)
	}
	all := []any{}
	for range min(n, maxItems) {
		all = append(all, items...)
	}
	return r.list(all)
}

func (r *run) modulo(a *args) any {
	if format, ok := r.use(a.list[0]).(string); ok {
		values, listed := a.list[1].(Tuple)
		if !listed {
			values = Tuple{a.list[1]}
		}
		return r.format(format, values)
	}
	return r.arithmetic("%", a)
}

func (r *run) negate(v any) any {
	switch n := r.number("-", v).(type) {
	case int64:
		return -n
	case float64:
		return -n
	}
	return nil
}

// number returns an int64 or float64.
func (r *run) number(op string, v any) any {
	i, f, isInt, ok := asNumber(v)
	switch {
	case !ok:
		r.fail("%s: want a number, got %s", op, kind(v))
	case isInt:
		return i
	}
	return f
}

func (r *run) arithmetic(op string, a *args) any {
	return r.calculate(op, r.use(a.list[0]), r.use(a.list[1]))
}

func (r *run) calculate(op string, a, b any) any {
	ai, af, aInt, aOK := asNumber(a)
	bi, bf, bInt, bOK := asNumber(b)
	if !aOK || !bOK {
		r.fail("%s does not go between %s and %s", op, kind(a), kind(b))
	}
	if strings.Contains("/ // %", op) && bf == 0 {
		r.fail("%s: division by zero", op)
	}
	if aInt && bInt && op != "/" && (op != "**" || bi >= 0) {
		return r.integers(op, ai, bi)
	}
	return r.finite(op, floats(op, af, bf))
}

func (r *run) finite(op string, f float64) float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		r.fail("%s: the result is no number", op)
	}
	return f
}

func floats(op string, a, b float64) float64 {
	switch op {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	case "/":
		return a / b
	case "//":
		return math.Floor(a / b)
	case "%":
		m := math.Mod(a, b)
		if m != 0 && (m < 0) != (b < 0) {
			m += b
		}
		return m
	}
	return math.Pow(a, b)
}

// integers computes with whole numbers, which do not wrap around.
func (r *run) integers(op string, a, b int64) any {
	var n int64
	ok := true
	switch op {
	case "+":
		n = a + b
		ok = (n > a) == (b > 0)
	case "-":
		n = a - b
		ok = (n < a) == (b > 0)
	case "*":
		n = a * b
		ok = a == 0 || n/a == b && !(a == -1 && b == math.MinInt64)
	case "//":
		n = a / b
		if a%b != 0 && (a < 0) != (b < 0) {
			n--
		}
		ok = !(a == math.MinInt64 && b == -1)
	case "%":
		if b != -1 {
			n = a % b
		}
		if n != 0 && (n < 0) != (b < 0) {
			n += b
		}
	case "**":
		return r.integerPower(a, b)
	}
	if !ok {
		r.fail("%s: the result is too large", op)
	}
	return n
}

func (r *run) integerPower(a, b int64) any {
	f := math.Pow(float64(a), float64(b))
	if math.Abs(f) > 1<<53 {
		r.fail("**: the result is too large")
	}
	return int64(f)
}
