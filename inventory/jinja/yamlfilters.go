package jinja

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// yamlFilters read and write YAML as Ansible's do. What PyYAML would fold over several lines, or write
// with escapes, is refused: it is never written in another way than Ansible would.
var yamlFilters = map[string]filter{
	"from_yaml": pure(fromYAML),
	"to_yaml": asNative(pure(func(r *run, v any, a *args) any {
		return r.yaml(yamlStyle{indent: a.int("indent", 2), ordered: a.flag("sort_keys", true), width: a.int("width", 80), flow: true}, v)
	})),
	"to_nice_yaml": asNative(pure(func(r *run, v any, a *args) any {
		return r.yaml(yamlStyle{indent: a.int("indent", 4), ordered: a.flag("sort_keys", true), width: a.int("width", 80)}, v)
	})),
}

// fromYAML reads a text; anything else is already what it would be read as.
func fromYAML(r *run, v any, _ *args) any {
	s, ok := v.(string)
	if !ok {
		return v
	}
	return r.deep(r.readYAML("from_yaml", s))
}

func (r *run) readYAML(what, s string) any {
	if r.world.YAML == nil {
		r.fail("the filter %s: there is nothing to read YAML with", what)
	}
	r.charge(len(s) / 16)
	v, err := r.world.YAML(s)
	if err != nil {
		r.fail("the filter %s: %s", what, err.Error())
	}
	return v
}

// yamlStyle is how PyYAML is told to write.
type yamlStyle struct {
	indent, width int
	ordered       bool // by keys
	flow          bool // what has nothing but scalars in it stands on one line
}

// yamlWriter writes one document.
type yamlWriter struct {
	*run
	yamlStyle
	b strings.Builder
}

func (r *run) yaml(style yamlStyle, v any) string {
	if style.indent < 2 || style.indent > 9 {
		r.fail("to_yaml: want an indent of 2 to 9")
	}
	w := &yamlWriter{run: r, yamlStyle: style}
	v = r.deep(v)
	switch {
	case !isCollection(v):
		w.scalar(v, false)
		w.b.WriteString("\n")
	case w.inline(v):
		w.oneLine(v)
		w.b.WriteString("\n")
	default:
		w.block(v, 0)
	}
	for line := range strings.Lines(w.b.String()) {
		if utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > style.width {
			r.fail("to_yaml: a line of more than %d characters, which would be folded: use to_json, which is YAML too", style.width)
		}
	}
	return r.text(w.b.String())
}

func isCollection(v any) bool {
	_, listed := sequence(v)
	_, mapped := v.(Dict)
	return listed || mapped
}

// inline tells whether a collection stands on one line.
func (w *yamlWriter) inline(v any) bool {
	if d, ok := v.(Dict); ok {
		return len(d) == 0 || w.flow && !slices.ContainsFunc(d, func(p Pair) bool { return isCollection(p.Value) })
	}
	items, _ := sequence(v)
	return len(items) == 0 || w.flow && !slices.ContainsFunc(items, isCollection)
}

func (w *yamlWriter) oneLine(v any) {
	d, mapped := v.(Dict)
	if !mapped {
		items, _ := sequence(v)
		w.b.WriteString("[")
		for i, item := range items {
			w.comma(i)
			w.scalar(item, true)
		}
		w.b.WriteString("]")
		return
	}
	w.b.WriteString("{")
	for i, p := range w.sorted(d) {
		w.comma(i)
		w.key(p.Key, true)
		w.b.WriteString(" ")
		w.scalar(p.Value, true)
	}
	w.b.WriteString("}")
}

func (w *yamlWriter) comma(i int) {
	if i > 0 {
		w.b.WriteString(", ")
	}
}

// block writes a collection over several lines, the first of which has begun.
func (w *yamlWriter) block(v any, column int) {
	w.charge(0)
	d, mapped := v.(Dict)
	items, _ := sequence(v)
	for i, item := range items {
		w.begin(i, column)
		w.b.WriteString("-" + strings.Repeat(" ", w.indent-1))
		w.under(item, column+w.indent, true)
	}
	if !mapped {
		return
	}
	for i, p := range w.sorted(d) {
		w.begin(i, column)
		w.key(p.Key, false)
		_, listed := sequence(p.Value)
		switch {
		case !isCollection(p.Value) || w.inline(p.Value):
			w.b.WriteString(" ")
			w.under(p.Value, column, true)
		case listed:
			w.b.WriteString("\n" + strings.Repeat(" ", column))
			w.under(p.Value, column, false) // the items of a list stand below the key itself
		default:
			w.b.WriteString("\n" + strings.Repeat(" ", column+w.indent))
			w.under(p.Value, column+w.indent, false)
		}
	}
}

