package etcd_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/modules/modtest"
	"github.com/pigsync/pigsync/resource"
)

// The package of Debian enables its service: a node that loses power starts it at boot, whoever's turn it
// is. So our unit file is there before the package, and does nothing without a configuration; and a member
// that has never run gets its configuration after all else that it needs.
func TestANewMemberIsConfiguredLast(t *testing.T) {
	fresh := map[string][]string{
		"bootstrap_three": {"10.10.10.10", "10.10.10.11", "10.10.10.12"},
		"bootstrap_one":   {"10.10.10.10"},
		"join_two":        {"10.10.10.13", "10.10.10.14"},
		"data_lost":       {"10.10.10.11"},
	}
	seen := 0
	modtest.Each(t, library(), func(t *testing.T, c *modtest.Case) {
		for _, at := range fresh[filepath.Base(c.Dir)] {
			seen++
			unit, _ := c.Compiled.Want.Get(modules.UnitOf("etcd", at))
			conf, there := c.Compiled.Want.Get(modules.FileOf("/etc/etcd/etcd.conf", at))
			if !there || len(unit.After) == 0 {
				t.Fatalf("%s: no unit, or no configuration", at)
			}
			for _, id := range unit.After {
				if id != conf.ID && !slices.Contains(conf.After, id) {
					t.Errorf("the configuration of %s may be there before %s", at, id)
				}
			}
			server, _ := c.Compiled.Want.Get(modules.PackageOf("etcd|etcd-server", at))
			if !slices.Contains(server.After, modules.FileOf("/etc/systemd/system/etcd.service", at)) {
				t.Errorf("the package's own service may run on %s", at)
			}
		}
	})
	if seen != 7 {
		t.Errorf("%d members were looked at, want 7", seen)
	}
}

// A member that joins anew is stopped before the cluster's list changes, and so that no boot starts it:
// with the old configuration it would make itself an identity that nobody knows.
func TestWhoeverJoinsAnewIsStoppedFirst(t *testing.T) {
	w, inv := living(t)
	w.lose(2)
	if got := steps(t, w, inv); !slices.Contains(got, "~ unit:etcd@10.10.10.2") || slices.Contains(got, "~ etcdmember:etcd-2@etcd") {
		t.Errorf("first: %q", got)
	}
	w.specs[modules.UnitOf("etcd", host(2))] = resource.Unit{}
	got := steps(t, w, inv)
	first, then := slices.Index(got, "~ etcdmember:etcd-2@etcd"), slices.Index(got, "~ file:/etc/etcd/etcd.conf@10.10.10.2")
	if first < 0 || then < first || slices.Index(got, "~ unit:etcd@10.10.10.2") < then {
		t.Errorf("then: %q", got)
	}
}
