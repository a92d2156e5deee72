package inventory

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pigsync/pigsync/inventory/jinja"
)

// evaluated refuses what has no value, so that its text is never taken for one.
func (v Value) evaluated(want string) error {
	if v.n == nil || v.n.held == ready {
		return nil
	}
	if v.n.held == failed {
		return v.unevaluable()
	}
	severity := Error
	if v.n.unknown() {
		severity = Warning
	}
	return Problem{Pos: v.Pos, Severity: severity, Code: heldCode(v.n), Msg: fmt.Sprintf("%s: want %s, but %s", v.name, want, heldText(v.n))}
}

// wrong is the problem of a value that is not what is wanted.
func (v Value) wrong(want string) Problem {
	return Problem{Pos: v.Pos, Code: CodeType, Msg: fmt.Sprintf("%s: want %s, got %s", v.name, want, describe(v.orNull()))}
}

// describe says in a problem what was found instead.
func describe(n *node) string {
	if n.secret && n.kind != Null && n.kind != List && n.kind != Map {
		return mask
	}
	switch n.kind {
	case String:
		return quote(n.text)
	case Bool:
		return "the boolean " + n.text
	case Int, Float:
		return shorten(n.text)
	}
	return n.kind.String()
}

// plainText returns the text of a scalar as Python prints it; booleans have no text that every
// reader would agree on.
func plainText(n *node) (text string, ok bool) {
	switch n.kind {
	case Null:
		return "", true
	case String:
		return n.text, true
	case Int:
		i, _ := bigInt(n.text)
		return i.String(), true
	case Float:
		f, _ := yamlFloat(n.text)
		return jinja.FormatFloat(f), true
	}
	return "", false
}

// parseInterval reads a duration: numbers with the units y, w, d, h, m, s and ms, or a plain
// number of seconds. A year is 365 days.
func parseInterval(s string) (time.Duration, bool) {
	rest, negative := unsigned(s)
	if only(rest, "0123456789.") {
		rest += "s"
	}
	if rest == "" {
		return 0, false
	}
	var total time.Duration
	for rest != "" {
		part, tail, ok := nextInterval(rest)
		if !ok || total+part < total {
			return 0, false
		}
		total, rest = total+part, tail
	}
	if negative {
		total = -total
	}
	return total, true
}

// nextInterval reads the first number with its unit.
func nextInterval(s string) (d time.Duration, rest string, ok bool) {
	end := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if end <= 0 {
		return 0, "", false
	}
	count, err := strconv.ParseFloat(s[:end], 64)
	if err != nil {
		return 0, "", false
	}
	letters := strings.IndexAny(s[end:], "0123456789.")
	if letters < 0 {
		letters = len(s) - end
	}
	unit, known := intervalUnit(s[end : end+letters])
	if !known {
		return 0, "", false
	}
	d, ok = scale(count, unit)
	return d, s[end+letters:], ok
}

func intervalUnit(s string) (time.Duration, bool) {
	const day = 24 * time.Hour
	switch s {
	case "ms":
		return time.Millisecond, true
	case "s":
		return time.Second, true
	case "m", "min":
		return time.Minute, true
	case "h":
		return time.Hour, true
	case "d":
		return day, true
	case "w":
		return 7 * day, true
	case "y":
		return 365 * day, true
	}
	return 0, false
}

// scale multiplies without overflow; NaN and what a Duration cannot hold are refused.
func scale(count float64, unit time.Duration) (time.Duration, bool) {
	const most = float64(1<<63 - 1024)
	product := count * float64(unit)
	if product >= most || product <= -most || product != product {
		return 0, false
	}
	return time.Duration(product), true
}
