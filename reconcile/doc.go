// Package reconcile is the heart: it calls every other room once, in one order.
//
//	Round: load ─► survey ─► compile ─► observe ─► compare ─► order ─► judge ─► apply
//	Run:   rounds until there is nothing to do (converged), nothing that may be done (held),
//	       or no progress (failed)
//	Serve: runs, for the newest revision, again and again
//
// Verification is not a phase: it is the first half of the next round. Events (a commit, an approval,
// the clock) only wake the loop; what is done follows from what is seen. A newer commit lets the
// steps under way finish and drops the rest; as long as the newest is refused, the last that could be
// acted on stays in force. What is intended is in the journal before it is done; when the journal
// cannot be written, differences are observed and reported, and nothing is done.
//
// The loop belongs to one goroutine. What others may read of it is Status, an immutable value.
package reconcile
