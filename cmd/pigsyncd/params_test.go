package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pigsync/pigsync/modules/all"
	"github.com/pigsync/pigsync/modules/manual"
	"github.com/pigsync/pigsync/modules/modtest"
)

// TestParameterPages keeps docs/params as the structs are; -update writes it anew.
func TestParameterPages(t *testing.T) {
	const dir = "../../docs/params"
	m := manual.New(all.Modules())
	want := map[string]string{"README.md": m.Index()}
	for _, name := range m.Modules() {
		want[strings.ToLower(name)+".md"] = m.Page(name)
	}
	if *modtest.Update {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range want {
		golden(t, filepath.Join(dir, name), text)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if _, ok := want[f.Name()]; !ok {
			t.Errorf("%s: no module has this page", f.Name())
		}
	}
}
