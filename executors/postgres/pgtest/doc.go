// Package pgtest runs clusters of PostgreSQL for tests: etcd, Patroni and the servers of this machine's
// packages, on loopback, each instance on an address of its own.
package pgtest
