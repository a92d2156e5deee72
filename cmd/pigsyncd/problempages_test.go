package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pigsync/pigsync/docs/problems"
	"github.com/pigsync/pigsync/modules/modtest"
)

const pagesDir = "../../docs/problems"

// TestProblemPages runs the inventory of every page through pigsync check and compares what it says
// with what the page says; -update rewrites the pages and the list of them.
func TestProblemPages(t *testing.T) {
	root, err := filepath.Abs(pagesDir)
	if err != nil {
		t.Fatal(err)
	}
	var list []problems.Page
	for _, code := range problems.Codes() {
		file := filepath.Join(root, code+".md")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		page, ok := problems.Parse(string(text))
		if !ok || page.Code != code {
			t.Errorf("%s.md: want the head:\n# %s: title\n\n*error* · found by `pigsync check`\n", code, code)
			continue
		}
		list = append(list, page)
		t.Run(code, func(t *testing.T) { runPage(t, file, page) })
	}
	golden(t, filepath.Join(root, "README.md"), contents(list))
}

var (
	notRun     = regexp.MustCompile(`(?m)^<!-- not run: \S.{9,} -->$`)
	inventoryB = regexp.MustCompile("(?s)\n```yaml\n(.*?)```\n")
	saidB      = regexp.MustCompile("(?s)\n```text\n(.*?)```\n")
)

func runPage(t *testing.T, file string, page problems.Page) {
	if page.Judged() {
		if !strings.Contains(page.Text, "\n## Until when\n\n") || !strings.Contains(page.Text, "\n## What to do\n\n") {
			t.Error(`want sections "Until when" and "What to do"`)
		}
		return // its example is the tale that package policies tells of it
	}
	if !strings.Contains(page.Text, "\n## How to mend it\n\n") {
		t.Error(`want a section "How to mend it"`)
	}
	if notRun.MatchString(page.Text) {
		return
	}
	inv, said := inventoryB.FindStringSubmatch(page.Text), saidB.FindStringSubmatchIndex(page.Text)
	if inv == nil || said == nil {
		t.Fatal("want a yaml block and a text block, or <!-- not run: why -->")
	}
	got := checkPage(t, page, inv[1])
	if !shows(got, page) {
		t.Errorf("no %s [%s] in what check says:\n%s", page.Severity, page.Code, got)
	}
	golden(t, file, page.Text[:said[2]]+got+page.Text[said[3]:])
}

