package fleet_test

import (
	"testing"

	"github.com/pigsync/pigsync/modules/fleet"
	"github.com/pigsync/pigsync/modules/modtest"
)

func TestGolden(t *testing.T) { modtest.Alone(t, fleet.Module) }
