package sources

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes one harmless line of at most max bytes out of a stranger's text: what is not
// valid UTF-8 or does not print (control characters, line ends, direction overrides) becomes a
// space, runs of spaces become one, and what was cut off is shown by "…".
func Clean(text string, max int) string {
	const mark = "…"
	if len(text) > 8*max { // enough to fill max with anything sensible; do not walk a megabyte
		text = text[:8*max]
	}
	line := strings.Join(strings.FieldsFunc(text, unprintable), " ")
	if len(line) <= max {
		return line
	}
	end := max - len(mark)
	for end > 0 && !utf8.RuneStart(line[end]) {
		end--
	}
	if end <= 0 {
		return ""
	}
	return line[:end] + mark
}

func unprintable(r rune) bool {
	return r == utf8.RuneError || unicode.IsSpace(r) || !unicode.IsPrint(r)
}
