package problems

import (
	"embed"
	"regexp"
	"strings"
)

//go:embed *.md
var files embed.FS

// Page is what is written of one code.
type Page struct {
	Code     string
	Title    string
	Severity string // error or warning; of what policies say held or denied
	FoundBy  string // the command that finds it, as typed
	Text     string // the whole page, in Markdown
}

var head = regexp.MustCompile("\\A# ([A-Z]+[0-9]{3}): ([^\n]+)\n\n\\*(error|warning|held|denied)\\* · found by `([^`\n]+)`\n\n")

// Parse reads a page; ok is false when it does not begin as every page does.
func Parse(text string) (p Page, ok bool) {
	m := head.FindStringSubmatch(text)
	if m == nil {
		return Page{}, false
	}
	return Page{Code: m[1], Title: m[2], Severity: m[3], FoundBy: m[4], Text: text}, true
}

// Judged tells whether the code is that of a policy's objection to a step, and not of a problem of an inventory.
func (p Page) Judged() bool { return p.Severity == "held" || p.Severity == "denied" }

// Find returns the page of a code.
func Find(code string) (Page, bool) {
	text, err := files.ReadFile(code + ".md")
	if err != nil {
		return Page{}, false
	}
	return Parse(string(text))
}

// Codes returns the codes that have a page, sorted.
func Codes() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic("docs/problems: " + err.Error()) // it is part of the program
	}
	var codes []string
	for _, e := range entries {
		if code, found := strings.CutSuffix(e.Name(), ".md"); found && code != "README" {
			codes = append(codes, code)
		}
	}
	return codes
}
