package inventory

import (
	"bytes"
	"errors"
	"strings"

	"gopkg.in/yaml.v3"
)

// The YAML library tells where values begin, not where they end. Here the ends are found in the
// text. A mistake would not go unseen: Apply reads what it wrote and compares.

var errEnd = errors.New("cannot tell where the value ends: edit it by hand")

// begin returns where a value begins, with its anchor and tag.
func (d *draft) begin(n *yaml.Node) int { return d.offset(n.Line, n.Column) }

// body returns where a value begins behind its anchor and tag.
func (d *draft) body(n *yaml.Node) int {
	at := d.begin(n)
	if n.Anchor == "" && n.Style&yaml.TaggedStyle == 0 {
		return at
	}
	for at < len(d.text) && (d.text[at] == '&' || d.text[at] == '!') {
		at += max(bytes.IndexAny(d.text[at:], " \t\r\n,]}"), 1)
		at = d.skipBlank(at)
	}
	return at
}

// isEmpty reports whether a null is there without a character that says so.
func isEmpty(n *yaml.Node) bool {
	const quoted = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	return n.Kind == yaml.ScalarNode && n.Value == "" && n.Style&quoted == 0 && n.Anchor == "" && n.Style&yaml.TaggedStyle == 0
}

func isFlow(n *yaml.Node) bool { return n != nil && n.Style&yaml.FlowStyle != 0 }

// end returns where the value at a place ends: behind its last character.
func (d *draft) end(p slot) (int, error) {
	if isEmpty(p.value) {
		return d.from(p)
	}
	return d.endOf(p.value)
}

// from returns where the value at a place may begin at the earliest: behind the colon.
func (d *draft) from(p slot) (int, error) {
	if p.key == nil {
		return d.begin(p.value), nil
	}
	end, err := d.endOf(p.key)
	if err != nil {
		return 0, err
	}
	if at := d.skipBlank(end); at < len(d.text) && d.text[at] == ':' {
		return at + 1, nil
	}
	return end, nil
}

func (d *draft) endOf(n *yaml.Node) (int, error) {
	switch n.Kind {
	case yaml.AliasNode:
		return d.begin(n) + 1 + len(n.Value), nil
	case yaml.ScalarNode:
		return d.scalarEnd(n)
	}
	at := d.body(n)
	brackets := isFlow(n) && at < len(d.text) && strings.IndexByte("{[", d.text[at]) >= 0
	if brackets {
		at++
	}
	if last := len(n.Content) - 1; last >= 0 {
		p := slot{parent: n, value: n.Content[last], index: last}
		if n.Kind == yaml.MappingNode {
			p.key = n.Content[last-1]
		}
		var err error
		if at, err = d.end(p); err != nil {
			return 0, err
		}
	}
	if !brackets {
		return at, nil
	}
	return d.closing(at)
}

// closing returns where the bracket that closes a list or mapping ends.
func (d *draft) closing(at int) (int, error) {
	for at = d.skipBlank(at); at < len(d.text); at = d.skipBlank(at + 1) {
		switch d.text[at] {
		case '}', ']':
			return at + 1, nil
		case ',', ':', '?':
		default:
			return 0, errEnd
		}
	}
	return 0, errEnd
}

// skipBlank goes over spaces, line ends and comments.
func (d *draft) skipBlank(at int) int {
	for at < len(d.text) {
		switch c := d.text[at]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			at++
		case c == '#' && (at == 0 || strings.IndexByte(" \t\r\n", d.text[at-1]) >= 0):
			at = d.lineEnd(at)
		default:
			return at
		}
	}
	return at
}

func (d *draft) scalarEnd(n *yaml.Node) (int, error) {
	at := d.body(n)
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		return d.doubleQuoteEnd(at)
	case n.Style&yaml.SingleQuotedStyle != 0:
		return d.singleQuoteEnd(at)
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return d.blockEnd(at, n.Value), nil
	}
	return d.plainEnd(at, n.Value)
}

