// Package problems holds one page for each code of a problem: what is wrong, what it can cost, an
// inventory that shows it with what pigsync check says of it, and how to mend it.
//
//	docs/problems/INV010.md ─► Find("INV010") ─► pigsync explain INV010, and the rules of SARIF
//
// The pages are part of the program, so that they can be read where there is no network. A test of
// cmd/pigsyncd runs every page, lists them in README.md and sees to it that every code has one.
package problems
