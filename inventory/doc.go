// Package inventory reads the language of Pigsty: an Ansible inventory in YAML.
//
//	pigsty.yml ──► Load ──► Inventory ──► Host.Lookup, Group.Lookup ──► Bind ──► a module's struct
//	                 │          │                                         │
//	                 └──────────┴───────────── []Problem ◄────────────────┘
//
// Words: a Host is one node, named by its address; a Group is a cluster or a module such as
// infra; a Value is something that was written, with the place where; a Problem is something
// wrong at a place, with a stable code (codes.go lists them).
//
// What may be relied on:
//
//   - Every value and every problem has a position, and it lies inside the file.
//   - All problems of a file are reported at once, sorted and without repetition. Only a file
//     that cannot be read as an inventory at all is an error.
//   - Variables resolve as Ansible resolves them: all, then groups by depth, priority and name,
//     then the host. The last one wins whole; maps and lists are never merged.
//   - Scalars mean what PyYAML takes them for: off is false, 010 is eight, 1e3 is text.
//   - Jinja is evaluated as Ansible does it (package jinja), for each host and only where somebody
//     asks for the value. The places of a result are those of the expression.
//   - What has no value (Jinja that fails, what no key opens) is never taken for a literal: it is an
//     error where a typed parameter would be filled from it.
//   - Input is bounded in size, depth, values after aliases, keys, groups and problems.
//   - A Secret is masked in every printed form, and no problem quotes one. A Value prints its
//     place and kind, never its text, unless String is called on it.
//
// The package is pure: it does no I/O but read the file it is told to from the fs.FS it is given,
// takes no clock, writes no log and keeps no state. An Inventory does not change after Load and
// may be used by many goroutines. The YAML library is an affair of syntax.go and convert.go alone.
package inventory
