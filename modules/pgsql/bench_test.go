package pgsql_test

import (
	"os"
	"testing"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/etcd"
	"github.com/pigsync/pigsync/modules/modtest"
	"github.com/pigsync/pigsync/modules/node"
	"github.com/pigsync/pigsync/modules/pgsql"
)

// BenchmarkCompile compiles a cluster that lives: every round does so once for the commit and once for each
// that came before it and has not converged.
func BenchmarkCompile(b *testing.B) {
	text, err := os.ReadFile("testdata/living/pigsty.yml")
	if err != nil {
		b.Fatal(err)
	}
	known, err := os.ReadFile("testdata/living/known.txt")
	if err != nil {
		b.Fatal(err)
	}
	all := []*modules.Module{node.Module, etcd.Module, pgsql.Module}
	inv, _, err := inventory.Load(modtest.Tree("pigsty.yml", string(text)), "pigsty.yml")
	if err != nil {
		b.Fatal(err)
	}
	seen, err := modtest.ReadKnown(string(known), modules.Survey(inv, all))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		modules.Compile(inv, seen, all)
	}
}
