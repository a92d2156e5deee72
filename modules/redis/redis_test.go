package redis_test

import (
	"testing"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/modtest"
	"github.com/pigsync/pigsync/modules/redis"
)

func TestParametersAreThoseOfPigsty(t *testing.T) {
	modtest.Parameters(t, "REDIS", redis.Vars{}, nil)
}

func TestGolden(t *testing.T) {
	modtest.Each(t, []*modules.Module{redis.Module}, func(t *testing.T, c *modtest.Case) {
		c.Golden(t, "want.txt", modtest.Dump(c.Compiled, "redis"))
	})
}
