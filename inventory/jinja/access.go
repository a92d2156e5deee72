package jinja

import (
	"strings"
	"unicode/utf8"
)

// attribute is v.name: in a mapping the value of the key. What is undefined stays so, and says
// what was undefined first, as in Ansible.
func (r *run) attribute(v any, name string) any {
	if _, ok := v.(Dict); ok && dictMethods[name] {
		r.fail("%s is a method of every mapping: write ['%s'] for the key", name, name)
	}
	return r.part(v, name)
}

// item is v[key].
func (r *run) item(v, key any) any { return r.part(v, key) }

func (r *run) part(v, key any) any {
	name, isText := key.(string)
	switch v := v.(type) {
	case *Undefined:
		return v
	case Dict:
		r.charge(len(v) / 16)
		if found, ok := v.Get(key); ok {
			return found
		}
	case Mapping:
		if isText {
			found, ok, err := v.Get(name)
			return r.take(found, ok, err, "", r.partName(key))
		}
	case string:
		if runes, i, ok := r.runeAt(v, key); ok {
			return string(runes[i])
		}
	default:
		items, listed := sequence(v)
		if i, ok := index(key, len(items)); listed && ok {
			return items[i]
		}
	}
	return &Undefined{What: r.partName(key) + " is undefined: " + kind(v) + " has no such part"}
}

// partName names a part in errors; keys come from the template or from names, not from values.
func (r *run) partName(key any) string {
	if r.secret {
		return "a part"
	}
	if s, ok := key.(string); ok && len(s) <= 64 && isOrdinary(s) {
		return s
	}
	if i, ok := key.(int64); ok {
		return "[" + repr(i) + "]"
	}
	return "a part"
}

func isOrdinary(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !isNameRune(r) && !strings.ContainsRune("-.:/", r)
	}) < 0
}

func (r *run) runeAt(s string, key any) (runes []rune, i int, ok bool) {
	r.charge(len(s) / 16)
	runes = []rune(s)
	i, ok = index(key, len(runes))
	return runes, i, ok
}

// index resolves a place that may count from the end.
func index(key any, length int) (int, bool) {
	i, _, isInt, ok := asNumber(key)
	if i < 0 {
		i += int64(length)
	}
	return int(i), ok && isInt && i >= 0 && i < int64(length)
}

// slice is v[from:to:step].
func (r *run) slice(a *args) any {
	v := r.use(a.list[0])
	if s, ok := v.(string); ok {
		var parts []any
		for _, c := range s {
			parts = append(parts, string(c))
		}
		var b strings.Builder
		for _, part := range r.cut(parts, a.list[1:]) {
			b.WriteString(part.(string))
		}
		return r.text(b.String())
	}
	items, ok := sequence(v)
	if !ok {
		r.fail("[:] wants text or a list, got %s", kind(v))
	}
	return r.list(r.cut(items, a.list[1:]))
}

func (r *run) cut(items []any, bounds []any) []any {
	r.charge(len(items) / 4)
	step := r.bound(bounds[2], 1)
	if step == 0 {
		r.fail("[::0]: a step of zero")
	}
	n := int64(len(items))
	first, last := int64(0), n
	if step < 0 {
		first, last = n-1, -1
	}
	from, to := clamp(r.bound(bounds[0], first), n, step, bounds[0] != nil), clamp(r.bound(bounds[1], last), n, step, bounds[1] != nil)
	cut := []any{}
	for i := from; step > 0 && i < to || step < 0 && i > to; i += step {
		cut = append(cut, items[i])
		if step > n || step < -n {
			break
		}
	}
	return cut
}

func (r *run) bound(v any, or int64) int64 {
	if v == nil {
		return or
	}
	i, _, isInt, ok := asNumber(r.use(v))
	if !ok || !isInt {
		r.fail("[:] wants whole numbers, got %s", kind(v))
	}
	return i
}

// clamp moves a bound into the list, as Python does.
func clamp(i, n, step int64, given bool) int64 {
	low, high := int64(0), n
	if step < 0 {
		low, high = -1, n-1
	}
	if given && i < 0 {
		i += n
	}
	return max(low, min(i, high))
}

