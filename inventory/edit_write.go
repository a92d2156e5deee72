package inventory

import (
	"fmt"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"
)

// maxInline is how long a list or mapping may be on one line where there is a choice.
const maxInline = 80

// inline writes a value on one line; a text in the quotes of the style when it has some.
func inline(value any, style yaml.Style) (string, error) {
	n, err := newNode(value)
	if err != nil {
		return "", err
	}
	if _, ok := value.(string); ok {
		return scalarText(n.text, style), nil
	}
	return flowText(n), nil
}

func inlinePair(key string, value any) (string, error) {
	n, err := newNode(value)
	if err != nil {
		return "", err
	}
	return scalarText(key, 0) + ": " + flowText(n), nil
}

func flowText(n *node) string {
	var parts []string
	switch n.kind {
	case Null:
		return "null"
	case String:
		return scalarText(n.text, 0)
	case List:
		for _, item := range n.list {
			parts = append(parts, flowText(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case Map:
		if len(n.entries) == 0 {
			return "{}"
		}
		for _, e := range n.entries {
			parts = append(parts, scalarText(e.key.text, 0)+": "+flowText(e.value))
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	}
	return n.text
}

// block writes a value on lines of its own; column is where they will begin.
func block(value any, column int) ([]string, error) {
	n, err := newNode(value)
	if err != nil {
		return nil, err
	}
	return blockLines(n, maxInline-column), nil
}

func blockPair(key string, value any) ([]string, error) {
	n, err := newNode(value)
	if err != nil {
		return nil, err
	}
	return pairLines(entry{textNode(key), n}, maxInline), nil
}

func blockItem(value any) ([]string, error) {
	n, err := newNode(value)
	if err != nil {
		return nil, err
	}
	return itemLines(n, maxInline), nil
}

// blockLines writes a list or a mapping in block style, anything else on one line.
func blockLines(n *node, room int) []string {
	var lines []string
	for _, e := range n.entries {
		lines = append(lines, pairLines(e, room)...)
	}
	for _, item := range n.list {
		lines = append(lines, itemLines(item, room)...)
	}
	if lines == nil {
		return []string{flowText(n)}
	}
	return lines
}

func pairLines(e entry, room int) []string {
	key := scalarText(e.key.text, 0) + ":"
	if line := key + " " + flowText(e.value); fits(e.value, line, room) {
		return []string{line}
	}
	return append([]string{key}, indented("  ", "  ", blockLines(e.value, room-2))...)
}

func itemLines(n *node, room int) []string {
	if line := "- " + flowText(n); fits(n, line, room) {
		return []string{line}
	}
	return indented("- ", "  ", blockLines(n, room-2))
}

func fits(n *node, line string, room int) bool {
	return n.kind != List && n.kind != Map || len(n.list)+len(n.entries) == 0 || len(line) <= room
}

func indented(first, rest string, lines []string) []string {
	for i := range lines {
		lines[i] = first + lines[i]
		first = rest
	}
	return lines
}

// scalarText writes a text so that YAML 1.1, which Ansible reads, and YAML 1.2 read the same
// text: in the quotes of the style, or plainly when that is safe.
func scalarText(s string, style yaml.Style) string {
	const quotes = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle
	switch {
	case strings.ContainsFunc(s, needsEscape) || style&yaml.DoubleQuotedStyle != 0:
		return doubleQuoted(s)
	case style&quotes == 0 && isPlainSafe(s):
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// isPlainSafe reports whether a text needs no quotes anywhere, whoever reads it.
func isPlainSafe(s string) bool {
	const first = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_/"
	if s == "" || !only(s, first+digits+".@+-") {
		return false
	}
	if strings.IndexByte(first, s[0]) >= 0 {
		return !isWord(s)
	}
	return isAddress(s)
}

// isWord reports whether a word means something else than itself to some reader of YAML.
func isWord(s string) bool {
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf":
		return true
	}
	return false
}

// isAddress reports whether a text is an IPv4 address, perhaps with a mask: no number or date.
func isAddress(s string) bool {
	return only(s, "0123456789./") && strings.Count(s, ".") == 3 && s[0] != '.' && s[0] != '/'
}

func needsEscape(r rune) bool {
	return r != ' ' && !unicode.IsPrint(r) || r == 0x85 || r == 0xFEFF || r == 0x2028 || r == 0x2029
}

func doubleQuoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case needsEscape(r) && r > 0xFFFF:
			fmt.Fprintf(&b, `\U%08X`, r)
		case needsEscape(r):
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + `"`
}
