package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"github.com/pigsync/pigsync/docs/problems"
	"github.com/pigsync/pigsync/inventory"
)

// printed is the schema as the command prints it.
func printed(t *testing.T) *jsonschema.Schema {
	t.Helper()
	var out, errs bytes.Buffer
	if status := run(t.Context(), env{args: []string{"schema"}, stdout: &out, stderr: &errs, getenv: func(string) string { return "" }}); status != exitOK {
		t.Fatalf("exit status %d: %s", status, errs.String())
	}
	doc, err := jsonschema.UnmarshalJSON(&out)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("pigsty.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("pigsty.schema.json") // refused when it is no schema by the schema of schemas
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSchemaTakesInventories: whatever check has nothing against, the schema takes. The inventories
// are those of the project, and those below PIGSYNC_INVENTORIES.
func TestSchemaTakesInventories(t *testing.T) {
	s := printed(t)
	judged := 0
	for _, root := range []string{"../../examples", "../../modules", os.Getenv("PIGSYNC_INVENTORIES")} {
		if root == "" {
			continue
		}
		for _, file := range inventoriesBelow(t, root) {
			problems, err := examine(os.DirFS(filepath.Dir(file)), filepath.Base(file), inventory.Options{Keyless: true})
			if err != nil || len(problems) > 0 && !strings.HasPrefix(file, os.Getenv("PIGSYNC_INVENTORIES")+"/") {
				continue
			}
			judged++
			if err := s.Validate(asEditor(t, file)); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
	if judged < 20 {
		t.Errorf("only %d inventories were judged", judged)
	}
}

// TestSchemaRefuses: what has a wrong value on every page of INV040 and INV041 is refused.
func TestSchemaRefuses(t *testing.T) {
	s := printed(t)
	for _, code := range []string{"INV021", "INV022", "INV023", "INV040", "INV041"} {
		page, ok := problems.Find(code)
		if !ok {
			t.Fatalf("%s has no page", code)
		}
		file := filepath.Join(t.TempDir(), "pigsty.yml")
		if err := os.WriteFile(file, []byte(inventoryB.FindStringSubmatch(page.Text)[1]), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(asEditor(t, file)); err == nil {
			t.Errorf("the inventory of %s passes", code)
		}
	}
}

func inventoriesBelow(t *testing.T, root string) (files []string) {
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".yml" {
			return err
		}
		inv, _, err := inventory.Load(os.DirFS(filepath.Dir(path)), filepath.Base(path))
		if err == nil && len(inv.Hosts()) > 0 {
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// asEditor reads YAML as the language server does: by version 1.2, where yes and off are texts, with
// every key a text, and texts behind tags.
func asEditor(t *testing.T, file string) any {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	return plainTree(&doc)
}

func plainTree(n *yaml.Node) any {
	switch n.Kind {
	case yaml.DocumentNode:
		return plainTree(n.Content[0])
	case yaml.AliasNode:
		return plainTree(n.Alias)
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			list = append(list, plainTree(item))
		}
		return list
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = plainTree(n.Content[i+1])
		}
		return m
	}
	return plainScalar(n)
}

func plainScalar(n *yaml.Node) any {
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool", "!!int", "!!float":
		var v any
		if err := n.Decode(&v); err != nil {
			return n.Value
		}
		if b, ok := v.(bool); ok && fmt.Sprint(b) != strings.ToLower(n.Value) {
			return n.Value
		}
		return v
	}
	return n.Value
}
