package node_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/modtest"
	"github.com/pigsync/pigsync/modules/node"
	"github.com/pigsync/pigsync/resource"
)

// What nobody asked for by name can be done without, and takes nothing from who did.
func TestDefaults(t *testing.T) {
	inv, problems, err := inventory.Load(fstest.MapFS{"pigsty.yml": {Data: []byte(`
all:
  children:
    named: { hosts: { 10.10.10.10: { node_default_packages: [ jq ] } } }
    stock:
      vars: { node_packages: [ 'vim-minimal|vim-tiny=9*' ] }
      hosts: { 10.10.10.11: {}, 10.10.10.12: {}, 10.10.10.13: {} }
`)}}, "pigsty.yml")
	if err != nil || inventory.HasErrors(problems) {
		t.Fatal(problems, err)
	}
	ms := []*modules.Module{node.Module, node.Defaults}
	known, err := modtest.ReadKnown("node 10.10.10.12 rocky 9.6 Plow amd64\nunreachable 10.10.10.13\n", modules.Survey(inv, ms))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for r := range modules.Compile(inv, known, ms).Want.All() {
		if p, ok := r.Spec.(resource.Package); ok && p.Optional {
			got[r.ID.At] = append(got[r.ID.At], r.ID.Name)
		}
	}
	if len(got["10.10.10.10"]) > 0 || len(got["10.10.10.13"]) > 0 {
		t.Errorf("with a list of its own, or unknown: %v", got)
	}
	for at, want := range map[string]string{"10.10.10.11": "xz-utils", "10.10.10.12": "xz"} {
		if !slices.Contains(got[at], want) || !slices.Contains(got[at], "jq") || strings.Contains(strings.Join(got[at], " "), "vim") {
			t.Errorf("%s: got %v", at, got[at])
		}
	}
}
