package pgsql

import (
	"github.com/pigsync/pigsync/modules"
)

// Module is the PGSQL module.
var Module = &modules.Module{
	Name: "pgsql", Doc: "PostgreSQL clusters that Patroni keeps alive",
	Vars: Vars{}, Compile: compile,
}

func compile(p *modules.Pass) {
	f := read(p)
	f.checkStrays()
	f.checkNames()
	for _, c := range f.clusters {
		c.judge()
	}
	f.judge()
}

// A check looks at one thing. It is passed over where something it reads could not be bound: that has
// been reported, and what follows from it would only be noise.
type check struct {
	reads []string
	run   func(*cluster)
}

// judge runs every check that can be run.
func (c *cluster) judge() {
	for _, k := range checks {
		if c.bound(k.reads...) {
			k.run(c)
		}
	}
}

// checks of a cluster, in no order that matters: problems are sorted by place.
var checks = []check{
	{[]string{"pg_role"}, (*cluster).checkPrimary},
	{[]string{"pg_upstream", "pg_role", "pg_vip_address"}, (*cluster).checkUpstream},
	{[]string{"pg_delay", "pg_upstream", "pg_role"}, (*cluster).checkDelay},
	{nil, (*cluster).checkAgreement},
	{[]string{"pg_vip_enabled", "pg_vip_address"}, (*cluster).checkVIP},
}

// judge looks at what clusters share.
func (f *fleet) judge() {
	f.checkVIPs()
}
