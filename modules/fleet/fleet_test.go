package fleet_test

import (
	"testing"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/fleet"
	"github.com/pigsync/pigsync/modules/modtest"
)

func TestGolden(t *testing.T) {
	modtest.Each(t, []*modules.Module{fleet.Module}, func(t *testing.T, c *modtest.Case) {
		c.Golden(t, "want.txt", modtest.Dump(c.Compiled, "fleet"))
	})
}
