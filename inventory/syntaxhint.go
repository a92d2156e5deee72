package inventory

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"
)

// The YAML library says what it expected, in words of its grammar. What people get wrong is something else: a tab,
// an indentation, a quote or bracket that nobody closed, an expression without quotes. hint says which of these it
// probably is, and nothing when it cannot tell. It quotes nothing: what stands there may be a password.
func hint(text []byte, line int, msg string) string {
	lines := bytes.Split(text, []byte("\n"))
	at := func(n int) string { return strings.TrimRight(string(lines[max(min(n, len(lines)), 1)-1]), "\r") }
	here := at(line)
	switch {
	case strings.Contains(here[:margin(here)], "\t"):
		return ": a tab: want spaces before what stands in a line"
	case strings.HasSuffix(msg, "end of stream"):
		return ": a quote that begins here is never closed"
	case strings.HasSuffix(msg, "<document start>") && strings.HasPrefix(strings.TrimSpace(string(text)), "["):
		return ": an inventory of Ansible in INI, perhaps: want YAML that begins with all:"
	case strings.HasPrefix(msg, "mapping values"):
		return ": a text with a colon and a space in it must stand in quotes, and what belongs to a key stands deeper than it"
	case strings.HasPrefix(msg, "could not find expected ':'"):
		return ": want a key, a colon and a space"
	case strings.HasPrefix(msg, "did not find expected ',' or"):
		if open, from := opening(lines, line); open != 0 {
			return fmt.Sprintf(": the %c of line %d is not closed%s", open, from, bareExpression(at(from)))
		}
		return cmp.Or(bareExpression(here), bareExpression(at(line-1)))
	case msg == "did not find expected key":
		if bare := bareExpression(here); bare != "" {
			return bare
		}
		return misplaced(lines, line)
	}
	return ""
}

// margin is how many blanks a line begins with.
func margin(line string) int { return len(line) - len(strings.TrimLeft(line, " \t")) }

// bareExpression speaks of an expression that begins a value: YAML takes its braces for its own.
func bareExpression(line string) string {
	for _, before := range []string{": {{", "[ {{", "[{{", "- {{", ", {{"} {
		if strings.Contains(line, before) {
			return ": an expression {{ … }} must stand in quotes"
		}
	}
	return ""
}

// misplaced compares the indentation of a line with that of the one before it.
func misplaced(lines [][]byte, line int) string {
	have := margin(string(lines[min(line, len(lines))-1]))
	above, by := 0, 0 // the line above, and how far in it is
	for n := min(line, len(lines)) - 1; n > 0; n-- {
		before := strings.TrimSpace(string(lines[n-1]))
		if before == "" || before[0] == '#' {
			continue
		}
		if above == 0 {
			above, by = n, margin(string(lines[n-1]))
		}
		if margin(string(lines[n-1])) == have {
			return "" // it may well stand there: something else is wrong
		}
	}
	return fmt.Sprintf(": the line is indented by %d, and none before it is; line %d is by %d", have, above, by)
}

// opening is the innermost bracket that is open before a line, and the line where it stands.
func opening(lines [][]byte, line int) (bracket byte, from int) {
	var open []byte
	var at []int
	var quote byte
	for n, text := range lines[:min(line, len(lines))-1] {
		for i, c := range text {
			if quote == 0 && c == '#' && (i == 0 || text[i-1] == ' ') {
				break // a comment
			}
			switch {
			case c == quote:
				quote = 0
			case quote != 0:
			case (c == '"' || c == '\'') && i > 0 && strings.IndexByte(" [{,", text[i-1]) >= 0:
				quote = c
			case c == '[' || c == '{':
				open, at = append(open, c), append(at, n+1)
			case (c == ']' || c == '}') && len(open) > 0:
				open, at = open[:len(open)-1], at[:len(at)-1]
			}
		}
	}
	if len(open) == 0 {
		return 0, 0
	}
	return open[len(open)-1], at[len(at)-1]
}
