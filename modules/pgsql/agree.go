package pgsql

import (
	"fmt"
	"strconv"
)

// shared are the values that only a cluster as a whole can have: Patroni keeps one of each, or a replica
// is a copy and gets the leader's. Ports and weights may differ, and lists are compared where it hurts.
var shared = []struct {
	name string
	of   func(*Vars) string
}{
	{"pg_mode", func(v *Vars) string { return v.Mode }},
	{"pg_shard", func(v *Vars) string { return v.Shard }},
	{"pg_group", func(v *Vars) string { return optional(v.Group) }},
	{"pg_version", func(v *Vars) string { return strconv.Itoa(v.Version) }},
	{"pg_dbsu", func(v *Vars) string { return v.Dbsu }},
	{"pg_namespace", func(v *Vars) string { return v.Namespace }},
	{"pg_data", func(v *Vars) string { return v.Data }},
	{"pg_conf", func(v *Vars) string { return v.Conf }},
	{"pg_max_conn", func(v *Vars) string { return v.MaxConn }},
	{"pg_rto", func(v *Vars) string { return v.RTO }},
	{"pg_rpo", func(v *Vars) string { return strconv.Itoa(v.RPO) }},
	{"pg_libs", func(v *Vars) string { return v.Libs }},
	{"pg_checksum", func(v *Vars) string { return strconv.FormatBool(v.Checksum) }},
	{"pg_encoding", func(v *Vars) string { return v.Encoding }},
	{"pg_locale", func(v *Vars) string { return v.Locale }},
	{"pg_lc_collate", func(v *Vars) string { return v.LCCollate }},
	{"pg_lc_ctype", func(v *Vars) string { return v.LCCtype }},
	{"pg_replication_username", func(v *Vars) string { return v.ReplUser }},
	{"pg_admin_username", func(v *Vars) string { return v.AdminUser }},
	{"pg_monitor_username", func(v *Vars) string { return v.MonitorUser }},
	{"patroni_username", func(v *Vars) string { return v.PatroniUser }},
	{"pg_vip_enabled", func(v *Vars) string { return strconv.FormatBool(v.VIPEnabled) }},
	{"pg_vip_address", vipText},
	{"pgbackrest_method", func(v *Vars) string { return v.BackupMethod }},
	{"pgbackrest_enabled", func(v *Vars) string { return strconv.FormatBool(v.BackupEnabled) }},
}

// vipText is the virtual address, as long as it is of any concern.
func vipText(v *Vars) string {
	if !v.VIPEnabled {
		return ""
	}
	return v.VIPAddress
}

func optional(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n)
}

// secrets are values of the same kind that must not be shown.
var secrets = []struct {
	name string
	same func(a, b *Vars) bool
}{
	{"pg_replication_password", func(a, b *Vars) bool { return a.ReplPassword.Equal(b.ReplPassword) }},
	{"pg_admin_password", func(a, b *Vars) bool { return a.AdminPassword.Equal(b.AdminPassword) }},
	{"pg_monitor_password", func(a, b *Vars) bool { return a.MonitorPassword.Equal(b.MonitorPassword) }},
	{"pg_dbsu_password", func(a, b *Vars) bool { return a.DbsuPassword.Equal(b.DbsuPassword) }},
	{"patroni_password", func(a, b *Vars) bool { return a.PatroniPassword.Equal(b.PatroniPassword) }},
	{"pg_etcd_password", func(a, b *Vars) bool { return a.EtcdPassword.Equal(b.EtcdPassword) }},
}

// checkAgreement compares every member with the one that stands for the cluster.
func (c *cluster) checkAgreement() {
	head := c.head()
	for _, m := range c.members {
		for _, s := range shared {
			if a, b := s.of(&head.vars), s.of(&m.vars); a != b && c.bound(s.name) {
				c.disagree(m, head, s.name, fmt.Sprintf("%s has %q, and %s has %q", m.addr(), b, head.addr(), a))
			}
		}
		for _, s := range secrets {
			if !s.same(&head.vars, &m.vars) && c.bound(s.name) {
				c.disagree(m, head, s.name, fmt.Sprintf("%s has another one than %s", m.addr(), head.addr()))
			}
		}
	}
}

func (c *cluster) disagree(m, head *member, name, what string) {
	c.Errorf(m.pos(name), CodeDisagree, "%s: %s (%s): a cluster has one", name, what, place(head.pos(name)))
}
