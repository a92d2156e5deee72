package executors

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxText bounds a line that OneLine makes, in bytes, without the mark of what was cut off.
const MaxText = 300

// OneLine makes a stranger's text fit for an error, a log or a clue: printable, on one line, short.
func OneLine(s string) string {
	if len(s) > 4*MaxText {
		s = s[:4*MaxText]
	}
	s = strings.ToValidUTF8(s, "?")
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
	return cut(strings.Join(strings.Fields(s), " "))
}

func cut(s string) string {
	if len(s) <= MaxText {
		return s
	}
	s = s[:MaxText]
	for !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s + "…"
}
