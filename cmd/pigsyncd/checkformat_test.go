package main

import (
	"bytes"
	"encoding/json"
	"go/token"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pigsync/pigsync/inventory"
)

func two() []inventory.Problem {
	return []inventory.Problem{
		{Pos: token.Position{Filename: "a b/pigsty.yml", Line: 3, Column: 5}, Severity: inventory.Warning, Code: "INV050", Msg: "100% wrong\nin \"two\" lines"},
		{Pos: token.Position{Filename: "a,b:c.yml"}, Code: "INV040", Msg: "etcd_port: want a port, got ::error::"},
	}
}

func written(t *testing.T, name string, ps []inventory.Problem) string {
	t.Helper()
	f, err := findFormat(name)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := f.write(&out, ps); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// What a message holds cannot end the command it stands in, nor begin another.
func TestGitHubEscapes(t *testing.T) {
	want := "::warning file=a b/pigsty.yml,line=3,col=5,title=INV050::100%25 wrong%0Ain \"two\" lines\n" +
		"::error file=a%2Cb%3Ac.yml,line=1,col=1,title=INV040::etcd_port: want a port, got ::error::\n"
	if got := written(t, "github", two()); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// sarifForm is the part of the standard's schema that concerns what is written: what must be there,
// what kind it is, and that there is nothing else.
const sarifForm = `{
 "type":"object","required":["version","runs","$schema"],"additionalProperties":false,
 "properties":{"$schema":{"type":"string","format":"uri"},"version":{"const":"2.1.0"},"runs":{"type":"array","minItems":1,"maxItems":1,"items":{
  "type":"object","required":["tool","results"],"additionalProperties":false,
  "properties":{"columnKind":{"enum":["utf16CodeUnits","unicodeCodePoints"]},
   "tool":{"type":"object","required":["driver"],"additionalProperties":false,"properties":{"driver":{
    "type":"object","required":["name"],"additionalProperties":false,
    "properties":{"name":{"type":"string","minLength":1},"version":{"type":"string"},"informationUri":{"type":"string","format":"uri"},
     "rules":{"type":"array","uniqueItems":true,"items":{"type":"object","required":["id"],"additionalProperties":false,
      "properties":{"id":{"type":"string"},"shortDescription":{"$ref":"#/$defs/message"},"help":{"$ref":"#/$defs/message"},"helpUri":{"type":"string","format":"uri"},
       "defaultConfiguration":{"type":"object","additionalProperties":false,"properties":{"level":{"$ref":"#/$defs/level"}}}}}}}}}},
   "results":{"type":"array","items":{"type":"object","required":["message"],"additionalProperties":false,
    "properties":{"ruleId":{"type":"string"},"ruleIndex":{"type":"integer","minimum":0},"level":{"$ref":"#/$defs/level"},"message":{"$ref":"#/$defs/message"},
     "locations":{"type":"array","items":{"type":"object","additionalProperties":false,"properties":{"physicalLocation":{"type":"object","additionalProperties":false,
      "required":["artifactLocation"],"properties":{"artifactLocation":{"type":"object","additionalProperties":false,"properties":{"uri":{"type":"string","format":"uri-reference"}}},
      "region":{"type":"object","additionalProperties":false,"required":["startLine"],"properties":{"startLine":{"type":"integer","minimum":1},"startColumn":{"type":"integer","minimum":1}}}}}}}}}}}}}}},
 "$defs":{"level":{"enum":["none","note","warning","error"]},
  "message":{"type":"object","required":["text"],"additionalProperties":false,"properties":{"text":{"type":"string","minLength":1},"markdown":{"type":"string"}}}}}`

func sarifSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(sarifForm))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("sarif.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("sarif.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSarifForm(t *testing.T) {
	s := sarifSchema(t)
	for _, ps := range [][]inventory.Problem{nil, two()} {
		text := written(t, "sarif", ps)
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(doc); err != nil {
			t.Errorf("%v in\n%s", err, text)
		}
	}
	bad, _ := jsonschema.UnmarshalJSON(strings.NewReader(`{"$schema":"x:y","version":"2.1.0","runs":[{"tool":{"driver":{"name":"a"}},"results":[{"message":{}}]}]}`))
	if s.Validate(bad) == nil {
		t.Error("a result without a text passes")
	}
}

// Every result leads to the rule of its code, and every rule to its page.
func TestSarifRules(t *testing.T) {
	var log sarifLog
	if err := json.Unmarshal([]byte(written(t, "sarif", append(two(), two()...))), &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	if len(run.Results) != 4 || len(run.Tool.Driver.Rules) != 2 {
		t.Fatalf("%d results of %d rules", len(run.Results), len(run.Tool.Driver.Rules))
	}
	for _, r := range run.Results {
		rule := run.Tool.Driver.Rules[r.RuleIndex]
		if rule.ID != r.RuleID || !strings.HasSuffix(rule.HelpURI, "/docs/problems/"+r.RuleID+".md") || rule.Short == nil {
			t.Errorf("%s leads to %+v", r.RuleID, rule)
		}
	}
	if uri := run.Results[0].Locations[0].Physical.Artifact.URI; uri != "a%20b/pigsty.yml" {
		t.Errorf("the file is %s", uri)
	}
	if uri := uriOf("./sub/pigsty.yml"); uri != "sub/pigsty.yml" {
		t.Errorf("the file is %s", uri)
	}
}
