package inventory

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pigsync/pigsync/inventory/jinja"
	"github.com/pigsync/pigsync/inventory/sops"
)

// pair writes an entry of a mapping.
func (p *printer) pair(key, value *node) {
	p.key(pythonKey(key))
	p.value(value)
}

// value writes what Ansible makes of a value, without evaluating or decrypting anything.
func (p *printer) value(n *node) {
	switch {
	case n.src != nil && n.src.sealed || p.Mask && n.secret && n.kind != Null:
		p.text(mask)
	case n.seal != nil && p.flat:
		p.text(mask)
	case n.seal != nil && sops.Sealed(n.seal.cipher):
		p.text(n.seal.cipher)
	case n.seal != nil:
		p.wrapped("__ansible_vault", n.seal.cipher)
	case n.form == unsafe && !p.flat:
		p.wrapped("__ansible_unsafe", n.text)
	case n.form == stamp:
		p.text(strings.Replace(n.text, " ", "T", 1))
	case n.kind == List:
		p.open('[')
		for _, item := range n.list {
			p.item()
			p.value(item)
		}
		p.close(']')
	case n.kind == Map:
		p.mapping(n)
	case n.kind == String:
		p.text(n.text)
	default:
		p.put(pythonScalar(n))
	}
}

func (p *printer) wrapped(key, text string) {
	p.open('{')
	p.key(key)
	p.text(text)
	p.close('}')
}

func (p *printer) mapping(n *node) {
	p.open('{')
	sorted := slices.Clone(n.entries)
	slices.SortStableFunc(sorted, func(x, y entry) int { return compareKeys(x.key, y.key) })
	for _, e := range sorted {
		p.pair(e.key, e.value)
	}
	p.close('}')
}

// compareKeys puts keys in Python's order: numbers by value, texts by their characters. Python does
// not compare the two with each other; here numbers come first.
func compareKeys(x, y *node) int {
	a, numberA := keyNumber(x)
	b, numberB := keyNumber(y)
	switch {
	case numberA && numberB:
		return cmp.Compare(a, b)
	case numberA:
		return -1
	case numberB:
		return 1
	}
	return strings.Compare(x.text, y.text)
}

func keyNumber(n *node) (float64, bool) {
	switch n.kind {
	case Int, Float:
		return number(n)
	case Bool:
		b, _ := yamlBool(n.text)
		if b {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

// pythonKey is the text that Python's json makes of a key.
func pythonKey(n *node) string {
	if n.kind == String {
		return n.text
	}
	return pythonScalar(n)
}

func pythonScalar(n *node) string {
	switch n.kind {
	case Null:
		return "null"
	case Bool:
		return Value{n: n}.String()
	case Int:
		i, _ := bigInt(n.text)
		return i.String()
	}
	f, _ := yamlFloat(n.text)
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return jinja.FormatFloat(f)
}

// text writes a string with the escapes that Python uses.
func (p *printer) text(s string) {
	p.put(`"`)
	begin := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= utf8.RuneSelf || c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		p.put(s[begin:i])
		p.put(escaped(c))
		begin = i + 1
	}
	p.put(s[begin:])
	p.put(`"`)
}

func escaped(c byte) string {
	switch c {
	case '"', '\\':
		return `\` + string(c)
	case '\n':
		return `\n`
	case '\r':
		return `\r`
	case '\t':
		return `\t`
	case '\b':
		return `\b`
	case '\f':
		return `\f`
	}
	return fmt.Sprintf(`\u%04x`, c)
}

// maxShown is how much of a value Shown prints.
const maxShown = 200

// Shown is the value as written, in JSON on one line, cut when it is long. What a secret name holds,
// what was encrypted and what was decrypted is masked.
func (v Value) Shown() string {
	var b strings.Builder
	p := newPrinter(&b, Listing{Mask: true})
	p.flat = true
	p.value(v.orNull())
	_ = p.w.Flush() // a Builder takes everything
	if runes := []rune(b.String()); len(runes) > maxShown {
		return string(runes[:maxShown]) + "…"
	}
	return b.String()
}
