package jinja

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// textMethod is a method of Python's str.
func (r *run) textMethod(s, name string, a *args) (any, bool) {
	r.charge(len(s) / 16)
	switch name {
	case "lower":
		return strings.ToLower(s), true
	case "upper":
		return r.text(strings.ToUpper(s)), true
	case "title":
		return pyTitle(s), true
	case "capitalize":
		return capitalize(s), true
	case "strip", "lstrip", "rstrip":
		return strip(name, s, a), true
	case "split":
		return r.split(s, a), true
	case "rsplit":
		return r.rsplit(s, a), true
	case "splitlines":
		return r.list(anyList(splitLines(s))), true
	case "replace":
		return r.replace(s, a.text("old", ""), a.text("new", ""), a.int("count", -1)), true
	case "join":
		return r.join(r.items("the method join", a.must("items")), s), true
	case "zfill", "ljust", "rjust":
		return r.pad(name, s, a), true
	case "format":
		return r.braceFormat(s, a), true
	}
	return textTest(s, name, a)
}

// textTest is a method that asks something.
func textTest(s, name string, a *args) (any, bool) {
	switch name {
	case "startswith":
		return strings.HasPrefix(s, a.text("prefix", "")), true
	case "endswith":
		return strings.HasSuffix(s, a.text("suffix", "")), true
	case "removeprefix":
		return strings.TrimPrefix(s, a.text("prefix", "")), true
	case "removesuffix":
		return strings.TrimSuffix(s, a.text("suffix", "")), true
	case "find":
		return runeIndex(s, strings.Index(s, a.text("sub", ""))), true
	case "rfind":
		return runeIndex(s, strings.LastIndex(s, a.text("sub", ""))), true
	case "count":
		return int64(strings.Count(s, a.text("sub", ""))), true
	case "isdigit":
		return every(s, unicode.IsDigit), true
	case "isalpha":
		return every(s, unicode.IsLetter), true
	case "isalnum":
		return every(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }), true
	}
	return nil, false
}

func every(s string, is func(rune) bool) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return !is(r) }) < 0
}

func runeIndex(s string, i int) int64 {
	if i < 0 {
		return -1
	}
	return int64(utf8.RuneCountInString(s[:i]))
}

func capitalize(s string) string {
	_, n := utf8.DecodeRuneInString(s)
	return strings.ToUpper(s[:n]) + strings.ToLower(s[n:])
}

// pyTitle begins every run of letters with a capital.
func pyTitle(s string) string {
	inside := false
	return strings.Map(func(r rune) rune {
		letter := unicode.IsLetter(r)
		defer func() { inside = letter }()
		if inside {
			return unicode.ToLower(r)
		}
		return unicode.ToTitle(r)
	}, s)
}

func strip(name, s string, a *args) string {
	trim := unicode.IsSpace
	if chars, ok := a.opt("chars", nil).(string); ok {
		trim = func(r rune) bool { return strings.ContainsRune(chars, r) }
	}
	if name != "rstrip" {
		s = strings.TrimLeftFunc(s, trim)
	}
	if name != "lstrip" {
		s = strings.TrimRightFunc(s, trim)
	}
	return s
}

func splitLines(s string) []string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

// split cuts at a separator or, without one, at white space.
func (r *run) split(s string, a *args) []any {
	sep, most := a.opt("sep", nil), a.int("maxsplit", -1)
	if sep == nil {
		return r.list(anyList(fields(s, most)))
	}
	if most >= 0 {
		most++
	}
	return r.list(anyList(strings.SplitN(s, r.separator(sep), most)))
}

func (r *run) separator(v any) string {
	sep, ok := r.use(v).(string)
	if !ok || sep == "" {
		r.fail("split: want a separator that is not empty")
	}
	return sep
}

// fields splits at white space, at most so many times.
func fields(s string, most int) []string {
	var parts []string
	for {
		s = strings.TrimLeftFunc(s, unicode.IsSpace)
		if s == "" {
			return parts
		}
		end := strings.IndexFunc(s, unicode.IsSpace)
		if end < 0 || len(parts) == most {
			return append(parts, s)
		}
		parts = append(parts, s[:end])
		s = s[end:]
	}
}

func (r *run) rsplit(s string, a *args) []any {
	sep, most := a.opt("sep", nil), a.int("maxsplit", -1)
	if sep == nil {
		if most >= 0 {
			r.fail("rsplit: a limit wants a separator")
		}
		return r.list(anyList(fields(s, -1)))
	}
	parts := strings.Split(s, r.separator(sep))
	if most >= 0 && len(parts) > most+1 {
		head := strings.Join(parts[:len(parts)-most], r.separator(sep))
		parts = append([]string{head}, parts[len(parts)-most:]...)
	}
	return r.list(anyList(parts))
}

func (r *run) replace(s, from, to string, count int) string {
	n := strings.Count(s, from)
	if count >= 0 {
		n = min(n, count)
	}
	if len(s)+n*(len(to)-len(from)) > maxText {
		r.tooMuch("makes a text of more than %d KiB", maxText>>10)
	}
	return r.text(strings.Replace(s, from, to, count))
}