// items returns what a loop or a filter goes through: items, keys, or characters.
func (r *run) items(what string, v any) []any {
	switch v := v.(type) {
	case Dict:
		keys := make([]any, len(v))
		for i, p := range v {
			keys[i] = p.Key
		}
		return r.list(keys)
	case Mapping:
		return r.list(anyList(v.Keys()))
	case string:
		r.room(utf8.RuneCountInString(v))
		return anyList(strings.Split(v, ""))
	}
	items, ok := sequence(v)
	if !ok {
		r.fail("%s wants a list, got %s", what, kind(v))
	}
	r.charge(len(items))
	return items
}

func anyList(s []string) []any {
	list := make([]any, len(s))
	for i := range s {
		list[i] = s[i]
	}
	return list
}

var (
	dictMethods = map[string]bool{
		"get": true, "keys": true, "values": true, "items": true, "copy": true, "update": true, "pop": true,
		"popitem": true, "setdefault": true, "clear": true, "fromkeys": true,
	}
	// methods are those that change nothing.
	methods = map[string]bool{
		"get": true, "keys": true, "values": true, "items": true, "copy": true, "index": true, "count": true,
		"lower": true, "upper": true, "title": true, "capitalize": true, "strip": true, "lstrip": true, "rstrip": true,
		"split": true, "rsplit": true, "splitlines": true, "replace": true, "startswith": true, "endswith": true,
		"join": true, "find": true, "rfind": true, "zfill": true, "ljust": true, "rjust": true, "removeprefix": true,
		"removesuffix": true, "isdigit": true, "isalpha": true, "isalnum": true, "format": true,
	}
)

func (r *run) method(a *args) any {
	self, name := r.use(a.list[0]), a.list[1].(string)
	a.what, a.asked = "the method "+name, 2
	var result any
	var ok bool
	switch v := self.(type) {
	case Dict:
		result, ok = r.dictMethod(v, name, a)
	case Mapping:
		result, ok = r.mappingMethod(v, name, a)
	case string:
		result, ok = r.textMethod(v, name, a)
	default:
		if items, listed := sequence(self); listed {
			result, ok = r.listMethod(items, name, a)
		}
	}
	if !ok {
		r.fail("%s has no method %s", kind(self), name)
	}
	a.end()
	return result
}

func (r *run) dictMethod(d Dict, name string, a *args) (any, bool) {
	r.charge(len(d))
	switch name {
	case "get":
		key, or := a.must("key"), a.opt("default", nil)
		if v, ok := d.Get(key); ok {
			return v, true
		}
		return or, true
	case "keys":
		return r.items(name, d), true
	case "values":
		return dictValues(d), true
	case "items":
		pairs := []any{}
		for _, p := range d {
			pairs = append(pairs, Tuple{p.Key, p.Value})
		}
		return pairs, true
	case "copy":
		return d, true
	}
	return nil, false
}

func dictValues(d Dict) []any {
	values := []any{}
	for _, p := range d {
		values = append(values, p.Value)
	}
	return values
}

func (r *run) mappingMethod(m Mapping, name string, a *args) (any, bool) {
	switch name {
	case "get":
		key, or := a.must("key"), a.opt("default", nil)
		v := r.part(m, key)
		if u, ok := v.(*Undefined); ok && u.Err == nil {
			return or, true
		}
		return v, true
	case "keys":
		return r.items(name, m), true
	}
	return nil, false
}

func (r *run) listMethod(items []any, name string, a *args) (any, bool) {
	r.charge(len(items))
	switch name {
	case "index":
		v := a.must("value")
		for i, item := range items {
			if equal(item, v) {
				return int64(i), true
			}
		}
		r.fail("the method index: the list has no such item")
	case "count":
		v, n := a.must("value"), int64(0)
		for _, item := range items {
			if equal(item, v) {
				n++
			}
		}
		return n, true
	case "copy":
		return items, true
	}
	return nil, false
}
