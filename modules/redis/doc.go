// Package redis knows Pigsty's REDIS module: instances on the hosts that say which redis_cluster they
// belong to, as single servers with replicas, as sentinels that watch others, or as a native cluster.
//
// So far it reads and judges the parameters, and wants nothing: what the module makes of them is to
// come. The owner of a cluster's problems is "redis/NAME", so that what is wrong with one cluster
// stops nothing else.
package redis
