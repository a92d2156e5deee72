// Package diff compares two worlds and puts the differences in order.
//
//	want  ──┐                                    ┌─► WriteText, JSON: what people and programs read
//	prior ──┼─► Compare ─► []Change ─► NewPlan ─► Plan
//	have  ──┘                                    └─► Digest: what an approval quotes
//
// A Change is one resource that is not as it should be; its Action is the glyph it is printed with.
// What could not be observed, or is not yet known, is a Wait: it is neither made nor removed, and
// what comes after it waits, too. A resource that prior asked for and want no longer does is
// removed, unless it is retained, is a gate, or was not seen.
//
// A Plan is the changes in an order in which they may be made. Edges look through what does not
// change: when B is as it should be, A → B → C still orders A before C. A gate that holds is
// checked again wherever a change stands beside it. What goes, goes last among what its owner has,
// in the reverse of the order in which it came.
//
// The package is pure. A digest is a function of what a plan shows, so that what was shown is what
// is approved is what is done.
package diff
