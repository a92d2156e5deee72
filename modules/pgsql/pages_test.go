package pgsql_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/pgsql"
)

const pages = "../../docs/problems/"

// block is what a page has between ```kind and ```.
func block(t *testing.T, page, kind string) string {
	t.Helper()
	_, rest, found := strings.Cut(page, "```"+kind+"\n")
	text, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatalf("the page has no %s", kind)
	}
	return text
}

// Each page shows an inventory that has the problem, and exactly the lines that are said of it.
func TestPagesShowTheirProblem(t *testing.T) {
	for _, code := range codes(t) {
		t.Run(code, func(t *testing.T) {
			text, err := os.ReadFile(pages + code + ".md")
			if err != nil {
				t.Fatal(err)
			}
			page := string(text)
			if strings.Contains(page, "\n<!-- not run: ") {
				t.Skip("it depends on more than an inventory")
			}
			inv, _, err := inventory.Load(fstest.MapFS{"pigsty.yml": {Data: []byte(block(t, page, "yaml"))}}, "pigsty.yml")
			if err != nil {
				t.Fatal(err)
			}
			var found int
			for _, p := range modules.Compile(inv, nil, []*modules.Module{pgsql.Module}).Problems {
				if p.Code == code {
					found++
				}
				if !slices.Contains(strings.Split(block(t, page, "text"), "\n"), p.Error()+" ["+p.Code+"]") {
					t.Errorf("the page does not say %s", p)
				}
			}
			if found == 0 {
				t.Error("nothing of the kind is found in the example")
			}
			if !strings.HasPrefix(page, "# "+code+": ") || !strings.Contains(page, "\n## How to mend it\n\n") {
				t.Error("the page has another form")
			}
		})
	}
}

// codes are the codes of this package, as its source has them.
func codes(t *testing.T) []string {
	t.Helper()
	var all []string
	files, _ := filepath.Glob("*.go")
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`Code\w+ += "(PG\d{3})" //`).FindAllStringSubmatch(string(text), -1) {
			if slices.Contains(all, m[1]) {
				t.Error(fmt.Sprint(m[1], " has two meanings"))
			}
			all = append(all, m[1])
		}
	}
	if len(all) < 10 {
		t.Fatal("only", len(all), "codes were found")
	}
	return all
}