// checkPage says what the command that finds the problem prints for an inventory.
func checkPage(t *testing.T, page problems.Page, inventory string) string {
	args := strings.Fields(page.FoundBy)
	if len(args) < 2 || args[0] != "pigsync" || args[1] != "check" {
		t.Fatalf("found by %s: only pigsync check can be run; want <!-- not run: why -->", page.FoundBy)
	}
	t.Chdir(t.TempDir())
	if err := os.WriteFile("pigsty.yml", []byte(inventory), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	nothing := func(string) string { return "" }
	run(t.Context(), env{args: append(args[1:], "pigsty.yml"), stdin: strings.NewReader(""), stdout: &out, stderr: &errs, getenv: nothing})
	if errs.Len() > 0 && !strings.HasPrefix(errs.String(), "errors: ") {
		t.Errorf("check complains: %s", errs.String())
	}
	return out.String()
}

// shows reports whether one of the lines is the page's problem, with the page's severity.
func shows(said string, page problems.Page) bool {
	for line := range strings.Lines(said) {
		warns := strings.Contains(line, ": warning: ")
		if strings.HasSuffix(line, " ["+page.Code+"]\n") && warns == (page.Severity == "warning") {
			return true
		}
	}
	return false
}

// golden compares a file with what it should be, or rewrites it with -update.
func golden(t *testing.T, file, want string) {
	t.Helper()
	have, err := os.ReadFile(file)
	if string(have) == want {
		return
	}
	if *modtest.Update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s is not what it should be (%v): go test ./cmd/pigsyncd -run %s -update. Want:\n%s", filepath.Base(file), err, strings.Split(t.Name(), "/")[0], want)
}

func contents(pages []problems.Page) string {
	var b strings.Builder
	b.WriteString("# Problems\n\nEvery problem that pigsync finds in an inventory has a code, which stands in brackets at the end of its\nline. `pigsync explain CODE` prints the page. A code keeps its meaning; a retired one is not used again.\n\n")
	b.WriteString("| code | severity | what it says |\n|---|---|---|\n")
	rows(&b, pages, false)
	b.WriteString("\n## Why a step waits\n\nWhat policies say of a step of a plan has a code, too; see [policies](../policies.md).\n\n")
	b.WriteString("| code | verdict | why |\n|---|---|---|\n")
	rows(&b, pages, true)
	return b.String()
}

func rows(b *strings.Builder, pages []problems.Page, judged bool) {
	for _, p := range pages {
		if p.Judged() == judged {
			fmt.Fprintf(b, "| [%s](%s.md) | %s | %s |\n", p.Code, p.Code, p.Severity, p.Title)
		}
	}
}

// Every code has one meaning and a page, and every page belongs to a code.
func TestEveryCodeHasAPage(t *testing.T) {
	given := codesOf(t, "../../inventory", "../../modules", ".")
	judges, err := os.ReadFile("../../policies/doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range regexp.MustCompile(`PS\d{3}`).FindAllString(string(judges), -1) {
		given[code] = append(given[code], "policies/doc.go")
	}
	for _, code := range problems.Codes() {
		if given[code] == nil {
			t.Errorf("%s.md: nothing gives this code", code)
		}
	}
	for code, places := range given {
		if len(places) > 1 {
			t.Errorf("%s is given twice: %s", code, strings.Join(places, " and "))
		}
		if _, ok := problems.Find(code); !ok {
			t.Errorf("%s: %s has no page docs/problems/%s.md", places[0], code, code)
		}
	}
}

// Every code has a story that shows its message with its line: the example of its page, which is run; or, of
// what an example cannot show, a golden case, a script or a table of a package.
func TestEveryCodeHasAStory(t *testing.T) {
	told := storiesOf(t, "../../inventory", "../../modules", ".")
	for _, code := range problems.Codes() {
		page, _ := problems.Find(code)
		if notRun.MatchString(page.Text) && !told[code] {
			t.Errorf("%s: the example of its page is not run, and nothing else shows it with its line", code)
		}
	}
	if told["INV999"] || !told["PG024"] {
		t.Error("stories are taken for others")
	}
}

var (
	placed = regexp.MustCompile(`\d+:\d+: .*`)
	aCode  = regexp.MustCompile(`\b[A-Z]+\d{3}\b`)
	word   = regexp.MustCompile(`\b[cC]ode[A-Z]\w*`)
)

// storiesOf finds the codes that tests expect with a place, or by the name of their constant.
func storiesOf(t *testing.T, dirs ...string) map[string]bool {
	told, names := map[string]bool{}, constantsOf(t, dirs...)
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			test := strings.HasSuffix(path, "_test.go")
			if err != nil || d.IsDir() || !test && !slices.Contains([]string{".txt", ".txtar", ".golden"}, filepath.Ext(path)) {
				return err
			}
			text, err := os.ReadFile(path)
			for line := range strings.Lines(string(text)) {
				if placed.MatchString(line) {
					for _, code := range aCode.FindAllString(line, -1) {
						told[code] = true
					}
				}
			}
			if test {
				for _, name := range word.FindAllString(string(text), -1) {
					told[names[filepath.Dir(path)+name]] = true
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return told
}

// constantsOf finds the codes by the folder and name of their constants.
func constantsOf(t *testing.T, dirs ...string) map[string]string {
	names := map[string]string{}
	for code, places := range codesOf(t, dirs...) {
		for _, place := range places {
			file, rest, _ := strings.Cut(place, ":")
			line, _, _ := strings.Cut(rest, ":")
			text, err := os.ReadFile(file)
			number, convErr := strconv.Atoi(line)
			if err != nil || convErr != nil {
				t.Fatal(err, convErr)
			}
			names[filepath.Dir(file)+strings.Fields(strings.Split(string(text), "\n")[number-1])[0]] = code
		}
	}
	return names
}

// codesOf finds the constants Code… of all packages below the folders, with their places.
func codesOf(t *testing.T, dirs ...string) map[string][]string {
	given := map[string][]string{}
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			fset := token.NewFileSet()
			file, err := parser.ParseFile(fset, path, nil, 0)
			if err != nil {
				return err
			}
			for _, c := range constants(file) {
				given[c.code] = append(given[c.code], fset.Position(c.pos).String())
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(given) < 40 {
		t.Fatalf("found only %d codes", len(given))
	}
	return given
}

type constant struct {
	code string
	pos  token.Pos
}

func constants(file *ast.File) (found []constant) {
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for i, name := range spec.Names {
			if code, ok := literal(spec, i); ok && strings.HasPrefix(strings.ToLower(name.Name), "code") && isCode(code) {
				found = append(found, constant{code, name.Pos()})
			}
		}
		return true
	})
	return found
}

func literal(spec *ast.ValueSpec, i int) (string, bool) {
	if i >= len(spec.Values) {
		return "", false
	}
	lit, ok := spec.Values[i].(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

// The tests above cannot be blind.
func TestPagesAreJudged(t *testing.T) {
	page := problems.Page{Code: "INV010", Severity: "error"}
	if shows("a:1:1: warning: twice [INV010]\n", page) || shows("a:1:1: twice [INV011]\n", page) || !shows("a:1:1: twice [INV010]\n", page) {
		t.Error("a page is taken for another")
	}
	if _, ok := problems.Parse("# INV010: twice\n\n*fatal* · found by `pigsync check`\n\n"); ok {
		t.Error("a severity that is none passes")
	}
	if !slices.Contains(problems.Codes(), "INV010") || slices.Contains(problems.Codes(), "README") {
		t.Error("the pages are not the codes")
	}
}
