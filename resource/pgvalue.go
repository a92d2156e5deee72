package resource

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
)

// PGType is what a server knows of one of its parameters. The zero value is that of an unknown one.
type PGType struct {
	Type    string `json:",omitempty"` // pg_settings.vartype: bool, integer, real, string, enum
	Unit    string `json:",omitempty"` // of a number without one: 8kB, ms
	Context string `json:",omitempty"` // when it takes effect: postmaster, sighup, user
}

// Same tells whether two spellings of a parameter's value mean the same: 8GB and 8192MB, on and true.
func (t PGType) Same(name, a, b string) bool {
	switch {
	case a == b:
		return true
	case slices.Contains(pgLists, strings.ToLower(name)):
		return slices.Equal(SplitPGList(a), SplitPGList(b))
	}
	switch t.Type {
	case "bool":
		return same(pgBool, a, b)
	case "integer", "real":
		return same(t.number, a, b)
	case "enum":
		return enumOf(name, a) == enumOf(name, b)
	case "string":
		return false
	}
	return same(pgBool, a, b) || same(t.number, a, b)
}

func same[T comparable](read func(string) (T, bool), a, b string) bool {
	x, ok := read(strings.TrimSpace(a))
	y, also := read(strings.TrimSpace(b))
	return ok && also && x == y
}

// Lists are the parameters whose value is a list of names, in which the order counts.
var pgLists = []string{
	"search_path", "temp_tablespaces", "local_preload_libraries", "session_preload_libraries", "shared_preload_libraries",
	"log_destination", "unix_socket_directories", "debug_io_direct", "synchronous_standby_names", "listen_addresses",
}

// IsPGList tells whether a parameter's value is a list of names, which is written without quotes around all.
func IsPGList(name string) bool { return slices.Contains(pgLists, strings.ToLower(name)) }

// pgBool reads what PostgreSQL takes for a truth value: the words and their unambiguous beginnings.
func pgBool(s string) (value, ok bool) {
	s = strings.ToLower(s)
	if s == "" {
		return false, false
	}
	for _, w := range []string{"true", "yes", "on", "1"} {
		if strings.HasPrefix(w, s) && s != "o" {
			return true, true
		}
	}
	for _, w := range []string{"false", "no", "off", "0"} {
		if strings.HasPrefix(w, s) && s != "o" {
			return false, true
		}
	}
	return false, false
}

// pgUnits are the units of numbers: bytes, and microseconds.
var pgUnits = map[string]struct {
	family byte
	size   float64
}{
	"B": {'b', 1}, "kB": {'b', 1 << 10}, "8kB": {'b', 8 << 10}, "MB": {'b', 1 << 20}, "16MB": {'b', 16 << 20}, "GB": {'b', 1 << 30}, "TB": {'b', 1 << 40},
	"us": {'t', 1}, "ms": {'t', 1e3}, "s": {'t', 1e6}, "min": {'t', 60e6}, "h": {'t', 3600e6}, "d": {'t', 86400e6},
}

// number reads a value in the parameter's own unit, rounded as the server does.
func (t PGType) number(s string) (float64, bool) {
	end := strings.LastIndexAny(s, "0123456789.") + 1
	value, err := strconv.ParseFloat(s[:end], 64)
	if err != nil || strings.ContainsAny(s[:end], "xXpPnN") {
		return 0, false
	}
	suffix := strings.TrimSpace(s[end:])
	if suffix == "" {
		return value, true
	}
	unit, ok := pgUnits[suffix]
	if !ok {
		return 0, false
	}
	base, known := pgUnits[t.Unit]
	switch {
	case t.Unit == "" && t.Type == "":
		return value * unit.size, true
	case !known || base.family != unit.family:
		return 0, false
	}
	value *= unit.size / base.size
	if t.Type != "real" {
		value = math.RoundToEven(value)
	}
	return value, true
}

// enumOf is the word that the server keeps.
func enumOf(name, word string) string {
	word = strings.ToLower(strings.TrimSpace(word))
	if name == "wal_level" && (word == "archive" || word == "hot_standby") {
		return "replica"
	}
	if on, ok := pgBool(word); ok {
		return strconv.FormatBool(on)
	}
	return word
}

// SplitPGList reads a list of names, some of them in double quotes. An unquoted one is folded to lower
// case, as the server does; an empty one is none.
func SplitPGList(s string) []string {
	var list []string
	for s = strings.TrimLeft(s, " \t\n,"); s != ""; s = strings.TrimLeft(s, " \t\n,") {
		var name string
		if s[0] == '"' {
			name, s = quotedName(s[1:])
		} else {
			end := cmp.Or(strings.IndexByte(s, ',')+1, len(s)+1) - 1
			name, s = strings.ToLower(strings.TrimSpace(s[:end])), s[end:]
		}
		if name != "" {
			list = append(list, name)
		}
	}
	return list
}

// quotedName reads up to the closing quote; a doubled one stands for itself.
func quotedName(s string) (name, rest string) {
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '"')
		if i < 0 {
			return b.String() + s, ""
		}
		b.WriteString(s[:i])
		if s = s[i+1:]; !strings.HasPrefix(s, `"`) {
			return b.String(), s
		}
		b.WriteByte('"')
		s = s[1:]
	}
}
