package executors_test

import (
	"strings"
	"testing"

	"github.com/pigsync/pigsync/executors"
)

func TestOneLine(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                  "plain",
		"a\nb\r\n\tc":            "a b c",
		"\x1b[31mred\x00":        "?[31mred?",
		"\xff":                   "?",
		strings.Repeat("é", 400): strings.Repeat("é", executors.MaxText/2) + "…",
	} {
		if got := executors.OneLine(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzOneLine(f *testing.F) {
	f.Add("a\nb")
	f.Fuzz(func(t *testing.T, s string) {
		got := executors.OneLine(s)
		if len(got) > executors.MaxText+len("…") || strings.ContainsAny(got, "\n\r\x1b\x00") {
			t.Errorf("%q", got)
		}
	})
}
