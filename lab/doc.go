// Package lab runs a small fleet of real Linux nodes on one machine, for tests and for trying
// things out.
//
//	host ──► network namespace pigsync-NAME (no way out)
//	           br0 10.10.10.1   HTTP: the offline repository, DNS: "no such name"
//	            ├── node-1 10.10.10.10   systemd as pid 1, sshd, admin user dba, apt
//	            ├── node-2 10.10.10.11
//	            └── ...
//
// A node is a systemd-nspawn container with an ext4 disk for its root, another for /data, and
// a network cable: it can be powered off, lose power with what it had not synced, be cut off,
// run out of space, lose a disk. It is bare: what an inventory asks for comes from a
// repository that was downloaded once, as in an offline deployment.
//
// A [Lab] is one such fleet. Its state is in one directory, so that another process can open
// it; several labs run side by side, each with the same addresses in a namespace of its own.
// Base file systems and repositories are built once and kept in a cache.
//
// Guarantees: no packet leaves the namespace; nothing of the host is changed but the lab's own
// directory, its cache, its namespace, its mounts and its control groups; [Lab.Down] removes
// all of these except the cache, whatever became of the process that made them.
//
// It needs root on Linux and a few Debian packages ([Requires]); [Check] says in one line what
// is missing. It is no security boundary: a node's root is the host's root.
package lab
