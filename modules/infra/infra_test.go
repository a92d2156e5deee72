package infra_test

import (
	"testing"

	"github.com/pigsync/pigsync/modules/infra"
	"github.com/pigsync/pigsync/modules/modtest"
)

func TestParametersAreThoseOfPigsty(t *testing.T) {
	modtest.Parameters(t, "INFRA", infra.Vars{}, nil)
}

func TestGolden(t *testing.T) { modtest.Alone(t, infra.Module) }
