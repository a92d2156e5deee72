package jinja

import (
	"net/url"
	"path"
	"strings"
	"unicode"
)

var textFilters = map[string]filter{
	"lower":      onText(func(_ *run, s string, _ *args) any { return strings.ToLower(s) }),
	"upper":      onText(func(r *run, s string, _ *args) any { return r.text(strings.ToUpper(s)) }),
	"capitalize": onText(func(_ *run, s string, _ *args) any { return capitalize(s) }),
	"title":      onText(func(_ *run, s string, _ *args) any { return jinjaTitle(s) }),
	"trim":       onText(func(_ *run, s string, a *args) any { return strip("strip", s, a) }),
	"replace": onText(func(r *run, s string, a *args) any {
		from, to := a.must("s"), a.must("new")
		return r.replace(s, r.asText("replace", from), r.asText("replace", to), a.int("count", -1))
	}),
	"split": pure(func(r *run, v any, a *args) any {
		s, ok := v.(string)
		if !ok {
			r.fail("the filter split wants text, got %s", kind(v))
		}
		return r.split(s, a)
	}),
	"format": pure(func(r *run, v any, a *args) any {
		return r.format(r.asText("format", v), a.rest())
	}),
	"center": onText(func(r *run, s string, a *args) any {
		width := a.int("width", 80)
		missing := max(0, width-len([]rune(s)))
		if missing > maxText {
			r.tooMuch("makes a text of more than %d KiB", maxText>>10)
		}
		left := missing/2 + missing&width&1
		return r.text(strings.Repeat(" ", left) + s + strings.Repeat(" ", missing-left))
	}),
	"indent":    onText(indentFilter),
	"wordcount": onText(func(_ *run, s string, _ *args) any { return int64(len(strings.Fields(s))) }),
	"quote":     pure(func(r *run, v any, _ *args) any { return r.text(shellQuote(text(r.deep(v)))) }),
	"basename":  onText(func(_ *run, s string, _ *args) any { return s[strings.LastIndexByte(s, '/')+1:] }),
	"dirname":   onText(func(_ *run, s string, _ *args) any { return dirname(s) }),
	"splitext": onText(func(_ *run, s string, _ *args) any {
		base := s[strings.LastIndexByte(s, '/')+1:]
		ext := path.Ext(base)
		if strings.Trim(strings.TrimSuffix(base, ext), ".") == "" {
			ext = ""
		}
		return Tuple{strings.TrimSuffix(s, ext), ext}
	}),
	"path_join": pure(func(r *run, v any, _ *args) any {
		if s, ok := v.(string); ok {
			return s
		}
		joined := ""
		for _, item := range r.items("the filter path_join", v) {
			part := r.asText("path_join", r.use(item))
			switch {
			case strings.HasPrefix(part, "/") || joined == "":
				joined = part
			case strings.HasSuffix(joined, "/"):
				joined += part
			default:
				joined += "/" + part
			}
			r.text(joined)
		}
		return joined
	}),
	"urlencode": onText(func(r *run, s string, _ *args) any { return r.text(urlQuote(s)) }),
	"urldecode": onText(func(r *run, s string, _ *args) any {
		decoded, err := url.QueryUnescape(s)
		if err != nil {
			r.fail("the filter urldecode: not an encoded text")
		}
		return decoded
	}),
}

// jinjaTitle is Jinja's title, which knows other borders of words than Python's.
func jinjaTitle(s string) string {
	var b strings.Builder
	for _, word := range splitKeeping(s) {
		b.WriteString(capitalize(word))
	}
	return b.String()
}

// splitKeeping cuts before and behind each run of -, white space and opening brackets.
func splitKeeping(s string) []string {
	border := func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("-({[<", r) }
	var parts []string
	start, inBorder := 0, false
	for i, r := range s {
		if b := border(r); b != inBorder {
			parts = append(parts, s[start:i])
			start, inBorder = i, b
		}
	}
	return append(parts, s[start:])
}

func indentFilter(r *run, s string, a *args) any {
	prefix := ""
	switch width := r.use(a.opt("width", int64(4))).(type) {
	case int64:
		if width < 0 || width > maxText {
			r.fail("the filter indent: want a width that fits")
		}
		prefix = strings.Repeat(" ", int(width))
	case string:
		prefix = width
	}
	first, blank := a.flag("first", false), a.flag("blank", false)
	var b strings.Builder
	for i, line := range strings.Split(s, "\n") {
		if i > 0 {
			r.print(&b, "\n")
		}
		if (i > 0 || first) && (blank || line != "" || i == 0) {
			r.print(&b, prefix)
		}
		r.print(&b, line)
	}
	return b.String()
}

// shellQuote quotes as Python's shlex does.
func shellQuote(s string) string {
	const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-"
	if s != "" && strings.Trim(s, safe) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
}

// dirname is Python's os.path.dirname, which does not tidy up.
func dirname(s string) string {
	head := s[:strings.LastIndexByte(s, '/')+1]
	if strings.Trim(head, "/") == "" {
		return head
	}
	return strings.TrimRight(head, "/")
}

func urlQuote(s string) string {
	const safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-~/"
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; strings.IndexByte(safe, c) >= 0 {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}
