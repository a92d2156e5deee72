package main

import (
	"fmt"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The program with all commands is one here that says what it was handed.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"pigsync": main,
		"pigsyncd": func() {
			fmt.Printf("handed on: %q\n", os.Args[1:])
			os.Exit(2)
		},
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", RequireExplicitExec: true})
}

func TestUnderstand(t *testing.T) {
	for _, c := range []struct {
		args []string
		want question
		ok   bool
	}{
		{[]string{"inventory", "in", "--list"}, question{path: "in"}, true},
		{[]string{"inventory", "--list", "--mask", "in"}, question{path: "in", mask: true}, true},
		{[]string{"inventory", "in", "--host", "10.10.10.10"}, question{path: "in", host: "10.10.10.10"}, true},
		{[]string{"inventory", "in", "--host=10.10.10.10"}, question{path: "in", host: "10.10.10.10"}, true},
		{args: nil},
		{args: []string{"plan"}},
		{args: []string{"inventory"}},
		{args: []string{"inventory", "in"}},
		{args: []string{"inventory", "--list"}},
		{args: []string{"inventory", "", "--list"}},
		{args: []string{"inventory", "in", "out", "--list"}},
		{args: []string{"inventory", "in", "--list", "--host", "10.10.10.10"}},
		{args: []string{"inventory", "in", "--host"}},
		{args: []string{"inventory", "in", "--host", ""}},
		{args: []string{"inventory", "in", "--explain", "pg_version", "--host", "10.10.10.10"}},
		{args: []string{"inventory", "in", "--list", "--help"}},
		{args: []string{"inventory", "in", "--list", "-o", "json"}},
		{args: []string{"--config", "x", "inventory", "in", "--list"}},
		{args: []string{"inventory", "--", "in", "--list"}},
	} {
		got, ok := understand(c.args)
		if ok != c.ok || ok && got != c.want {
			t.Errorf("%q: %+v, %v; want %+v, %v", c.args, got, ok, c.want, c.ok)
		}
	}
}
