package node_test

import (
	"testing"

	"github.com/pigsync/pigsync/modules/modtest"
	"github.com/pigsync/pigsync/modules/node"
)

func TestParametersAreThoseOfPigsty(t *testing.T) {
	modtest.Parameters(t, "NODE", node.Vars{}, nil)
}

func TestParametersOfDockerAreThoseOfPigsty(t *testing.T) {
	modtest.Parameters(t, "DOCKER", node.Docker{}, map[string]string{"app": "INFRA reads it", "apps": "INFRA reads it"})
}
