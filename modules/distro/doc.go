// Package distro knows what is called differently from one distribution to the next: packages, the
// aliases that Pigsty has for sets of them, units, files and directories.
//
//	facts of a node ─► Of ─► System ─► Names()          units, files and directories
//	                                   Packages(words)  the packages of a list, aliases resolved
//	                                   Extension(name)  the package of an extension of PostgreSQL
//	                                   Defaults()       what every node has unless its inventory says otherwise
//
// All of it is data, in two tables: one of names by family, one of aliases by family. A family is what
// has the same package manager: Debian and Ubuntu are one, RHEL and its rebuilds (Rocky, Alma, Oracle,
// CentOS) the other. What is not in the tables is taken for the name of a package; whether there is one
// of that name is known on the node alone, by what its package sources offer.
//
// Names of packages may be alternatives, best first, as in "etcd|etcd-server": see resource.Package.
package distro
