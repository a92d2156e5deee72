package minio_test

import (
	"testing"

	"github.com/pigsync/pigsync/modules/minio"
	"github.com/pigsync/pigsync/modules/modtest"
)

func TestParametersAreThoseOfPigsty(t *testing.T) {
	modtest.Parameters(t, "MINIO", minio.Vars{}, nil)
}

func TestGolden(t *testing.T) { modtest.Alone(t, minio.Module) }
