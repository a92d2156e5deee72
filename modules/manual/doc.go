// Package manual tells what every parameter is: what it is for, what it may be, and what it is when
// nobody sets it.
//
//	structs of the modules (tags, types) ──┐
//	                                       ├─► New ─► Manual ─► pigsync params, docs/params, pigsync schema
//	table of all parameters (params.csv) ──┘
//
// What a module reads is described by the very struct that it reads it with, so that the manual
// cannot say anything else than what pigsync check enforces. Of the other parameters only what the
// table has is known: module, type, level and default, and no sentence.
package manual
