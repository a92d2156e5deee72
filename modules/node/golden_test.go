package node_test

import (
	"testing"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/modtest"
	"github.com/pigsync/pigsync/modules/node"
)

func TestGolden(t *testing.T) {
	modtest.Each(t, []*modules.Module{node.Module}, func(t *testing.T, c *modtest.Case) {
		got := modtest.Dump(c.Compiled, "node") + modtest.Dump(&modules.Compiled{Want: c.Compiled.Want}, "infra")
		c.Golden(t, "want.txt", got+modtest.DumpPlaces(modules.Places(c.Inventory, c.Modules)))
	})
}
