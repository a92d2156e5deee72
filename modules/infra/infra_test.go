package infra_test

import (
	"testing"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/infra"
	"github.com/pigsync/pigsync/modules/modtest"
)

func TestParametersAreThoseOfPigsty(t *testing.T) {
	modtest.Parameters(t, "INFRA", infra.Vars{}, nil)
}

func TestGolden(t *testing.T) {
	modtest.Each(t, []*modules.Module{infra.Module}, func(t *testing.T, c *modtest.Case) {
		c.Golden(t, "want.txt", modtest.Dump(c.Compiled, "infra"))
	})
}
