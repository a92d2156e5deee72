// Package minio knows Pigsty's MINIO module: object stores, whose members are the hosts that say which
// minio_cluster they belong to.
//
// So far it reads and judges the parameters, and wants nothing: what the module makes of them is to
// come. The owner of a store's problems is "minio/NAME", so that what is wrong with one store stops
// nothing else.
package minio
