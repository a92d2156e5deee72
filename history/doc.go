// Package history is the memory: what was attempted, planned, judged, done and said about one
// inventory, in a journal that can be deleted.
//
//	Append ─► bound ─► encode ─► write, fsync ─► apply ─► state: last converged, attempted since,
//	                      │                        ▲        approvals, holds, events (Past)
//	                      ▼                        │
//	            journal-0000….jsonl ──► read ──────┘ (Open replays; so the state is the records)
//	                      │
//	                      └──► Records, Plan, Verify
//	Submit ─► inbox/ ─► Collect ─► Append            (another process approves, holds, releases)
//
// # The journal
//
// A journal is a directory of files of JSON lines, one record a line: a number, the time, the kind,
// the hash of the record before, the payload, and the SHA-256 of all that as it stands on the line.
// Every file begins with a checkpoint: the state, so that older files can be deleted. A record is on
// disk before Append returns; an Intent is thus known before its step runs.
//
// What the chain proves: a byte that changed, a record or a file that went missing from the middle,
// is found, with file and line. What it cannot prove: that the newest records are all there, or that
// somebody who may write the directory did not write all of it anew. For that, Head is kept elsewhere.
//
// # When things go wrong
//
// A last line without its end is what a crash leaves: it is set aside in the file "torn", and the
// journal goes on. A chain that is broken anywhere else is reported by Tampered; then the state is
// that of the records before the break, nothing can be appended, and so nothing should be done. A
// write that fails is an error, and the caller acts no more until one succeeds. Losing the journal
// only means that nothing is pruned until the next revision has converged, and that approvals and
// holds must be given again.
//
// # What it never does
//
// It never keeps a value of a field, only paths and hazards; it never keeps more than one line of
// at most 1 KiB of a text; it never forgets a hold that still counts; it never lets an approved step
// through twice; and a round that tells nothing new writes nothing.
package history
