package jinja

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/nikolalohinski/gonja/v2/exec"
)

var listFilters = map[string]filter{
	"length": pure(length), "count": pure(length),
	"list":    onList(func(r *run, items []any, _ *args) any { return r.list(slices.Clone(items)) }),
	"first":   onList(func(_ *run, items []any, a *args) any { return at(items, 0, a) }),
	"last":    onList(func(_ *run, items []any, a *args) any { return at(items, len(items)-1, a) }),
	"join":    onList(joinFilter),
	"reverse": pure(reverseFilter),
	"sort":    onList(sortFilter),
	"unique": onList(func(r *run, items []any, a *args) any {
		sensitive, attribute := a.flag("case_sensitive", false), a.opt("attribute", nil)
		return r.unique(items, sensitive, attribute)
	}),
	"min":        onList(func(r *run, items []any, a *args) any { return r.extreme(items, a, -1) }),
	"max":        onList(func(r *run, items []any, a *args) any { return r.extreme(items, a, 1) }),
	"sum":        onList(sumFilter),
	"flatten":    onList(flattenFilter),
	"union":      sets(func(r *run, x, y []any) []any { return append(slices.Clone(x), y...) }),
	"intersect":  sets(func(r *run, x, y []any) []any { return r.keep(x, y, true) }),
	"difference": sets(func(r *run, x, y []any) []any { return r.keep(x, y, false) }),
	"symmetric_difference": sets(func(r *run, x, y []any) []any {
		return append(r.keep(x, y, false), r.keep(y, x, false)...)
	}),
	"zip":   onList(zipFilter),
	"batch": onList(batchFilter),
}

func length(r *run, v any, _ *args) any {
	switch v := v.(type) {
	case string:
		return int64(utf8.RuneCountInString(v))
	case Dict:
		return int64(len(v))
	}
	return int64(len(r.items("the filter length", v)))
}

func at(items []any, i int, a *args) any {
	if i < 0 || i >= len(items) {
		return &Undefined{What: strings.TrimPrefix(a.what, "the filter ") + " of a list without items is undefined"}
	}
	return items[i]
}

func joinFilter(r *run, items []any, a *args) any {
	sep, attribute := a.text("d", ""), a.opt("attribute", nil)
	parts := make([]any, len(items))
	for i, item := range items {
		parts[i] = r.pick(item, attribute)
	}
	return r.join(parts, sep)
}

// pick returns a part of an item by a dotted path; without one, the item.
func (r *run) pick(item, attribute any) any {
	if attribute == nil {
		return item
	}
	if i, ok := attribute.(int64); ok {
		return r.part(item, i)
	}
	for _, name := range strings.Split(r.asText("attribute", r.use(attribute)), ".") {
		if i, ok := parseNumber(name); ok {
			item = r.part(item, i)
			continue
		}
		item = r.part(item, name)
	}
	return item
}

func reverseFilter(r *run, v any, _ *args) any {
	if s, ok := v.(string); ok {
		runes := []rune(s)
		slices.Reverse(runes)
		return r.text(string(runes))
	}
	items := slices.Clone(r.items("the filter reverse", v))
	slices.Reverse(items)
	return items
}

// fold makes what is compared without regard to case.
func fold(v any) any {
	if s, ok := v.(string); ok {
		return strings.ToLower(s)
	}
	return v
}

func sortFilter(r *run, items []any, a *args) any {
	reverse, sensitive, attribute := a.flag("reverse", false), a.flag("case_sensitive", false), a.opt("attribute", nil)
	return r.sort(items, reverse, sensitive, attribute)
}

func (r *run) sort(items []any, reverse, sensitive bool, attribute any) []any {
	type keyed struct{ key, item any }
	all := make([]keyed, len(items))
	for i, item := range items {
		key := r.use(r.pick(item, attribute))
		if !sensitive {
			key = fold(key)
		}
		all[i] = keyed{key, item}
	}
	slices.SortStableFunc(all, func(x, y keyed) int {
		r.charge(0)
		order, ok := compare(x.key, y.key)
		if !ok {
			r.fail("the filter sort: %s cannot be compared with %s", kind(x.key), kind(y.key))
		}
		if reverse {
			return -order
		}
		return order
	})
	ordered := make([]any, len(all))
	for i := range all {
		ordered[i] = all[i].item
	}
	return r.list(ordered)
}

func (r *run) unique(items []any, sensitive bool, attribute any) []any {
	seen := map[string]bool{}
	kept := []any{}
	for _, item := range items {
		key := r.deep(r.pick(item, attribute))
		if !sensitive {
			key = fold(key)
		}
		if id := r.text(identity(key)); !seen[id] {
			seen[id] = true
			kept = append(kept, item)
		}
	}
	return kept
}

func (r *run) extreme(items []any, a *args, sign int) any {
	sensitive, attribute := a.flag("case_sensitive", false), a.opt("attribute", nil)
	if len(items) == 0 {
		return at(items, 0, a)
	}
	ordered := r.sort(items, false, sensitive, attribute)
	if sign < 0 {
		return ordered[0]
	}
	best := ordered[len(ordered)-1]
	for _, item := range ordered { // the first of equals, as in Python
		x, y := r.pick(item, attribute), r.pick(best, attribute)
		if !sensitive {
			x, y = fold(x), fold(y)
		}
		if order, _ := compare(x, y); order == 0 {
			return item
		}
	}
	return best
}

func sumFilter(r *run, items []any, a *args) any {
	attribute, total := a.opt("attribute", nil), r.use(a.opt("start", int64(0)))
	for _, item := range items {
		total = r.add(total, r.use(r.pick(item, attribute)))
	}
	return total
}

