package postgres

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pigsync/pigsync/resource"
)

// maxName is how long a name may be: a server cuts a longer one, with a mere notice.
const maxName = 63

// ident quotes a name, whatever it holds.
func ident(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// literal quotes a text, on a server where a backslash stands for itself: every session of ours is one.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// named refuses what is no name for anything. A zero byte would end a statement in its middle.
func named(names ...string) error {
	for _, n := range names {
		switch {
		case n == "":
			return errors.New("a name is empty")
		case len(n) > maxName:
			return fmt.Errorf("the name %q is longer than the %d bytes that PostgreSQL keeps", n, maxName)
		case !plain(n):
			return fmt.Errorf("%q is no name: it is not UTF-8, or has a zero byte", n)
		}
	}
	return nil
}

func plain(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

var errZero = errors.New("a value is not UTF-8, or has a zero byte")

// setting spells the new value of a parameter; a list of names is a list of texts, each of which the
// server quotes as it needs.
func setting(name, value string) (string, error) {
	if !plain(value) {
		return "", errZero
	}
	if !resource.IsPGList(name) {
		return literal(value), nil
	}
	items := resource.SplitPGList(value)
	if len(items) == 0 {
		return "''", nil
	}
	for i, item := range items {
		items[i] = literal(item)
	}
	return strings.Join(items, ", "), nil
}

// parameter quotes the name of a parameter, each of its parts for itself.
func parameter(name string) (string, error) {
	parts := strings.Split(strings.ToLower(name), ".")
	for i, p := range parts {
		if err := named(p); err != nil {
			return "", fmt.Errorf("the setting %q: %w", name, err)
		}
		parts[i] = ident(p)
	}
	return strings.Join(parts, "."), nil
}

// texts is a list as an argument, as JSON. What no server can have a name of is not asked for.
func texts(list []string) string {
	able := []string{}
	for _, s := range list {
		if plain(s) {
			able = append(able, s)
		}
	}
	slices.Sort(able)
	b, err := json.Marshal(slices.Compact(able))
	if err != nil {
		panic(err) // a list of texts
	}
	return string(b)
}

// keyword finds a word among those that are known, so that nothing else gets into a statement unquoted.
func keyword(word string, known []string) (string, error) {
	word = strings.ToUpper(word)
	if !slices.Contains(known, word) {
		return "", fmt.Errorf("%q is not among %s", word, strings.Join(known, ", "))
	}
	return word, nil
}
