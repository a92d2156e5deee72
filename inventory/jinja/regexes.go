package jinja

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
)

const maxPattern = 1000 // bytes of a regular expression

var regexFilters = map[string]filter{
	"regex_replace": onText(regexReplace),
	"regex_search":  onText(regexSearch),
	"regex_findall": onText(regexFindall),
	"regex_escape":  onText(func(r *run, s string, _ *args) any { return r.text(pyEscape(s)) }),
}

// pattern compiles a regular expression. Go's take linear time but lack what needs more.
func (r *run) pattern(what, s string, ignorecase, multiline bool) *regexp.Regexp {
	if len(s) > maxPattern {
		r.tooMuch("%s: a regular expression of more than %d bytes", what, maxPattern)
	}
	r.charge(len(s))
	flags := ""
	if ignorecase {
		flags += "i"
	}
	if multiline {
		flags += "m"
	}
	if flags != "" {
		flags = "(?" + flags + ")"
	}
	re, err := regexp.Compile(flags + strings.ReplaceAll(s, `\Z`, `\z`))
	if err == nil {
		return re
	}
	why := "is none"
	var e *syntax.Error
	if errors.As(err, &e) && (e.Code == syntax.ErrInvalidPerlOp || e.Code == syntax.ErrInvalidEscape) {
		why = "uses what is not available here, such as looking ahead or back"
	}
	r.fail("%s: the regular expression %s", what, why)
	return nil
}

// search charges for a walk through a text.
func (r *run) search(re *regexp.Regexp, s string) {
	r.charge(len(s) / 64 * (1 + len(re.String())/16))
}

func regexReplace(r *run, s string, a *args) any {
	p, with := a.text("pattern", ""), a.text("replacement", "")
	re := r.pattern(a.what, p, a.flag("ignorecase", false), a.flag("multiline", false))
	r.search(re, s)
	var b strings.Builder
	last := 0
	for _, m := range allMatches(re, p, s) {
		r.print(&b, s[last:m[0]])
		r.replacement(&b, re, s, m, with)
		last = m[1]
	}
	r.print(&b, s[last:])
	return b.String()
}

// allMatches adds to Go's matches the empty ones that Python finds right behind another.
func allMatches(re *regexp.Regexp, pattern, s string) [][]int {
	found := re.FindAllStringSubmatchIndex(s, -1)
	if !re.MatchString("") || strings.ContainsAny(pattern, `^\`) {
		return found
	}
	var all [][]int
	for i, m := range found {
		all = append(all, m)
		next := i+1 < len(found) && found[i+1][0] == m[1]
		if m[0] == m[1] || next {
			continue
		}
		if e := re.FindStringSubmatchIndex(s[m[1]:]); e != nil && e[0] == 0 && e[1] == 0 {
			for j := range e {
				if e[j] >= 0 {
					e[j] += m[1]
				}
			}
			all = append(all, e)
		}
	}
	return all
}

// replacement writes what Python puts in place of a match: \1, \g<1> and \g<name> are groups.
func (r *run) replacement(b *strings.Builder, re *regexp.Regexp, s string, m []int, with string) {
	for {
		before, rest, found := strings.Cut(with, `\`)
		r.print(b, before)
		if !found {
			return
		}
		if rest == "" {
			r.fail(`regex_replace: the replacement ends with a backslash`)
		}
		if name, ok := strings.CutPrefix(rest, "g<"); ok {
			group, after, _ := strings.Cut(name, ">")
			r.print(b, r.group(re, s, m, group))
			with = after
			continue
		}
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		if digits > 0 && rest[0] != '0' {
			digits = min(digits, 2)
			r.print(b, r.group(re, s, m, rest[:digits]))
			with = rest[digits:]
			continue
		}
		n, ok := writeEscape(b, rest)
		if !ok || n == 0 {
			r.fail(`regex_replace: a backslash in the replacement that means nothing`)
		}
		with = rest[n:]
	}
}

func (r *run) group(re *regexp.Regexp, s string, m []int, name string) string {
	i, err := strconv.Atoi(name)
	if err != nil {
		i = re.SubexpIndex(name)
	}
	if i < 0 || 2*i+1 >= len(m) {
		r.fail("the regular expression has no such group")
	}
	if m[2*i] < 0 {
		return ""
	}
	return s[m[2*i]:m[2*i+1]]
}

func regexSearch(r *run, s string, a *args) any {
	p := a.text("regex", "")
	ignorecase, multiline := truth(takeNamed(a, "ignorecase", false)), truth(takeNamed(a, "multiline", false))
	re := r.pattern(a.what, p, ignorecase, multiline)
	r.search(re, s)
	wanted := a.rest()
	m := re.FindStringSubmatchIndex(s)
	if m == nil {
		return nil
	}
	if len(wanted) == 0 {
		return s[m[0]:m[1]]
	}
	groups := []any{}
	for _, w := range wanted {
		name := r.asText(a.what, r.use(w))
		if !strings.HasPrefix(name, `\`) {
			r.fail(`%s: want groups such as '\1' or '\g<name>'`, a.what)
		}
		name = strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(name, `\`), "g<"), ">")
		groups = append(groups, r.group(re, s, m, name))
	}
	return groups
}

func regexFindall(r *run, s string, a *args) any {
	p, multiline, ignorecase := a.text("regex", ""), a.flag("multiline", false), a.flag("ignorecase", false)
	re := r.pattern(a.what, p, ignorecase, multiline)
	r.search(re, s)
	all := []any{}
	for _, m := range allMatches(re, p, s) {
		row := Tuple{}
		for i := range re.NumSubexp() {
			row = append(row, r.group(re, s, m, strconv.Itoa(i+1)))
		}
		switch len(row) {
		case 0:
			all = append(all, s[m[0]:m[1]])
		case 1:
			all = append(all, row[0])
		default:
			all = append(all, row)
		}
	}
	return r.list(all)
}

// pyEscape is Python's re.escape.
func pyEscape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if strings.IndexByte("()[]{}?*+-|^$\\.&~# \t\n\r\v\f", s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
