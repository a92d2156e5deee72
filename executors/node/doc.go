// Package node is the hand on a machine: its files, packages, accounts, certificates and units.
//
//	Fleet ──► Remote ══ frames over one stream ══► Serve ──► Local ──► files, dpkg, systemd …
//	  (one connection a node)                                 (below an os.Root)
//
// Local is an Executor for the machine it runs on. Serve answers the questions of a stream with a
// Local; Remote is an Executor that asks them, and Fleet one that sends each id to the Remote of
// its node. Whatever is true of the near hand is true of the far one: one suite tests both.
//
// What a Local guarantees:
//
//   - What could not be seen is an error, never absent: a permission denied, a symlink where a
//     file should be, an unreadable package database.
//   - A file is written beside its place, checked, synced and renamed; its previous content is kept
//     (newest three, mode 0600) below /var/lib/pigsync/undo. A killed writer leaves nothing but a
//     temporary file that the next change of the same file removes.
//   - A symlink is never followed at the end of a path, and on the way only when root made it.
//     Nothing is removed across a mount point.
//   - A command gets its arguments as they are; no shell is ever asked. Every wait has a deadline.
//   - After a change it looks again; what does not hold then is an error.
//   - No error and no log record contains what is in a file, but for the words of a validator about
//     a file that is not secret.
//
// Apply is compare-and-set: it looks again and returns executors.ErrMoved when what is there is not
// what the plan was made from. Exempt is only what other steps of the same plan change as a matter of
// course: a package, user or group that is there already as wanted is done; a directory's contents,
// unless it is to be vacant; of a unit only that it runs or does not, and the inputs of what runs.
//
// What it leaves on a node is in /var/lib/pigsync: the stamps (which inputs a unit was started with,
// which source list was fetched) and the undo copies. Losing them costs one restart or one fetch.
//
// A certificate's key is made on the node and never leaves it; a Signer, on the controller's side of
// the stream, signs the request for the names of the controller's own change.
package node
