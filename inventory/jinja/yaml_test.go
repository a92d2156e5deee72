package jinja_test

import (
	"strings"
	"testing"
)

// What PyYAML would write over several lines, or with escapes, is refused and not written otherwise.
func TestYAMLThatIsNotWritten(t *testing.T) {
	w := world(t)
	for text, want := range map[string]string{
		"{{ lines | to_yaml }}":                       "line breaks",
		"{{ ('x' * 90) | to_yaml }}":                  "more than 80 characters",
		"{{ l | to_yaml(indent=1) }}":                 "indent of 2 to 9",
		"{{ {('k' * 101): 1} | to_yaml(width=300) }}": "a key of more",
		"{{ '[' | from_yaml }}":                       "not YAML",
		"{{ 'a: !vault x' | from_yaml }}":             "a tag that it cannot have",
		"{{ '2024-01-02' | from_yaml }}":              "a date",
		"{{ ('[' * 70) | from_yaml }}":                "not YAML",
	} {
		v, err := evaluate(t, w, text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v (%v), want %q", text, v, err, want)
		}
	}
}
