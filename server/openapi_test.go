package server

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

type operation struct {
	Summary   string
	Security  []map[string][]Role
	Responses map[string]json.RawMessage
}

func described(t *testing.T) map[string]map[string]operation {
	t.Helper()
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]operation
	}
	if err := json.Unmarshal(document, &doc); err != nil || doc.OpenAPI != "3.1.0" {
		t.Fatalf("%q: %v", doc.OpenAPI, err)
	}
	return doc.Paths
}

func TestTheDocumentHasTheRoutes(t *testing.T) {
	doc, n := described(t), 0
	for _, r := range newWindows(options().filled()).routes() {
		op, ok := doc[r.path][strings.ToLower(r.verb)]
		if !ok || op.Summary == "" {
			t.Errorf("%s %s is not described", r.verb, r.path)
		}
		var role Role
		if len(op.Security) > 0 {
			role = op.Security[0]["token"][0]
		}
		if role != r.role {
			t.Errorf("%s %s wants %q, and the document says %q", r.verb, r.path, r.role, role)
		}
	}
	for path := range doc {
		n += len(doc[path])
	}
	if routes := len(newWindows(options().filled()).routes()); n != routes {
		t.Errorf("%d operations are described, and there are %d", n, routes)
	}
}

// schema compiles what stands at a place of the document.
func schema(t *testing.T, pointer string) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("openapi.json#/components/schemas/" + pointer)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheDocumentFitsWhatIsAnswered(t *testing.T) {
	l := secretive()
	l.journal = memory(t)
	h := New(options(l))
	for path, want := range map[string]string{"status/prod": "Status", "plan/prod": "Preview", "hold/prod": "Decision", "approve/prod": "Error"} {
		verb, send := "POST", body(`{"owner":"x","reason":"y"}`)
		switch want {
		case "Status":
			verb = "GET"
		case "Preview":
			send = zipped(t, map[string]string{"pigsty.yml": ""})
		}
		rec := ask(h, verb, "/api/v1/"+path, send)
		answer, err := jsonschema.UnmarshalJSON(rec.Body)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if err := schema(t, want).Validate(answer); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestTheDocumentKnowsEveryStatusOfARefusal(t *testing.T) {
	for path, verbs := range described(t) {
		for verb, op := range verbs {
			codes := slices.Collect(maps.Keys(op.Responses))
			if len(op.Security) > 0 && (!slices.Contains(codes, "401") || !slices.Contains(codes, "403")) {
				t.Errorf("%s %s: %v", verb, path, codes)
			}
			if strings.Contains(path, "{") && !slices.Contains(codes, "404") {
				t.Errorf("%s %s: %v", verb, path, codes)
			}
		}
	}
}

func TestTheDocumentIsServed(t *testing.T) {
	rec := ask(New(options()), http.MethodGet, "/api/v1/openapi.json")
	if rec.Code != 200 || !bytes.Equal(rec.Body.Bytes(), document) {
		t.Errorf("%d", rec.Code)
	}
}
