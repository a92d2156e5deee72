// Package git yields the revisions of one branch, tag or commit of a git repository.
//
//	remote ──refs, pack──► store (objects on disk, bare) ──commit, trees──► sources.Revision
//	 https, ssh, a path        verified on every read          blobs read when asked for
//
// It is built on go-git's transports and object formats only: there is no work tree, no index,
// no hook, no configuration of git and no git program, also not for a repository on this
// machine. (go-git's own file transport would run git-upload-pack; here the objects of a local
// repository are copied from its object store, which is only read.)
//
// # What is fetched
//
// The whole history of the one ref, because [Source.At] must find past revisions without a
// network and because a rewound branch is told from a newer one by walking it. Objects of more
// than Options.MaxObject bytes are not asked for when the server can leave them out, and refuse
// the fetch when it cannot; a pack is cut off at Options.MaxPack bytes and looked through
// before anything in it is unpacked into memory.
//
// # What is refused
//
// Below Options.Path, and on the way to it: symbolic links, submodules, names no file may have,
// and whatever goes past Options.Limits. Outside of that path nothing is looked at. Addresses
// other than https and ssh (and a local path where that is allowed); a redirect to another
// host; an ssh host that is not in the known_hosts file, for there is no trust on first use; a
// new head that does not contain the last one (see Options.AllowRewind).
//
// # Guarantees
//
// Every object is hashed when it is read, so what is on the disk cannot differ from what the
// commit names; a store that is damaged is emptied and fetched again. A pack becomes visible
// whole or not at all, also when the process is killed. Every attempt ends by its deadline. No
// error contains a credential or an unprintable character, and none is longer than a line.
//
// For ssh, the user's ssh_config is asked for the real name and port of a host, as go-git does;
// the host key is checked for that name.
//
// One process owns one storage directory. Losing the directory loses nothing but old revisions
// that the remote has lost too, and the memory of the last head.
package git