func (r *run) join(items []any, sep string) string {
	var b strings.Builder
	for i, item := range items {
		if i > 0 {
			r.print(&b, sep)
		}
		r.print(&b, pyStr(r.deep(item)))
	}
	return b.String()
}

func (r *run) pad(name, s string, a *args) string {
	width := a.int("width", 0)
	fill := "0"
	if name != "zfill" {
		fill = a.text("fillchar", " ")
	}
	missing := width - utf8.RuneCountInString(s)
	if missing > maxText || len(fill) == 0 {
		r.tooMuch("makes a text of more than %d KiB", maxText>>10)
	}
	padding := strings.Repeat(fill, max(0, missing))
	switch {
	case name == "ljust":
		return r.text(s + padding)
	case name == "zfill" && s != "" && (s[0] == '-' || s[0] == '+'):
		return r.text(s[:1] + padding + s[1:])
	}
	return r.text(padding + s)
}

// format is Python's text % values with the verbs that are of use in an inventory.
func (r *run) format(format string, values []any) string {
	var b strings.Builder
	used := 0
	for {
		before, rest, found := strings.Cut(format, "%")
		r.print(&b, before)
		if !found {
			break
		}
		end := strings.IndexFunc(rest, func(c rune) bool { return !strings.ContainsRune("0123456789-.", c) })
		if end < 0 {
			r.fail("%%: the format ends in the middle of a verb")
		}
		flags, verb := rest[:end], rest[end]
		format = rest[end+1:]
		if verb == '%' {
			r.print(&b, "%")
			continue
		}
		if used == len(values) {
			r.fail("%%: more verbs than values")
		}
		r.print(&b, r.verb(flags, verb, r.deep(values[used])))
		used++
	}
	if used < len(values) {
		r.fail("%%: more values than verbs")
	}
	return b.String()
}

func (r *run) verb(flags string, verb byte, v any) string {
	width, precision, dotted := strings.Cut(flags, ".")
	var s string
	switch verb {
	case 's':
		s = pyStr(v)
		if n, err := strconv.Atoi(precision); dotted && err == nil && n < utf8.RuneCountInString(s) {
			s = string([]rune(s)[:n])
		}
	case 'd', 'i':
		s = strconv.FormatInt(r.whole("%d", v), 10)
	case 'x':
		s = strconv.FormatInt(r.whole("%x", v), 16)
	case 'o':
		s = strconv.FormatInt(r.whole("%o", v), 8)
	case 'f':
		digits := 6
		if n, err := strconv.Atoi(precision); dotted && err == nil {
			digits = min(n, 100)
		}
		_, f, _, ok := asNumber(v)
		if !ok {
			r.fail("%%f wants a number, got %s", kind(v))
		}
		s = strconv.FormatFloat(f, 'f', digits, 64)
	default:
		r.fail("%%: only the verbs s, d, x, o and f are available here")
	}
	return r.widen(s, width, verb)
}

func (r *run) whole(verb string, v any) int64 {
	i, f, isInt, ok := asNumber(v)
	if !ok {
		r.fail("%s wants a number, got %s", verb, kind(v))
	}
	if !isInt {
		return int64(f)
	}
	return i
}

func (r *run) widen(s, width string, verb byte) string {
	left := strings.HasPrefix(width, "-")
	width = strings.TrimPrefix(width, "-")
	n, err := strconv.Atoi(width)
	if width != "" && (err != nil || n > maxText) {
		r.fail("%%: a width that cannot be read")
	}
	missing := max(0, n-utf8.RuneCountInString(s))
	switch {
	case left:
		return s + strings.Repeat(" ", missing)
	case strings.HasPrefix(width, "0") && verb != 's':
		sign := len(s) - len(strings.TrimPrefix(s, "-"))
		return s[:sign] + strings.Repeat("0", missing) + s[sign:]
	}
	return strings.Repeat(" ", missing) + s
}

// braceFormat is Python's text.format(…) with {}, {0} and {name}.
func (r *run) braceFormat(format string, a *args) string {
	values, named := a.rest(), a.named
	a.named = nil
	var b strings.Builder
	next := 0
	for {
		before, rest, found := strings.Cut(format, "{")
		r.print(&b, strings.ReplaceAll(before, "}}", "}"))
		if !found {
			return b.String()
		}
		if strings.HasPrefix(rest, "{") {
			r.print(&b, "{")
			format = rest[1:]
			continue
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			r.fail("format: { is never closed")
		}
		v, ok := named[name]
		if i, err := strconv.Atoi(name); name == "" || err == nil {
			if name == "" {
				i = next
				next++
			}
			if ok = i >= 0 && i < len(values); ok {
				v = values[i]
			}
		}
		if !ok {
			r.fail("format: only {}, {0} and {name} with a value for each are available here")
		}
		r.print(&b, r.str(v))
		format = after
	}
}
