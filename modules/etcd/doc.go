// Package etcd knows what an etcd cluster wants: Pigsty's ETCD module.
//
// The members are the hosts of the group etcd, each with an etcd_seq. What is done depends on what
// Survey saw, never on what the inventory says of the past:
//
//	nothing listens anywhere, and no member was ever formed ─► bootstrap: all start together
//	the cluster answers with a quorum                       ─► it lives: one change at a time
//	it answers without one, or is stopped                    ─► start what has data, add nothing
//	nobody knows                                            ─► wait; a bare node is not touched
//
// In a living cluster members that are ill come first, then the healthy followers, the leader last, and a
// gate stands between every two. A new member joins as a learner, starts, catches up, and is
// promoted, one after the other. A member whose data are gone is taken off the list and given a new
// place, once somebody approves; its old self never comes back, because a member that has been formed
// is configured so that etcd refuses to start it without its data.
//
// A voter that is dead and no longer in the inventory keeps every gate shut. Until it is off the list
// there are no gates, nobody joins and nobody restarts; whoever takes its place joins in a later round.
// A member keeps its name, its peer address and its data directory: to change them it must leave first.
//
// /etc/etcd/formed marks a member of a cluster that once lived. As long as one of the nodes has it, no
// cluster is ever bootstrapped again over data that may only be out of sight.
//
// The package is pure, as all modules are. Registration on infra nodes is the INFRA module's affair.
package etcd
