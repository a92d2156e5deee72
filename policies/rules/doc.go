// Package rules makes policies of expressions that an administrator writes in the daemon's file, in CEL:
//
//	change.hazards.exists(h, h == "restart") && cluster.labels.tier == "gold" && !window.open
//
// A rule whose expression is true objects to a step. It is compiled, and typed, when the file is read: a
// name that does not exist or a comparison of unlike things is a problem of the file, with its place. An
// expression has no loops but those over short lists, its cost is bounded before it ever runs, and it can
// touch nothing. Where it fails on a step, for want of a label for example, the step is denied with what
// was missing: a judge that could not make up its mind has not agreed.
//
// What an expression may name is listed at Variables.
package rules
