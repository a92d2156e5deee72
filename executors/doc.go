// Package executors is the only part of the house with hands.
//
//	ids    ─► Observe ─► a State for every id: a spec, nothing, or an error
//	change ─► Apply   ─► done, or why not; compare-and-set
//
// An Executor knows how some kinds of resources are seen and changed; it does not know why. What it
// could not see it reports as an error, never as absent. Apply first looks again: when the world is
// no longer what the plan was made from it changes nothing and returns ErrMoved, and the next round
// plans anew. Every wait has an end.
//
// The children are one hand each: memory is a fleet in a map, node the files, packages and units of
// a machine (here or at the far end of a stream), ssh the way there, etcd the members and users of a
// cluster, ca the certificate authority on the admin side. exectest is the suite they all pass.
// This package has the interface and what combines: Mux sends each kind to its hand, DryRun
// observes only.
package executors