func (d *draft) doubleQuoteEnd(at int) (int, error) {
	for at++; at < len(d.text); at++ {
		switch d.text[at] {
		case '\\':
			at++
		case '"':
			return at + 1, nil
		}
	}
	return 0, errEnd
}

func (d *draft) singleQuoteEnd(at int) (int, error) {
	for at++; at < len(d.text); at++ {
		switch {
		case d.text[at] != '\'':
		case at+1 < len(d.text) && d.text[at+1] == '\'':
			at++
		default:
			return at + 1, nil
		}
	}
	return 0, errEnd
}

// blockEnd returns where a literal or folded text ends: behind its last line that is not blank.
func (d *draft) blockEnd(at int, value string) int {
	end := d.lineEnd(at)
	content := strings.TrimLeft(value, "\n")
	if strings.TrimSpace(content) == "" {
		return end
	}
	deep := -1 // how far the text is indented
	for at = d.nextLine(end); at < len(d.text); at = d.nextLine(at) {
		line := d.text[at:d.lineEnd(at)]
		spaces := len(line) - len(bytes.TrimLeft(line, " "))
		if spaces == len(line) {
			continue
		}
		if deep < 0 {
			deep = spaces - (len(content) - len(strings.TrimLeft(content, " ")))
		}
		if spaces < deep {
			break
		}
		end = at + len(line)
	}
	return end
}

// plainEnd follows the text of a plain scalar until all of its value was seen. Line breaks in it
// are folded: one is a space, more are one less.
func (d *draft) plainEnd(at int, value string) (int, error) {
	for value != "" {
		next, breaks := d.fold(at)
		expected := strings.Repeat("\n", max(breaks-1, 0))
		switch breaks {
		case 1:
			expected = " "
		case 0:
			next = min(max(next, at+1), len(d.text))
			expected = string(d.text[at:next])
		}
		rest, ok := strings.CutPrefix(value, expected)
		if !ok || at == next {
			return 0, errEnd
		}
		at, value = next, rest
	}
	return at, nil
}

// fold goes over blanks and line breaks, and counts the breaks.
func (d *draft) fold(at int) (next, breaks int) {
	for at < len(d.text) {
		switch d.text[at] {
		case '\n', '\r':
			at = d.nextLine(at)
			breaks++
		case ' ', '\t':
			at++
		default:
			return at, breaks
		}
	}
	return at, breaks
}

// lineStart returns where the line begins that holds an offset.
func (d *draft) lineStart(at int) int { return bytes.LastIndexAny(d.text[:at], "\r\n") + 1 }

// lineEnd returns where the line ends, before its break.
func (d *draft) lineEnd(at int) int {
	if i := bytes.IndexAny(d.text[at:], "\r\n"); i >= 0 {
		return at + i
	}
	return len(d.text)
}

// nextLine returns where the next line begins.
func (d *draft) nextLine(at int) int {
	at = d.lineEnd(at)
	if at < len(d.text) && d.text[at] == '\r' {
		at++
		if at < len(d.text) && d.text[at] != '\n' {
			return at
		}
	}
	return min(at+1, len(d.text))
}

// newline is the line break that the file uses.
func (d *draft) newline() string {
	if i := bytes.IndexAny(d.text, "\r\n"); i >= 0 {
		return string(d.text[i:d.nextLine(i)])
	}
	return "\n"
}

// column returns how many bytes stand before an offset on its line.
func (d *draft) column(at int) int { return at - d.lineStart(at) }

func isBlank(text []byte) bool { return len(bytes.Trim(text, " \t")) == 0 }

// restIsBlank reports whether nothing but a comment follows on the line.
func (d *draft) restIsBlank(at int) bool {
	rest := bytes.TrimLeft(d.text[at:d.lineEnd(at)], " \t")
	return len(rest) == 0 || rest[0] == '#'
}
