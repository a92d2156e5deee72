package etcd_test

import (
	"slices"
	"testing"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/modtest"
	"github.com/pigsync/pigsync/resource"
)

// The package of Debian enables the service: a node that loses power starts it at boot, whoever's turn it
// is. A member that has never run therefore gets its configuration after all that it needs to run.
func TestANewMemberIsConfiguredLast(t *testing.T) {
	fresh := map[string][]string{
		"bootstrap_three": {"10.10.10.10", "10.10.10.11", "10.10.10.12"},
		"bootstrap_one":   {"10.10.10.10"},
		"join_two":        {"10.10.10.13", "10.10.10.14"},
	}
	seen := 0
	modtest.Each(t, library(), func(t *testing.T, c *modtest.Case) {
		for _, at := range fresh[c.Name()] {
			seen++
			unit, _ := c.Compiled.Want.Get(modules.UnitOf("etcd", at))
			conf, there := c.Compiled.Want.Get(modules.FileOf("/etc/etcd/etcd.conf", at))
			if !there || len(unit.After) == 0 {
				t.Fatalf("%s: no unit, or no configuration", at)
			}
			for _, id := range unit.After {
				if id.Kind != resource.KindFile && !slices.Contains(conf.After, id) {
					t.Errorf("the configuration of %s may be there before %s", at, id)
				}
			}
		}
	})
	if seen != 6 {
		t.Errorf("%d members were looked at, want 6", seen)
	}
}
