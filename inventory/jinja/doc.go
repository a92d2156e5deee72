// Package jinja evaluates the expressions that stand in inventories, as Ansible evaluates them.
//
//	"{{ pg_port | default(5432) }}" ──► Parse ──► Template ──► Eval(World) ──► Result
//	                                      │                       │
//	                                    *Error                  *Error
//
// Words: a Template is a text that was understood; a World is all that it can reach: the variables
// and, where they are allowed, an environment and files; a Result is the value with its type as
// Ansible gives it, and whether it is a secret.
//
// The library gonja walks the templates: its parser finds the blocks, its evaluator and renderer
// run them, and its sets hold the filters and tests. Everything it would call is ours, from an
// environment built from nothing: its own filters reach for files, clocks and chance, and its
// grammar and arithmetic differ from Jinja's (x in y | list, 'a' is b if c, a < b < c, 7 % 0), so
// lexer.go and parse.go read the expressions and operators.go computes. What a template says is
// therefore either done as Ansible does it or refused; it is never guessed at.
//
// What may be relied on:
//
//   - Parse finds every mistake that needs no values: syntax, and filters, tests, functions and
//     blocks that do not exist here. The names of all filters are known when it returns.
//   - Eval does no I/O of its own, takes no clock and no chance, and changes no value it is given.
//     The same World gives the same Result.
//   - Eval ends: steps, text, items and depth are bounded. No panic escapes.
//   - No error quotes a value: what an expression computes with may be a password.
//   - A Result is secret when anything that went into it was, and when it came from a lookup.
//   - A Template may be used by many goroutines.
package jinja
