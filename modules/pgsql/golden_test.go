package pgsql_test

import (
	"testing"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/modtest"
	"github.com/pigsync/pigsync/modules/pgsql"
)

func TestGolden(t *testing.T) {
	modtest.Each(t, []*modules.Module{pgsql.Module}, func(t *testing.T, c *modtest.Case) {
		c.Golden(t, "want.txt", modtest.Dump(c.Compiled, "pgsql"))
	})
}
