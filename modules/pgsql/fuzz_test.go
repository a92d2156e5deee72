package pgsql_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/pgsql"
)

// Whatever an inventory says, the module answers, and every answer has a place in it.
func FuzzCompile(f *testing.F) {
	files, err := filepath.Glob(pages + "PG*.md")
	if err != nil || len(files) == 0 {
		f.Fatal("no pages to begin with", err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(text), "```yaml\n")
		seed, _, _ := strings.Cut(rest, "```")
		f.Add(seed)
	}
	f.Add("a: { hosts: { 10.0.0.1: { pg_cluster: a, pg_seq: 1, pg_services: [ { name: x, port: 1, selector: '[]', balance: '' } ], pg_hba_rules: [ { user: +, addr: all } ] } } }")
	f.Fuzz(func(t *testing.T, text string) {
		inv, _, err := inventory.Load(fstest.MapFS{"pigsty.yml": {Data: []byte(text)}}, "pigsty.yml")
		if err != nil {
			return
		}
		for _, p := range modules.Compile(inv, nil, []*modules.Module{pgsql.Module}).Problems {
			if p.Code == modules.CodeModule || p.Pos.Filename != "pigsty.yml" || p.Pos.Line < 1 || strings.ContainsRune(p.Msg, '\n') {
				t.Fatalf("%s %s", p.Code, p)
			}
		}
	})
}
