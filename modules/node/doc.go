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
// Package sources of the distribution and of others are never touched. Only sources that the inventory names
// (repo_upstream, node_repo_modules) are written, one file a module, and the default of the local
// repository is understood; the maps of packages and mirrors that Pigsty ships per distribution are
// not: a list that is not in the inventory is empty here.
package node
