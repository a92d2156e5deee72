// Package pgsql knows what a PostgreSQL cluster of Pigsty is: the PGSQL module. For now it reads and
// judges; what a cluster wants of its hosts is not declared yet.
//
//	a host with pg_cluster ─► a member, bound to Vars; hosts with one pg_cluster are a cluster
//	members ─► identity: who is who, who leads at first, who follows whom
//	cluster ─► its objects: roles, databases, services, HBA rules, settings, repositories
//	fleet   ─► what clusters share: names, addresses, ports, etcd, object stores
//
// The owner is pgsql/<pg_cluster>, so that what is wrong with a cluster freezes that cluster only. Where
// it is not clear who somebody is the whole commit is refused, as everywhere.
//
// An error is what cannot work, or would hurt: PostgreSQL, Patroni or HAProxy would refuse it, or
// replication would stand still. A warning is what works, and was probably not meant.
package pgsql
