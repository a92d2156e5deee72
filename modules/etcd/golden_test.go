package etcd_test

import (
	"testing"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/etcd"
	"github.com/pigsync/pigsync/modules/modtest"
	"github.com/pigsync/pigsync/modules/node"
	"github.com/pigsync/pigsync/policies"
)

// library is what a deployment of etcd needs: the authority is the NODE module's.
func library() []*modules.Module { return []*modules.Module{node.Module, etcd.Module} }

func TestGolden(t *testing.T) {
	modtest.Each(t, library(), func(t *testing.T, c *modtest.Case) {
		if c.Prior != nil && !c.Compiled.Refused {
			c.Golden(t, "want.plan", plan(t, c))
		}
		c.Golden(t, "want.txt", modtest.Dump(c.Compiled, "etcd")+modtest.DumpPlaces(modules.Places(c.Inventory, []*modules.Module{etcd.Module})))
	})
}

// plan is the plan with the objections of the default policies, when all that before.yml asks for is
// there and the cluster is as known.txt has it.
func plan(t *testing.T, c *modtest.Case) string {
	w := newWorld()
	w.like(c)
	r, err := w.judge(c.Compiled, c.Prior, policies.Default())
	if err != nil {
		t.Fatal(err)
	}
	return r.text()
}
