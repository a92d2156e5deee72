package jinja

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// convert gives a rendered text the type that Ansible gives it: what looks like a list, a mapping
// or a boolean of Python becomes one, and everything else stays text. Numbers stay text.
func convert(s string) any {
	switch s {
	case "True":
		return true
	case "False":
		return false
	}
	if s == "" || s[0] != '[' && s[0] != '{' {
		return s
	}
	l := literal{s: s}
	v, ok := l.value(1)
	l.space()
	if !ok || l.s != "" {
		return s
	}
	return v
}

// literal reads what Python's ast.literal_eval reads, with the three words of JSON. It cuts what
// it has read off s.
type literal struct{ s string }

func (l *literal) space() { l.s = strings.TrimLeft(l.s, " \t\n\r\f") }

func (l *literal) take(token string) bool {
	l.space()
	rest, ok := strings.CutPrefix(l.s, token)
	if ok {
		l.s = rest
	}
	return ok
}

func (l *literal) value(depth int) (any, bool) {
	if depth > maxNesting {
		return nil, false
	}
	l.space()
	if l.s == "" {
		return nil, false
	}
	switch c := l.s[0]; {
	case c == '[':
		items, ok := l.items("[", "]", depth)
		return items, ok
	case c == '(':
		return l.tuple(depth)
	case c == '{':
		return l.dict(depth)
	case c == '\'' || c == '"':
		return l.strings()
	case c == '-' || c == '+' || c == '.' || c >= '0' && c <= '9':
		return l.number()
	}
	return l.word()
}

// items reads values between two brackets; a comma may stand behind the last.
func (l *literal) items(open, end string, depth int) ([]any, bool) {
	l.take(open)
	items := []any{}
	for !l.take(end) {
		v, ok := l.value(depth + 1)
		if !ok {
			return nil, false
		}
		items = append(items, v)
		if !l.take(",") && !l.ends(end) {
			return nil, false
		}
	}
	return items, true
}

func (l *literal) ends(end string) bool {
	l.space()
	return strings.HasPrefix(l.s, end)
}

// tuple reads round brackets, which are a tuple only with a comma.
func (l *literal) tuple(depth int) (any, bool) {
	before := l.s
	items, ok := l.items("(", ")", depth)
	inner := strings.TrimRight(before[:len(before)-len(l.s)], ") \t\n\r\f")
	if ok && len(items) == 1 && !strings.HasSuffix(inner, ",") {
		return items[0], true
	}
	return items, ok
}

func (l *literal) dict(depth int) (any, bool) {
	l.take("{")
	d := Dict{}
	for !l.take("}") {
		key, ok := l.value(depth + 1)
		if !ok || !isScalar(key) || !l.take(":") {
			return nil, false
		}
		v, ok := l.value(depth + 1)
		if !ok {
			return nil, false
		}
		d = append(d, Pair{key, v})
		if !l.take(",") && !l.ends("}") {
			return nil, false
		}
	}
	return lastWins(d), true
}

// lastWins keeps one pair of each key: the first place and the last value, as in Python.
func lastWins(d Dict) Dict {
	at := make(map[string]int, len(d))
	kept := Dict{}
	for _, p := range d {
		id := identity(p.Key)
		if i, ok := at[id]; ok {
			kept[i].Value = p.Value
			continue
		}
		at[id] = len(kept)
		kept = append(kept, p)
	}
	return kept
}

func isScalar(v any) bool {
	switch v.(type) {
	case nil, bool, int64, float64, string:
		return true
	}
	return false
}

func (l *literal) word() (any, bool) {
	for word, value := range map[string]any{
		"True": true, "False": false, "None": nil, "true": true, "false": false, "null": nil,
	} {
		rest, ok := strings.CutPrefix(l.s, word)
		if r, _ := utf8.DecodeRuneInString(rest); ok && !isNameRune(r) {
			l.s = rest
			return value, true
		}
	}
	return nil, false
}

