// Package dir yields the revisions of a directory, or of one file, on this machine.
//
//	directory ──read whole──► snapshot in memory ──digest──► sources.Revision{ID: "dir:…"}
//	    └─ fsnotify only wakes                        └─► archive, for At after a restart
//
// A revision is the SHA-256 digest of the paths and contents below the directory; times, owners
// and modes do not count. It is read into memory and only believed when nothing was added,
// removed or written meanwhile, so a revision is a state the directory was really in, as far as
// the file system's times can tell. A program that writes a file in several steps should still
// write it beside and rename it: a pause of Options.Debounce is all that is waited for.
//
// Notifications are a hint: where there are none (a network file system, no watches left) the
// directory is read again every Options.Interval.
//
// What is refused: symbolic links, devices, pipes and sockets, names no file may have, and
// whatever goes past Options.Limits. Entries named ".git" are passed over. All reading is below
// an os.Root, so nothing outside the directory is reached, whatever changes meanwhile. The
// directory is never written to.
package dir
