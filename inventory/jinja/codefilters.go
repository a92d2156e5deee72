package jinja

import (
	"crypto/md5"  //nolint:gosec // Ansible's filter of that name
	"crypto/sha1" //nolint:gosec // Ansible's filter of that name
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

var codeFilters = map[string]filter{
	"b64encode": onText(func(r *run, s string, _ *args) any {
		return r.text(base64.StdEncoding.EncodeToString([]byte(s)))
	}),
	"b64decode":    onText(b64decode),
	"to_json":      asNative(pure(toJSON)),
	"to_nice_json": asNative(pure(toNiceJSON)),
	"from_json":    onText(fromJSON),
	"hash":         onText(hashFilter),
	"md5":          onText(func(_ *run, s string, _ *args) any { return digest("md5", s) }),
	"sha1":         onText(func(_ *run, s string, _ *args) any { return digest("sha1", s) }),
	"checksum":     onText(func(_ *run, s string, _ *args) any { return digest("sha1", s) }),
}

func b64decode(r *run, s string, _ *args) any {
	decoded, err := base64.StdEncoding.DecodeString(s)
	if err != nil || !utf8.Valid(decoded) {
		r.fail("the filter b64decode: not a text in base64")
	}
	return string(decoded)
}

func hashFilter(r *run, s string, a *args) any {
	kind := a.text("hashtype", "sha1")
	if digest(kind, "") == "" {
		r.fail("the filter hash: want one of md5, sha1, sha224, sha256, sha384, sha512")
	}
	return digest(kind, s)
}

// digest returns nothing when there is no such hash.
func digest(kind, s string) string {
	switch kind {
	case "md5":
		sum := md5.Sum([]byte(s)) //nolint:gosec // as above
		return hex.EncodeToString(sum[:])
	case "sha1":
		sum := sha1.Sum([]byte(s)) //nolint:gosec // as above
		return hex.EncodeToString(sum[:])
	case "sha224":
		sum := sha256.Sum224([]byte(s))
		return hex.EncodeToString(sum[:])
	case "sha256":
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:])
	case "sha384":
		sum := sha512.Sum384([]byte(s))
		return hex.EncodeToString(sum[:])
	case "sha512":
		sum := sha512.Sum512([]byte(s))
		return hex.EncodeToString(sum[:])
	}
	return ""
}

// jsonStyle is how Python's json.dumps is told to write.
type jsonStyle struct {
	indent int // negative for one line
	sort   bool
	comma  string
}

func toJSON(r *run, v any, a *args) any {
	style := jsonStyle{indent: -1, sort: truth(takeNamed(a, "sort_keys", false)), comma: ", "}
	if indent, ok := takeNamed(a, "indent", nil).(int64); ok {
		style.indent, style.comma = int(indent), ","
	}
	return r.json(style, v)
}

func toNiceJSON(r *run, v any, a *args) any {
	return r.json(jsonStyle{indent: a.int("indent", 4), sort: a.flag("sort_keys", true), comma: ","}, v)
}

func (r *run) json(style jsonStyle, v any) string {
	if style.indent > 64 {
		r.fail("to_json: want an indent of at most 64")
	}
	var b strings.Builder
	r.writeJSON(&b, style, r.deep(v), 1)
	return r.text(b.String())
}

func (r *run) writeJSON(b *strings.Builder, style jsonStyle, v any, level int) {
	r.charge(0)
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		fmt.Fprintf(b, "%t", v)
	case string:
		writeJSONText(b, v)
	case Dict:
		r.writeJSONDict(b, style, v, level)
	default:
		items, listed := sequence(v)
		if !listed {
			b.WriteString(jsonNumber(v))
			return
		}
		style.wrap(b, "[]", len(items), level, func(i int) { r.writeJSON(b, style, items[i], level+1) })
	}
	if b.Len() > 4*maxText {
		r.tooMuch("makes a text of more than %d KiB", maxText>>10)
	}
}

func jsonNumber(v any) string {
	s := repr(v)
	if word := map[string]string{"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}[s]; word != "" {
		return word
	}
	return s
}

func (s jsonStyle) wrap(b *strings.Builder, brackets string, n, level int, item func(i int)) {
	b.WriteByte(brackets[0])
	for i := range n {
		if i > 0 {
			b.WriteString(s.comma)
		}
		s.line(b, level)
		item(i)
	}
	if n > 0 {
		s.line(b, level-1)
	}
	b.WriteByte(brackets[1])
}

func (s jsonStyle) line(b *strings.Builder, level int) {
	if s.indent >= 0 {
		b.WriteString("\n" + strings.Repeat(" ", s.indent*level))
	}
}

func (r *run) writeJSONDict(b *strings.Builder, style jsonStyle, d Dict, level int) {
	if style.sort {
		d = slices.Clone(d)
		slices.SortStableFunc(d, func(x, y Pair) int {
			order, ok := compare(x.Key, y.Key)
			if !ok {
				r.fail("to_json: keys of different types cannot be sorted")
			}
			return order
		})
	}
	style.wrap(b, "{}", len(d), level, func(i int) {
		key := pyStr(d[i].Key)
		switch k := d[i].Key.(type) {
		case nil:
			key = "null"
		case bool:
			key = fmt.Sprint(k)
		}
		writeJSONText(b, key)
		b.WriteString(": ")
		r.writeJSON(b, style, d[i].Value, level+1)
	})
}

// writeJSONText writes a text with nothing but ASCII in it.
func writeJSONText(b *strings.Builder, s string) {
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case strings.ContainsRune("\n\r\t\b\f", c):
			b.WriteByte('\\')
			b.WriteByte("nrtbf"[strings.IndexRune("\n\r\t\b\f", c)])
		case c >= 0x20 && c < 0x7f:
			b.WriteRune(c)
		case c >= 0x10000:
			c -= 0x10000
			fmt.Fprintf(b, `\u%04x\u%04x`, 0xd800+c>>10, 0xdc00+c&0x3ff)
		default:
			fmt.Fprintf(b, `\u%04x`, c)
		}
	}
	b.WriteByte('"')
}

func fromJSON(r *run, s string, _ *args) any {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	v := r.readJSON(d, 1)
	if _, err := d.Token(); err != io.EOF {
		r.fail("the filter from_json: not JSON")
	}
	return v
}

// readJSON reads one value; it keeps the order of keys, which a Go map would not.
func (r *run) readJSON(d *json.Decoder, depth int) any {
	r.charge(0)
	t, err := d.Token()
	if err != nil || depth > maxNesting {
		r.fail("the filter from_json: not JSON, or nested too deep")
	}
	switch t := t.(type) {
	case json.Number:
		v, ok := parseNumber(strings.TrimPrefix(t.String(), "-"))
		if !ok {
			r.fail("the filter from_json: a number that is too large")
		}
		if strings.HasPrefix(t.String(), "-") {
			return r.negate(v)
		}
		return v
	case json.Delim:
		if t == '[' {
			items := []any{}
			for d.More() {
				items = append(items, r.readJSON(d, depth+1))
			}
			r.close(d)
			return r.list(items)
		}
		return r.readJSONDict(d, depth)
	}
	return t
}

func (r *run) readJSONDict(d *json.Decoder, depth int) Dict {
	dict := Dict{}
	for d.More() {
		key := r.readJSON(d, depth+1)
		dict = append(dict, Pair{key, r.readJSON(d, depth+1)})
	}
	r.close(d)
	r.room(len(dict))
	return lastWins(dict)
}

func (r *run) close(d *json.Decoder) {
	if _, err := d.Token(); err != nil {
		r.fail("the filter from_json: not JSON")
	}
}
