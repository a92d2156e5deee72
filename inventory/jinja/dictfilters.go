package jinja

import "slices"

var dictFilters = map[string]filter{
	"combine":    pure(combineFilter),
	"dict2items": pure(dict2items),
	"items2dict": onList(items2dict),
	"items": pure(func(r *run, v any, a *args) any {
		pairs, _ := r.dictMethod(r.mapping(a.what, v), "items", a)
		return pairs
	}),
	"dictsort": pure(dictsort),
	"extract":  pure(extractFilter),
}

func (r *run) mapping(what string, v any) Dict {
	d, ok := r.use(v).(Dict)
	if !ok {
		r.fail("%s wants a mapping, got %s", what, kind(v))
	}
	return d
}

func combineFilter(r *run, v any, a *args) any {
	recursive, lists := takeNamed(a, "recursive", false), takeNamed(a, "list_merge", "replace")
	how := r.asText("list_merge", r.use(lists))
	if !slices.Contains([]string{"replace", "keep", "append", "prepend", "append_rp", "prepend_rp"}, how) {
		r.fail("combine: list_merge: want one of replace, keep, append, prepend, append_rp, prepend_rp")
	}
	all := r.flatten(append([]any{v}, a.rest()...), 1, true)
	merged := Dict{}
	for _, item := range all {
		r.deep(item)
		merged = r.merge(merged, r.mapping("the filter combine", item), truth(recursive), how)
	}
	return merged
}

func takeNamed(a *args, name string, or any) any {
	if v, ok := a.named[name]; ok {
		delete(a.named, name)
		return v
	}
	return or
}

// merge lays high over low.
func (r *run) merge(low, high Dict, recursive bool, lists string) Dict {
	r.room(len(low) + len(high))
	at := make(map[string]int, len(low))
	merged := slices.Clone(low)
	for i, p := range merged {
		at[identity(p.Key)] = i
	}
	for _, p := range high {
		i, ok := at[identity(p.Key)]
		if !ok {
			at[identity(p.Key)] = len(merged)
			merged = append(merged, p)
			continue
		}
		merged[i].Value = r.mergeValue(merged[i].Value, p.Value, recursive, lists)
	}
	return merged
}

func (r *run) mergeValue(low, high any, recursive bool, lists string) any {
	x, isDict := low.(Dict)
	y, also := high.(Dict)
	if recursive && isDict && also {
		return r.merge(x, y, true, lists)
	}
	a, listed := sequence(low)
	b, both := sequence(high)
	if !listed || !both {
		return high
	}
	switch lists {
	case "keep":
		return low
	case "append":
		return r.list(slices.Concat(a, b))
	case "prepend":
		return r.list(slices.Concat(b, a))
	case "append_rp":
		return r.list(slices.Concat(r.keep(a, b, false), b))
	case "prepend_rp":
		return r.list(slices.Concat(b, r.keep(a, b, false)))
	}
	return high
}

func dict2items(r *run, v any, a *args) any {
	key, value := a.text("key_name", "key"), a.text("value_name", "value")
	items := []any{}
	for _, p := range r.mapping(a.what, v) {
		r.charge(1)
		items = append(items, Dict{{key, p.Key}, {value, p.Value}})
	}
	return items
}

func items2dict(r *run, items []any, a *args) any {
	key, value := a.text("key_name", "key"), a.text("value_name", "value")
	d := Dict{}
	for _, item := range items {
		one := r.mapping("the filter items2dict", item)
		k, hasKey := one.Get(key)
		v, hasValue := one.Get(value)
		if !hasKey || !hasValue || !isScalar(k) {
			r.fail("the filter items2dict wants mappings with the keys %s and %s", r.partName(key), r.partName(value))
		}
		d = append(d, Pair{k, v})
	}
	return lastWins(d)
}

func dictsort(r *run, v any, a *args) any {
	sensitive, by, reverse := a.flag("case_sensitive", false), a.text("by", "key"), a.flag("reverse", false)
	if by != "key" && by != "value" {
		r.fail("dictsort: by: want key or value")
	}
	place := int64(0)
	if by == "value" {
		place = 1
	}
	pairs := []any{}
	for _, p := range r.mapping(a.what, v) {
		pairs = append(pairs, Tuple{p.Key, p.Value})
	}
	return r.sort(pairs, reverse, sensitive, place)
}

// extractFilter is container[item] with item in front, for map.
func extractFilter(r *run, v any, a *args) any {
	found := r.part(a.must("container"), v)
	more := a.opt("morekeys", nil)
	keys, listed := sequence(more)
	if more != nil && !listed {
		keys = []any{more}
	}
	for _, key := range keys {
		found = r.part(found, r.use(key))
	}
	return found
}
