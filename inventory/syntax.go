package inventory

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// parse reads the one YAML document of an inventory.
func parse(src *source, text []byte) (*yaml.Node, error) {
	doc, err := parseAny(src, text)
	if doc == nil && err == nil {
		return nil, refuse(src, 1, 1, CodeNoGroups, "the inventory is empty")
	}
	return doc, err
}

// parseAny reads the one YAML document of a file; nil when there is none.
func parseAny(src *source, text []byte) (*yaml.Node, error) {
	if err := checkText(src, text); err != nil {
		return nil, err
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	doc, err := document(d)
	switch {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, syntaxError(src, text, err)
	}
	next, err := document(d)
	switch {
	case errors.Is(err, io.EOF):
		return doc, nil
	case err != nil:
		return nil, syntaxError(src, text, err)
	}
	return nil, refuse(src, next.Line, next.Column, CodeManyDocs, "a second YAML document: an inventory is only one")
}

func document(d *yaml.Decoder) (*yaml.Node, error) {
	var doc yaml.Node
	if err := d.Decode(&doc); err != nil {
		return nil, err
	}
	return doc.Content[0], nil
}

// checkText finds what is no text, and what would take far more memory parsed than written.
func checkText(src *source, text []byte) error {
	line, col, marks := 1, 1, 0
	var last rune
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return refuse(src, line, col, CodeText, "not UTF-8")
		case r == 0xFEFF && i > 0, r == 0x7F, r < 0x20 && r != '\n' && r != '\r' && r != '\t':
			return refuse(src, line, col, CodeText, "control character %U", r)
		case isIndicator(r) && r != last:
			marks++
		}
		if marks > maxNodes {
			return refuse(src, line, col, CodeLimit, "more than %d values", maxNodes)
		}
		line, col = advance(line, col, r, last)
		last, i = r, i+size
	}
	src.end, src.kept.indicators = [2]int{line, col}, marks
	return nil
}

// isIndicator reports whether r can begin another value. A row of dashes begins at most one.
func isIndicator(r rune) bool { return strings.ContainsRune(",:-[{?", r) }

// advance moves a position over r as YAML counts lines, where CR LF is one break.
func advance(line, col int, r, last rune) (int, int) {
	switch {
	case r == '\n' && last == '\r':
		return line, col
	case isBreak(r):
		return line + 1, 1
	case r == 0xFEFF:
		return line, col
	}
	return line, col + 1
}

func isBreak(r rune) bool {
	return r == '\n' || r == '\r' || r == 0x85 || r == 0x2028 || r == 0x2029
}

// syntaxError gives the YAML library's error a place. The library names a line only sometimes,
// and then often the one where the surrounding block began. So the file is read again byte by
// byte: where the parser stopped reading is where it met what it could not take.
func syntaxError(src *source, text []byte, err error) error {
	said, msg := splitError(err.Error())
	if name, ok := strings.CutPrefix(msg, "unknown anchor '"); ok {
		name, _, _ = strings.Cut(name, "'")
		line, col := find(text, "*"+name)
		return refuse(src, line, col, CodeSyntax, "an alias without an anchor before it: a text that begins with * must stand in quotes")
	}
	line, col := stop(text)
	if said > 0 && said < line && (strings.HasPrefix(msg, "could not find") || strings.HasSuffix(msg, "end of stream")) {
		line, col = said, indent(text, said) // an opening that was never closed
	}
	return refuse(src, line, col, CodeSyntax, "not YAML: %s%s", msg, hint(text, line, msg))
}

// splitError takes "yaml: line 3: message" apart.
func splitError(s string) (line int, msg string) {
	s = strings.TrimPrefix(s, "yaml: ")
	if rest, ok := strings.CutPrefix(s, "line "); ok {
		number, tail, _ := strings.Cut(rest, ": ")
		if n, err := strconv.Atoi(number); err == nil {
			return n, tail
		}
	}
	return 0, s
}

// find returns where text has the word first, or 1:1.
func find(text []byte, word string) (line, col int) {
	at := max(bytes.Index(text, []byte(word)), 0)
	return place(text[:at])
}

// place returns the position just behind text.
func place(text []byte) (line, col int) {
	line, col = 1, 1
	var last rune
	for _, r := range string(text) {
		line, col = advance(line, col, r, last)
		last = r
	}
	return line, col
}

// stop returns the beginning of the last line that the parser read before it gave up, comments
// and empty lines left out: the library peeks over those.
func stop(text []byte) (line, col int) {
	r := &counted{text: text}
	d := yaml.NewDecoder(r)
	var err error
	for err == nil {
		_, err = document(d)
	}
	seen := text[:r.read]
	for {
		seen = bytes.TrimRight(seen, " \t\r\n")
		begin := bytes.LastIndexByte(seen, '\n') + 1
		if !bytes.HasPrefix(bytes.TrimLeft(seen[begin:], " \t"), []byte("#")) {
			break
		}
		seen = seen[:begin]
	}
	line, _ = place(seen)
	return line, indent(text, line)
}

// indent returns the column of the first character in a line that is not blank.
func indent(text []byte, line int) int {
	at, col := 1, 1
	var last rune
	for _, r := range string(text) {
		if at == line && r != ' ' && r != '\t' && r != 0xFEFF && (r != '\n' || last != '\r') {
			break
		}
		at, col = advance(at, col, r, last)
		last = r
	}
	return col
}

// counted hands out one byte at a time and knows how many.
type counted struct {
	text []byte
	read int
}

func (c *counted) Read(p []byte) (int, error) {
	if c.read == len(c.text) {
		return 0, io.EOF
	}
	p[0] = c.text[c.read]
	c.read++
	return 1, nil
}
