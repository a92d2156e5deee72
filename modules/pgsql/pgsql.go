package pgsql

import (
	"github.com/pigsync/pigsync/modules"
)

// Module is the PGSQL module.
var Module = &modules.Module{
	Name: "pgsql", Doc: "PostgreSQL clusters that Patroni keeps alive",
	Vars: Vars{}, Places: places, Survey: survey, Compile: compile,
}

func compile(p *modules.Pass) {
	if _, dormant := p.Inventory.Dormant(); dormant {
		return // its clusters are of v1, which nothing here speaks of
	}
	f := read(p)
	f.checkStrays()
	f.checkNames()
	for _, c := range f.clusters {
		c.released = c.settleRelease()
		c.judge()
	}
	f.judge()
	for _, c := range f.inOrder() {
		c.compile()
	}
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
	{[]string{"pg_role", "pg_preferred_leader"}, (*cluster).checkFavourite},
	{[]string{"pg_upstream", "pg_role", "pg_vip_address"}, (*cluster).checkUpstream},
	{[]string{"pg_delay", "pg_upstream", "pg_role"}, (*cluster).checkDelay},
	{nil, (*cluster).checkAgreement},
	{[]string{"pg_vip_enabled", "pg_vip_address"}, (*cluster).checkVIP},
	{[]string{"pg_users", "pg_default_roles"}, (*cluster).checkRoles},
	{[]string{"pg_databases"}, (*cluster).checkDatabases},
	{[]string{"pg_databases", "pg_users", "pg_default_roles"}, (*cluster).checkOwnership},
	{[]string{"pg_default_extensions", "pg_libs", "pg_version"}, (*cluster).checkDefaultExtensions},
	{[]string{"pg_libs", "pg_extensions", "pg_packages", "pg_parameters"}, (*cluster).checkLibraries},
	{[]string{"pg_parameters"}, (*cluster).checkParameters},
	{[]string{"pg_hba_rules", "pg_default_hba_rules", "pg_users", "pg_default_roles"}, (*cluster).checkHBA},
	{[]string{"pgb_hba_rules", "pgb_default_hba_rules", "pg_users", "pg_default_roles"}, (*cluster).checkPoolHBA},
	{[]string{"pg_services", "pg_default_services", "pg_service_provider"}, (*cluster).checkServices},
	{[]string{"pg_version"}, (*cluster).checkVersion},
	{[]string{"pg_conf", "pg_mode"}, (*cluster).checkTemplateName},
	{[]string{"pg_conf", "pg_rpo"}, (*cluster).checkSync},
	{[]string{"patroni_enabled"}, (*cluster).checkEtcd},
	{[]string{"patroni_mode"}, (*cluster).checkRule},
	{[]string{"pg_rto", "pg_rto_plan"}, (*cluster).checkPlans},
	{[]string{"pg_listen"}, (*cluster).checkListen},
	{[]string{"pg_crontab"}, (*cluster).checkCrontab},
	{[]string{"pg_files"}, (*cluster).checkFiles},
	{[]string{"pgbackrest_method", "pgbackrest_repo", "pgbackrest_enabled"}, (*cluster).checkBackup},
	{[]string{"pg_pitr"}, (*cluster).checkPITR},
	{[]string{"pg_mode", "pg_shard", "pg_group", "pg_databases"}, (*cluster).checkCitus},
}

// judge looks at what clusters share.
func (f *fleet) judge() {
	f.checkVIPs()
	f.checkPorts()
	f.checkShards()
	f.checkRemotes()
}
