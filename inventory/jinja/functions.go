package jinja

import (
	"slices"
	"strings"
	"unicode"
)

// function is what a template may call by name.
type function struct {
	name string
	call func(r *run, a *args) any
}

var functions = map[string]function{
	"lookup": {"lookup", func(r *run, a *args) any { return r.lookup(a, false) }},
	"query":  {"query", func(r *run, a *args) any { return r.lookup(a, true) }},
	"q":      {"q", func(r *run, a *args) any { return r.lookup(a, true) }},
	"range":  {"range", rangeFunction},
	"dict":   {"dict", dictFunction},
}

// refusedFunctions are functions that exist in Ansible, and why they do not here.
var refusedFunctions = map[string]string{
	"now": needsClock, "lipsum": needsChance, "undef": "leave the variable out",
	"namespace": "values do not change here", "cycler": "values do not change here", "joiner": "use the filter join",
	"caller": "there are no macros", "super": "there is no inheritance", "loop": "loops are not recursive here",
}

func rangeFunction(r *run, a *args) any {
	given := a.rest()
	bounds := make([]int64, len(given))
	for i, v := range given {
		n, _, isInt, ok := asNumber(r.use(v))
		if !ok || !isInt {
			r.fail("range wants whole numbers, got %s", kind(v))
		}
		bounds[i] = n
	}
	start, stop, step := int64(0), int64(0), int64(1)
	switch len(bounds) {
	case 1:
		stop = bounds[0]
	case 2:
		start, stop = bounds[0], bounds[1]
	case 3:
		start, stop, step = bounds[0], bounds[1], bounds[2]
	default:
		r.fail("range takes one to three numbers")
	}
	if step == 0 {
		r.fail("range: a step of zero")
	}
	return r.count(start, stop, step)
}

func (r *run) count(start, stop, step int64) any {
	numbers := []any{}
	for i := start; step > 0 && i < stop || step < 0 && i > stop; i += step {
		if len(numbers) == maxItems {
			r.tooMuch("makes a list of more than %d items", maxItems)
		}
		numbers = append(numbers, i)
		if next := i + step; (next > i) != (step > 0) {
			break
		}
	}
	return r.list(numbers)
}

func dictFunction(r *run, a *args) any {
	d := Dict{}
	for _, v := range a.rest() {
		switch v := r.use(v).(type) {
		case Dict:
			d = append(d, v...)
		default:
			for _, item := range r.items("dict", v) {
				pair, ok := sequence(item)
				if !ok || len(pair) != 2 || !isScalar(pair[0]) {
					r.fail("dict wants pairs")
				}
				d = append(d, Pair{pair[0], pair[1]})
			}
		}
	}
	for _, name := range sorted(keys(a.named)) {
		d = append(d, Pair{name, a.named[name]})
	}
	a.named = nil
	r.room(len(d))
	return lastWins(d)
}

// lookup answers lookup('env', …) and lookup('file', …) as far as the world allows.
func (r *run) lookup(a *args, list bool) any {
	plugin := strings.TrimPrefix(r.asText("lookup", a.must("plugin")), "ansible.builtin.")
	list = truth(takeNamed(a, "wantlist", list))
	var find func(a *args, term string) any
	switch plugin {
	case "env":
		find = r.environment(a)
	case "file":
		find = r.file(a)
	default:
		r.fail("this lookup is not available here: only env and file are")
	}
	found := []any{}
	for _, term := range r.flatten(a.rest(), maxNesting, false) {
		found = append(found, find(a, r.asText("lookup", r.use(term))))
	}
	r.secret = true
	if list {
		return r.list(found)
	}
	return r.join(found, ",")
}

func (r *run) denied(why string) { panic(failure{&Error{Msg: why, Denied: true}}) }

func (r *run) environment(a *args) func(*args, string) any {
	or := takeNamed(a, "default", "")
	return func(_ *args, name string) any {
		if r.world.Env == nil {
			r.denied("lookup('env'): the configuration allows no environment variable here")
		}
		value, ok := r.world.Env(name)
		if !ok {
			return r.use(or)
		}
		return r.text(value)
	}
}

func (r *run) file(a *args) func(*args, string) any {
	left, right := truth(takeNamed(a, "lstrip", false)), truth(takeNamed(a, "rstrip", true))
	return func(_ *args, name string) any {
		if r.world.File == nil {
			r.denied("lookup('file'): the configuration allows no file here")
		}
		content, err := r.world.File(name)
		if err != nil && !r.secret {
			panic(failure{&Error{Msg: "lookup('file'): " + err.Error()}})
		}
		if err != nil {
			r.fail("lookup('file'): the file cannot be read")
		}
		s := string(content)
		if left {
			s = strings.TrimLeftFunc(s, unicode.IsSpace)
		}
		if right {
			s = strings.TrimRightFunc(s, unicode.IsSpace)
		}
		return r.text(s)
	}
}

func keys[V any](m map[string]V) []string {
	all := make([]string, 0, len(m))
	for key := range m {
		all = append(all, key)
	}
	return all
}

func sorted(s []string) []string {
	slices.Sort(s)
	return s
}

// suggest names what was probably meant.
func suggest[V any](name string, known map[string]V) string {
	for _, candidate := range sorted(keys(known)) {
		if near(name, candidate) {
			return ": did you mean " + candidate + "?"
		}
	}
	return ""
}

// near reports whether one letter was left out, added, changed or swapped with the next.
func near(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b) < 4 || len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	swapped := i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
	return swapped || i < len(a) && a[i+1:] == b[i+1:]
}
