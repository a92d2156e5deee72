// Package pgsql knows what a PostgreSQL cluster of Pigsty is: the PGSQL module.
//
//	a host with pg_cluster ─► a member, bound to Vars; hosts with one pg_cluster are a cluster
//	members ─► identity: who is who, who leads at first, who follows whom
//	cluster ─► its objects: roles, databases, services, HBA rules, settings, repositories
//	fleet   ─► what clusters share: names, addresses, ports, etcd, object stores
//
// What is done depends on what Survey saw, never on who the inventory says was primary once:
//
//	nothing runs, no data lie anywhere ─► bootstrap: the primary starts, and once it serves the others copy it
//	somebody leads                     ─► it lives: its keys, roles and databases, member by member
//	Patroni runs, and nobody leads     ─► everything waits at the gate of the cluster
//	somebody has paused it             ─► as a living one; a policy holds what differs
//	nobody knows                       ─► nothing
//
// Data that are not the cluster's are refused, and never touched. Who leads is Patroni's affair: a failover
// is no difference. Patroni and PostgreSQL are started and told to read their files again, never restarted.
// All that is declared stays when nobody asks for it any more.
//
// The owner is pgsql/<pg_cluster>, so that what is wrong with a cluster freezes that cluster only. Where
// it is not clear who somebody is the whole commit is refused, as everywhere.
//
// An error is what cannot work, or would hurt: PostgreSQL, Patroni or HAProxy would refuse it, or
// replication would stand still. A warning is what works, and was probably not meant.
package pgsql
