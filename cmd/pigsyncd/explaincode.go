package main

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/pigsync/pigsync/docs/problems"
)

var codeForm = regexp.MustCompile(`^[A-Za-z]+[0-9]{3}$`)

// isCode reports whether text is the code of a problem and not the id of a resource, which has a colon.
func isCode(text string) bool { return codeForm.MatchString(text) }

// explainCode prints the page of a code, as it is written: Markdown is readable in a terminal.
func explainCode(o *options, text string) error {
	code := strings.ToUpper(text)
	page, ok := problems.Find(code)
	if !ok {
		return hinted{fmt.Errorf("%s: no such code", code), similarCode(code)}
	}
	if o.json() {
		return printJSON(o.stdout, map[string]string{
			"code": page.Code, "title": page.Title, "severity": page.Severity, "found_by": page.FoundBy, "text": page.Text,
		})
	}
	_, err := io.WriteString(o.stdout, page.Text)
	return err
}

func similarCode(code string) string {
	if near := nearest(code, problems.Codes()); near != "" {
		return "did you mean " + near + "?"
	}
	return "a code stands in brackets at the end of a problem, such as INV040"
}
