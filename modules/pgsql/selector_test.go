package pgsql

import (
	"testing"

	"pgregory.net/rapid"
)

// The library must speak the dialect of Pigsty's selectors, with words in backticks that are no JSON.
func TestSelectorsOfTheDefaults(t *testing.T) {
	members := []any{
		map[string]any{"pg_role": "primary", "pg_seq": 1.0},
		map[string]any{"pg_role": "replica", "pg_seq": 2.0},
		map[string]any{"pg_role": "replica", "pg_seq": 3.0, "pg_offline_query": true},
		map[string]any{"pg_role": "offline", "pg_seq": 4.0},
	}
	for expression, want := range map[string]int{
		"[]": 4,
		"[? pg_role == `primary` || pg_role == `offline` ]": 2,
		"[? pg_role == `offline` || pg_offline_query ]":     2,
		"[? pg_role == `replica` && !pg_offline_query]":     1,
		"[? pg_seq == `2` ]":                                1,
		"[? pg_role == 'replica' && pg_seq > `2` ]":         1,
		"[? pg_role == \x60\"primary\"\x60 ]":               1,
		"[? starts_with(pg_role, 'r') ]":                    2,
	} {
		s, _, err := compileSelector(expression)
		if err != nil {
			t.Fatal(expression, err)
		}
		got, err := s.query.Search(members)
		if list, _ := got.([]any); err != nil || len(list) != want {
			t.Errorf("%s: got %v %v, want %d", expression, got, err, want)
		}
	}
}

func TestWrongSelectorsHaveTheirPlace(t *testing.T) {
	for expression, want := range map[string]int{
		"[? pg_role = `primary` ]":                  11,
		"[? pg_role == `primary` || pg_seq = `1` ]": 34,
		"[? pg_role == `primary` && pg_role == `a`": 0,
		"[? pg_role == `primary ]":                  0,
		"":                                          0,
	} {
		_, offset, err := compileSelector(expression)
		if err == nil || want > 0 && offset != want {
			t.Errorf("%s: got %d %v, want %d", expression, offset, err, want)
		}
	}
}

// What is said of an expression is within it, whatever it is; and what is JSON already stays as it is.
func TestSelectorsOfAnyKind(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		expression := rapid.StringOfN(rapid.SampledFrom([]rune("[]?= `'\"\\ab1.|&!*@(),:{}")), 0, 40, -1).Draw(t, "expression")
		if _, offset, err := compileSelector(expression); err != nil && (offset < 0 || offset > len(expression)) {
			t.Fatal(offset)
		}
	})
	if got, added := quoteLiterals("[?a == `1` && b == `\"x\"` && c == '`y`' && d == `z`]"); got != "[?a == `1` && b == `\"x\"` && c == '`y`' && d == `\"z\"`]" || len(added) != 1 {
		t.Error(got)
	}
}