func flattenFilter(r *run, items []any, a *args) any {
	levels, skip := a.int("levels", maxNesting), a.flag("skip_nulls", true)
	return r.list(r.flatten(items, levels, skip))
}

func (r *run) flatten(items []any, levels int, skip bool) []any {
	flat := []any{}
	for _, item := range items {
		r.charge(0)
		inner, listed := sequence(r.use(item))
		switch {
		case skip && (item == nil || equal(item, "None") || equal(item, "null")):
		case listed && levels >= 1:
			flat = append(flat, r.flatten(inner, levels-1, skip)...)
		default:
			flat = append(flat, item)
		}
	}
	return flat
}

// sets makes a filter of an operation on two lists, whose result has every item once.
func sets(op func(r *run, x, y []any) []any) filter {
	return pure(func(r *run, v any, a *args) any {
		x, listed := sequence(v)
		y, also := sequence(a.must("b"))
		if !listed || !also {
			r.fail("%s wants two lists", a.what)
		}
		return r.list(r.unique(op(r, x, y), true, nil))
	})
}

// keep returns the items of x that are in y, or those that are not.
func (r *run) keep(x, y []any, in bool) []any {
	known := map[string]bool{}
	for _, item := range y {
		known[r.text(identity(r.deep(item)))] = true
	}
	kept := []any{}
	for _, item := range x {
		if known[r.text(identity(r.deep(item)))] == in {
			kept = append(kept, item)
		}
	}
	return kept
}

func zipFilter(r *run, items []any, a *args) any {
	lists := [][]any{items}
	n := len(items)
	for _, other := range a.rest() {
		list := r.items("the filter zip", r.use(other))
		lists = append(lists, list)
		n = min(n, len(list))
	}
	zipped := make([]any, n)
	for i := range zipped {
		row := make(Tuple, len(lists))
		for j, list := range lists {
			row[j] = list[i]
		}
		r.charge(len(row))
		zipped[i] = row
	}
	return zipped
}

func batchFilter(r *run, items []any, a *args) any {
	size, fill := a.int("linecount", 0), a.opt("fill_with", nil)
	if size < 1 || size > maxItems {
		r.fail("the filter batch: want a size in 1..%d", maxItems)
	}
	rows := []any{}
	for row := range slices.Chunk(items, size) {
		row = slices.Clone(row)
		for fill != nil && len(row) < size {
			row = append(row, fill)
		}
		rows = append(rows, r.list(row))
	}
	return rows
}

// selectFilters call other filters and tests by their names.
var selectFilters = map[string]filter{
	"map":        {apply: mapFilter},
	"select":     {apply: selects(true, false)},
	"reject":     {apply: selects(false, false)},
	"selectattr": {apply: selects(true, true)},
	"rejectattr": {apply: selects(false, true)},
	"groupby":    {apply: groupbyFilter},
}

func mapFilter(r *run, e *exec.Evaluator, v any, a *args) any {
	items := r.items(a.what, v)
	mapped := make([]any, len(items))
	if attribute, ok := a.named["attribute"]; ok {
		delete(a.named, "attribute")
		or, given := a.named["default"]
		delete(a.named, "default")
		for i, item := range items {
			mapped[i] = r.pick(item, r.use(attribute))
			if _, missing := mapped[i].(*Undefined); missing && given {
				mapped[i] = or
			}
		}
		return r.list(mapped)
	}
	name := strings.TrimPrefix(r.asText("map", a.must("filter")), "ansible.builtin.")
	rest, named := a.rest(), a.named
	a.named = nil
	for i, item := range items {
		if !e.Environment.Filters.Exists(name) {
			r.fail("map: there is no such filter")
		}
		mapped[i] = fromLibrary(e.ExecuteFilterByName(name, exec.AsValue(item), toLibrary(rest, named)))
	}
	return r.list(mapped)
}

func toLibrary(list []any, named map[string]any) *exec.VarArgs {
	params := exec.NewVarArgs()
	for _, v := range list {
		params.Args = append(params.Args, exec.AsValue(v))
	}
	for name, v := range named {
		params.Args = append(params.Args, exec.AsValue(&keyword{name, v}))
	}
	return params
}

// selects makes select, reject, selectattr and rejectattr.
func selects(want, attr bool) func(r *run, e *exec.Evaluator, v any, a *args) any {
	return func(r *run, e *exec.Evaluator, v any, a *args) any {
		var attribute any
		if attr {
			attribute = a.must("attribute")
		}
		name := r.asText(a.what, r.use(a.opt("test", "truthy")))
		name = strings.TrimPrefix(name, "ansible.builtin.")
		if !e.Environment.Tests.Exists(name) {
			r.fail("%s: there is no such test", a.what)
		}
		rest, named := a.rest(), a.named
		a.named = nil
		kept := []any{}
		for _, item := range r.items(a.what, v) {
			part := exec.AsValue(r.pick(item, attribute))
			if e.ExecuteTestByName(name, part, toLibrary(rest, named)).IsTrue() == want {
				kept = append(kept, item)
			}
		}
		return r.list(kept)
	}
}

func groupbyFilter(r *run, _ *exec.Evaluator, v any, a *args) any {
	attribute := a.must("attribute")
	or := a.opt("default", nil)
	key := func(item any) any {
		k := r.pick(item, attribute)
		if _, missing := k.(*Undefined); missing && or != nil {
			return or
		}
		return r.use(k)
	}
	groups := []any{}
	last := ""
	for _, item := range r.sort(r.items(a.what, v), false, false, attribute) {
		id := identity(fold(key(item)))
		if len(groups) == 0 || id != last {
			groups = append(groups, Tuple{key(item), []any{}})
			last = id
		}
		group := groups[len(groups)-1].(Tuple)
		group[1] = append(group[1].([]any), item)
	}
	return groups
}
