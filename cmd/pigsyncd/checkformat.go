package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/pigsync/pigsync/inventory"
)

// format is a way to write the problems of an inventory.
type format struct {
	name  string
	write func(w io.Writer, ps []inventory.Problem) error
}

// formats are what check can write; the first is what it writes unasked.
var formats = []format{
	{"text", func(w io.Writer, ps []inventory.Problem) error { writeProblems(w, ps); return nil }},
	{"json", func(w io.Writer, ps []inventory.Problem) error { return printJSON(w, problemsJSON(ps)) }},
	{"sarif", writeSARIF},
	{"github", writeGitHub},
}

func formatNames() (names []string) {
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

func findFormat(name string) (format, error) {
	for _, f := range formats {
		if f.name == name {
			return f, nil
		}
	}
	return format{}, fmt.Errorf("--output: want one of %s, got %q", strings.Join(formatNames(), ", "), name)
}

// writeGitHub writes workflow commands, which GitHub shows beside the lines of a pull request.
func writeGitHub(w io.Writer, ps []inventory.Problem) error {
	for _, p := range ps {
		_, err := fmt.Fprintf(w, "::%s file=%s,line=%d,col=%d,title=%s::%s\n", p.Severity,
			property(p.Pos.Filename), max(p.Pos.Line, 1), max(p.Pos.Column, 1), property(p.Code), data(p.Msg))
		if err != nil {
			return err
		}
	}
	return nil
}

// data escapes what would end a command: its runner undoes it.
func data(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
}

// property escapes what would end a property of a command, too.
func property(text string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(data(text))
}
