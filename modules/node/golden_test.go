package node_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/modtest"
	"github.com/pigsync/pigsync/modules/node"
	"github.com/pigsync/pigsync/resource"
)

// TestSecretFiles shows what the plans do not, for cases that have such a golden file.
func TestSecretFiles(t *testing.T) {
	modtest.Each(t, []*modules.Module{node.Module}, func(t *testing.T, c *modtest.Case) {
		if _, err := os.Stat(filepath.Join(c.Dir, "secret.txt")); err != nil {
			t.Skip("nothing to show")
		}
		var b strings.Builder
		for r := range c.Compiled.Want.All() {
			if f, ok := r.Spec.(resource.File); ok && f.Secret {
				fmt.Fprintf(&b, "%s\n%s\n", r.ID, []byte(f.Content))
			}
		}
		c.Golden(t, "secret.txt", b.String())
	})
}

func TestGolden(t *testing.T) {
	modtest.Each(t, []*modules.Module{node.Module}, func(t *testing.T, c *modtest.Case) {
		got := modtest.Dump(c.Compiled, "node") + modtest.Dump(&modules.Compiled{Want: c.Compiled.Want}, "infra")
		c.Golden(t, "want.txt", got+modtest.DumpPlaces(modules.Places(c.Inventory, c.Modules)))
	})
}
