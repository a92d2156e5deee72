// Package sources is where the words come from: it turns a place that holds an inventory, a
// git repository or a directory, into a sequence of revisions.
//
//	git repository ──► sources/git ─┐
//	                                ├─► Source ─► Revision{ID, Tree} ─► inventory
//	directory ───────► sources/dir ─┘
//
// A [Revision] is one version of the whole tree: an identity that names its content, who made
// it, and the files as a read-only fs.FS. A [Source] waits for a revision newer than the one
// its caller has, and can give back a past one, so that what an old revision made can be
// pruned by a new one.
//
// Guarantees: a revision never changes once it has been yielded; its tree holds regular files
// and directories only (a symbolic link or a submodule refuses the whole revision, naming the
// path); its size, number of entries and depth are bounded by [Limits]; the names in it are
// valid UTF-8 without control characters. What a stranger wrote (author, subject, the answer
// of a server) passes through [Clean] before anyone sees it.
//
// The package never writes into the place it reads, never checks a tree out, never runs a
// program, and writes no log: whatever is wrong is an error of one line, and the errors below
// are what a caller may branch on.
package sources