func (l *literal) number() (any, bool) {
	sign := ""
	for l.s != "" && (l.s[0] == '-' || l.s[0] == '+') {
		if len(sign) > 0 {
			return nil, false
		}
		sign = l.s[:1]
		l.s = l.s[1:]
	}
	end := 0
	for end < len(l.s) && isNumberByte(l.s, end) {
		end++
	}
	v, ok := parseNumber(l.s[:end])
	l.s = l.s[end:]
	if sign == "-" {
		switch n := v.(type) {
		case int64:
			v = -n
		case float64:
			v = -n
		}
	}
	return v, ok
}

func isNumberByte(s string, i int) bool {
	c := s[i]
	if c == '+' || c == '-' {
		return i > 0 && (s[i-1] == 'e' || s[i-1] == 'E') && !strings.HasPrefix(s, "0x")
	}
	return c == '.' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// parseNumber reads a number of Python: decimal without leading zeros, 0x, 0o, 0b, or a float.
func parseNumber(s string) (any, bool) {
	if s == "" || s[0] == '_' || strings.HasSuffix(s, "_") || strings.Contains(s, "__") {
		return nil, false
	}
	plain := strings.ReplaceAll(s, "_", "")
	based := len(plain) > 1 && plain[0] == '0' && strings.ContainsRune("xXoObB", rune(plain[1]))
	if !based && strings.ContainsAny(plain, ".eE") {
		if strings.ContainsAny(plain, "xXpPnN") {
			return nil, false
		}
		f, err := strconv.ParseFloat(plain, 64)
		return f, err == nil
	}
	if !based && len(plain) > 1 && plain[0] == '0' && strings.Trim(plain, "0") != "" {
		return nil, false
	}
	base := 10
	if based {
		base = 0
	}
	i, err := strconv.ParseInt(plain, base, 64)
	return i, err == nil
}

// strings reads one text or several that stand side by side.
func (l *literal) strings() (any, bool) {
	var b strings.Builder
	for l.ends("'") || l.ends(`"`) {
		s, ok := l.string()
		if !ok {
			return nil, false
		}
		b.WriteString(s)
	}
	return b.String(), true
}

func (l *literal) string() (string, bool) {
	quote := l.s[0]
	if strings.HasPrefix(l.s, strings.Repeat(string(quote), 3)) {
		return "", false
	}
	for i := 1; i < len(l.s); i++ {
		switch l.s[i] {
		case '\\':
			i++
		case '\n':
			return "", false
		case quote:
			body := l.s[1:i]
			l.s = l.s[i+1:]
			return unescape(body)
		}
	}
	return "", false
}

// unescape resolves the backslashes of a Python text. Those it does not know stay.
func unescape(s string) (string, bool) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, `\`)
		b.WriteString(before)
		if !found {
			return b.String(), true
		}
		if rest == "" {
			return "", false
		}
		n, ok := writeEscape(&b, rest)
		if !ok {
			return "", false
		}
		s = rest[n:]
	}
}

// writeEscape writes what stands behind a backslash and returns how long that was.
func writeEscape(b *strings.Builder, s string) (length int, ok bool) {
	if i := strings.IndexByte("abfnrtv\\'\"\n", s[0]); i >= 0 {
		b.WriteString([]string{"\a", "\b", "\f", "\n", "\r", "\t", "\v", `\`, "'", `"`, ""}[i])
		return 1, true
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[0]]
	switch {
	case digits > 0 && len(s) > digits:
		return 1 + digits, writeCode(b, s[1:1+digits], 16)
	case digits > 0 || s[0] == 'N':
		return 0, false
	case s[0] >= '0' && s[0] <= '7':
		n := 1
		for n < min(3, len(s)) && s[n] >= '0' && s[n] <= '7' {
			n++
		}
		return n, writeCode(b, s[:n], 8)
	}
	b.WriteByte('\\')
	return 0, true
}

func writeCode(b *strings.Builder, digits string, base int) bool {
	code, err := strconv.ParseUint(digits, base, 32)
	if err != nil || code > utf8.MaxRune {
		return false
	}
	b.WriteRune(rune(code))
	return true
}
