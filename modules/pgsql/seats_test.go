package pgsql_test

import (
	"os"
	"strings"
	"testing"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/etcd"
	"github.com/pigsync/pigsync/modules/modtest"
	"github.com/pigsync/pigsync/modules/node"
	"github.com/pigsync/pigsync/modules/pgsql"
	"github.com/pigsync/pigsync/resource"
)

// A safeguard keeps the members' places and what is in the cluster, and lets files and services come and go.
func TestWhatASafeguardKeeps(t *testing.T) {
	text, err := os.ReadFile("testdata/living/pigsty.yml")
	if err != nil {
		t.Fatal(err)
	}
	known, err := os.ReadFile("testdata/living/known.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, on := range []bool{false, true} {
		written := string(text)
		if on {
			written = strings.Replace(written, "        pg_users:", "        pg_safeguard: true\n        pg_users:", 1)
		}
		all := []*modules.Module{node.Module, etcd.Module, pgsql.Module}
		inv, _, err := inventory.Load(modtest.Tree("pigsty.yml", written), "pigsty.yml")
		if err != nil {
			t.Fatal(err)
		}
		seen, err := modtest.ReadKnown(string(known), modules.Survey(inv, all))
		if err != nil {
			t.Fatal(err)
		}
		kept := map[resource.Kind]bool{}
		for r := range modules.Compile(inv, seen, all).Want.All() {
			if r.Guard != "" {
				kept[r.ID.Kind] = true
			}
		}
		for _, kind := range []resource.Kind{resource.KindPGSeated, resource.KindPGAbsent, resource.KindPGOff, resource.KindPGDatabase, resource.KindPGRole, resource.KindPGSchema} {
			if kept[kind] != on {
				t.Errorf("pg_safeguard %v: a %s is kept: %v", on, kind, kept[kind])
			}
		}
		for _, kind := range []resource.Kind{resource.KindFile, resource.KindUnit, resource.KindPGConfig} {
			if kept[kind] {
				t.Errorf("pg_safeguard %v keeps a %s", on, kind)
			}
		}
	}
}
