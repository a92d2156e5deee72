package main

import (
	"io"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pigsync/pigsync/docs/problems"
	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/reconcile"
)

// homepage is where the source of this program and its pages are.
const homepage = "https://github.com/pigsync/pigsync"

// The parts of a SARIF 2.1.0 log that are written.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool    sarifTool     `json:"tool"`
		Columns string        `json:"columnKind"`
		Results []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version"`
		URI     string      `json:"informationUri"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID            string      `json:"id"`
		Short         *sarifText  `json:"shortDescription,omitempty"`
		HelpURI       string      `json:"helpUri,omitempty"`
		Help          *sarifText  `json:"help,omitempty"`
		Configuration sarifConfig `json:"defaultConfiguration"`
	}
	sarifConfig struct {
		Level string `json:"level"`
	}
	sarifText struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		Line   int `json:"startLine"`
		Column int `json:"startColumn"`
	}
)

// writeSARIF writes what code scanning reads. Every code that occurs is a rule, with its page.
func writeSARIF(w io.Writer, ps []inventory.Problem) error {
	run := sarifRun{
		Tool:    sarifTool{sarifDriver{"pigsync", reconcile.Version(), homepage, []sarifRule{}}},
		Columns: "unicodeCodePoints", Results: []sarifResult{},
	}
	var codes []string
	for _, p := range ps {
		codes = append(codes, p.Code)
	}
	slices.Sort(codes)
	codes = slices.Compact(codes)
	for _, code := range codes {
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRuleOf(code))
	}
	for _, p := range ps {
		index, _ := slices.BinarySearch(codes, p.Code)
		run.Results = append(run.Results, sarifResult{
			p.Code, index, p.Severity.String(), sarifText{Text: p.Msg}, []sarifLocation{{sarifPhysical{
				sarifArtifact{uriOf(p.Pos.Filename)}, sarifRegion{max(p.Pos.Line, 1), max(p.Pos.Column, 1)},
			}}},
		})
	}
	return printJSON(w, sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}})
}

func sarifRuleOf(code string) sarifRule {
	rule := sarifRule{ID: code, Configuration: sarifConfig{"error"}}
	page, ok := problems.Find(code)
	if !ok {
		return rule
	}
	rule.Short = &sarifText{Text: page.Title}
	rule.HelpURI = homepage + "/blob/main/docs/problems/" + code + ".md"
	rule.Help = &sarifText{Text: page.Text, Markdown: page.Text}
	rule.Configuration.Level = page.Severity
	return rule
}

// uriOf names a file as SARIF wants it: relative to where the repository begins, when it is.
func uriOf(name string) string {
	slashed := strings.TrimPrefix(filepath.ToSlash(name), "./")
	if filepath.IsAbs(name) {
		return (&url.URL{Scheme: "file", Path: slashed}).String()
	}
	return (&url.URL{Path: slashed}).String()
}
