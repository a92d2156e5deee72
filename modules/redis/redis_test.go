package redis_test

import (
	"testing"

	"github.com/pigsync/pigsync/modules/modtest"
	"github.com/pigsync/pigsync/modules/redis"
)

func TestParametersAreThoseOfPigsty(t *testing.T) {
	modtest.Parameters(t, "REDIS", redis.Vars{}, nil)
}

func TestGolden(t *testing.T) { modtest.Alone(t, redis.Module) }
