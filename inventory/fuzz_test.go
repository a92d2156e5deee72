package inventory

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzLoad looks for panics, and for problems that point outside the file.
func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	for _, text := range []string{"", "a: b: c", "all: &a {hosts: *a}", "all: {hosts: [1]}\n---\n", "? [x]\n: y", "a: \x01", "\xff", "\ufeffall:\r\n x: {{ y }}\r z\u0085 - q"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		inv, problems, err := load(text)
		var p Problem
		if err != nil && !errors.As(err, &p) {
			t.Fatal("the content gives an error that is no Problem:", err)
		}
		if err != nil {
			problems = append(problems, p)
		} else {
			problems = append(problems, Check(inv)...)
			problems = append(problems, bindAll(inv)...)
		}
		for _, p := range problems {
			if !inside(text, p) {
				t.Errorf("outside the file: %s", p)
			}
		}
	})
}

// bindAll binds every host to a struct with every kind of field.
func bindAll(inv *Inventory) []Problem {
	var problems []Problem
	for _, h := range inv.Hosts() {
		var v vars
		problems = append(problems, Bind(h, &v).Problems...)
		for _, name := range h.Names() {
			value, _ := h.Lookup(name)
			value.Any()
		}
	}
	return problems
}

// inside reports whether a problem points at a character of the file or just behind a line.
func inside(text string, p Problem) bool {
	lines := []int{0}
	var last rune
	for _, r := range text {
		switch {
		case r == '\n' && last == '\r':
		case isBreak(r):
			lines = append(lines, 0)
		default:
			lines[len(lines)-1]++
		}
		last = r
	}
	return p.Pos.Filename == file && p.Pos.Line >= 1 && p.Pos.Line <= len(lines) &&
		p.Pos.Column >= 1 && p.Pos.Column <= lines[p.Pos.Line-1]+1 && !strings.Contains(p.Msg, "\n")
}
