// Package node knows what Pigsty's NODE module wants of every machine: its name, the static hosts, the
// trust in the deployment's certificate authority, package sources and packages, time zone, kernel,
// administrator, jobs and the load balancer.
//
// Every host of the inventory is a node. Facts are surveyed first; a node whose facts cannot be
// learned is wanted, but nothing is rendered for it. A node that vanishes from the inventory keeps
// everything this module gave it, as Pigsty's own removal does; a line that vanishes is taken back,
// unless that could take away the way in, or something that others may use by now: accounts, packages,
// loaded modules.
//
// Some of it is learned by looking: who writes resolv.conf on a machine, so that nobody is written over, and
// the public keys of the administrators' accounts, which are let in on all other nodes.
//
// Only package sources that the inventory names (repo_upstream, node_repo_modules) are written, one file a
// module, and the default of the local repository is understood; the mirrors that Pigsty ships per
// distribution are not. Sources of others are theirs, unless the inventory itself says node_repo_remove.
// What packages are called on a system is for package distro to say. Defaults is a module of its own,
// compiled last: the packages that every node has, as far as nobody else wants them.
package node
