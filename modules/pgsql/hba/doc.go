// Package hba reads the rules by which PostgreSQL and PgBouncer let clients in, and answers whom they let in.
//
//	a line of pg_hba.conf ─► Parse ─► Line ─► Decide(lines, connection) ─► the line that decides
//
// It speaks the language of PostgreSQL 13 to 18: quoting, lists, +groups, regular expressions, masks in
// both forms, names of hosts and options. What would make PostgreSQL read another file is refused, because
// nobody could say here what the rules are then. The package is pure and knows nothing of inventories.
package hba