// begin begins a line; the first one has begun already.
func (w *yamlWriter) begin(i, column int) {
	if i > 0 {
		w.b.WriteString(strings.Repeat(" ", column))
	}
}

// under writes a value and the end of its line. Of what stands on the line of a dash, PyYAML puts one
// blank before a scalar, however deep it indents.
func (w *yamlWriter) under(v any, column int, sameLine bool) {
	switch {
	case isCollection(v) && !w.inline(v):
		w.block(v, column)
		return
	case sameLine:
		text := strings.TrimRight(w.b.String(), " ")
		w.b.Reset()
		w.b.WriteString(text + " ")
	}
	if isCollection(v) {
		w.oneLine(v)
	} else {
		w.scalar(v, false)
	}
	w.b.WriteString("\n")
}

// sorted returns pairs in the order of their keys, as far as those can be compared.
func (w *yamlWriter) sorted(d Dict) Dict {
	if !w.ordered {
		return d
	}
	comparable := true
	s := slices.Clone(d)
	slices.SortStableFunc(s, func(x, y Pair) int {
		order, ok := compare(x.Key, y.Key)
		comparable = comparable && ok
		return order
	})
	if !comparable {
		return d
	}
	return s
}

func (w *yamlWriter) key(k any, flow bool) {
	before := w.b.Len()
	if w.scalar(k, flow); w.b.Len()-before > 100 {
		w.fail("to_yaml: a key of more than 100 characters: use to_json, which is YAML too")
	}
	w.b.WriteString(":")
}

// scalar writes a value without parts.
func (w *yamlWriter) scalar(v any, flow bool) {
	s, isText := v.(string)
	if !isText {
		w.b.WriteString(yamlWord(v))
		return
	}
	for _, c := range s {
		if c < 0x20 || c == 0x7f || c == 0x85 || c >= 0x80 && c < 0xa0 || c == 0x2028 || c == 0x2029 || c == 0xfeff || c > 0xffff || c == utf8.RuneError {
			w.fail("to_yaml: a text with line breaks or unusual characters: use to_json, which is YAML too")
		}
	}
	if !w.plain(s, flow) {
		s = "'" + strings.ReplaceAll(s, "'", "''") + "'"
	}
	w.b.WriteString(s)
}

func yamlWord(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case float64:
		switch {
		case math.IsNaN(v):
			return ".nan"
		case math.IsInf(v, 0):
			return strings.Replace(repr(v), "inf", ".inf", 1)
		}
		word := repr(v)
		if !strings.Contains(word, ".") {
			word = strings.Replace(word, "e", ".0e", 1)
		}
		return word
	}
	return strings.ToLower(repr(v))
}

// plain tells whether a text needs no quotes: nothing in it is an indicator, and it is read as text.
func (w *yamlWriter) plain(s string, flow bool) bool {
	if s == "" || s[0] == ' ' || s[len(s)-1] == ' ' || strings.HasPrefix(s, "---") || strings.HasPrefix(s, "...") {
		return false
	}
	blank := func(i int) bool { return i < 0 || i >= len(s) || s[i] == ' ' }
	for i := range len(s) {
		c := s[i]
		switch {
		case i == 0 && strings.IndexByte("#,[]{}&*!|>'\"%@`", c) >= 0,
			i == 0 && (c == '?' || c == ':') && (flow || blank(1)),
			i == 0 && c == '-' && blank(1),
			i > 0 && flow && strings.IndexByte(",?[]{}:", c) >= 0,
			i > 0 && c == ':' && blank(i+1),
			i > 0 && c == '#' && blank(i-1):
			return false
		}
	}
	if w.world.YAML == nil {
		return false
	}
	w.charge(len(s) / 16)
	v, err := w.world.YAML(s)
	return err == nil && v == any(s) && s != "<<"
}
