package pigsync_test

import (
	"bytes"
	"go/build"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every package has a doc.go that says what the room is for.
func TestPackagesAreDocumented(t *testing.T) {
	each(t, func(dir, _ string, pkg *build.Package) {
		if len(pkg.GoFiles) == 0 {
			return
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, "doc.go"), nil, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			t.Errorf("%s: %v", dir, err)
			return
		}
		want := "Package " + pkg.Name + " "
		if pkg.Name == "main" {
			want = "Command "
		}
		if text := file.Doc.Text(); !strings.HasPrefix(text, want) || len(text) < 120 {
			t.Errorf("%s: doc.go must begin with %q and say what the package is for", dir, want)
		}
	})
}

// No file is longer than somebody reads.
func TestFilesAreShort(t *testing.T) {
	const longest = 500
	each(t, func(dir, _ string, pkg *build.Package) {
		for _, name := range pkg.GoFiles {
			text, err := os.ReadFile(filepath.Join(dir, name))
			if lines := bytes.Count(text, []byte("\n")); err != nil || lines > longest {
				t.Errorf("%s/%s has %d lines: want at most %d (%v)", dir, name, lines, longest, err)
			}
		}
	})
}
