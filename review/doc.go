// Package review tells people, where they review what an inventory is to become, what that would do, and what became
// of it.
//
//	open pull requests ─► merge, in memory ─► reconcile.Preview ─► one comment, status pigsync/plan
//	status of the loop ─────────────────────────────────────────► status pigsync/converge
//	a commit in quarantine ─► branch that reverts it ───────────► pull request
//
// A [Desk] goes on beside the loop of one inventory. It only looks: nothing of a pull request is run, the policies are
// the daemon's own, and what is not merged is reached as the inventory in force says. What a pull request does not
// touch is not spoken of, and a comment is made once and kept up to date.
//
// A forge that does not answer keeps the loop from nothing. It is asked again, later and later up to five minutes; what
// was not said meanwhile is said then, as it is by then. That is counted, and shown in the log once each time it
// changes. What is remembered is bounded by the pull requests that are open, of which a hundred are looked at.
package review
