// Package ssh keeps one connection to each node and is the only room that speaks SSH.
//
//	Pool.Client(target) ──► Client ──┬─► Run      one command, bounded output
//	  (dialled once, kept,           ├─► Start    a command as a stream
//	   redialled when dead)          ├─► Dial     a tunnel: Patroni, etcd
//	                                 └─► Helper   sudo -n /var/lib/pigsync/bin/<sha256> node
//
// A host key must stand in known_hosts; an unknown, changed or revoked one is refused and
// nothing is ever learned at first use. Keys come from files and from an agent; passwords are
// never used. Only key types that known_hosts holds for a host are negotiated, so that a node
// with several host keys is not taken for a changed one.
//
// Every wait ends: dialling by Config.DialTimeout, commands and the helper by the deadline of
// their context or a constant named here, and everything by the keepalive, which closes the
// connection to a peer that has gone without a word (power cut, cut cable) within about
// fifteen seconds, so that pending reads return ErrUnreachable.
//
// The helper is the program pigsync-node of the node's architecture. It lies on the node
// under its SHA-256 digest, so the name says what it is. A quiet start is one command; only
// when that fails is the node asked what it is, and the binary brought: received under a
// temporary name, checked, synced, renamed. Being killed half way leaves nothing but a
// temporary file that the next bringing removes. The three shell commands are constant but
// for the digest, the number of bytes and whether the bytes are gzipped; data travels on
// stdin. The helper must speak first: its first byte tells that it runs.
//
// The directory of helpers is root's. The program that runs pigsync on a node that is managed
// too may own its parent (/var/lib/pigsync as StateDirectory); it holds the keys to root on
// every node anyway, so nothing is gained by that.
//
// What a peer sends is bounded (output, stderr, texts in errors). Errors are *Error or
// *ExitError: one line, naming the host, with a kind for errors.Is and a Hint for people. They
// never hold what was sent on stdin. The package does not retry, beyond the one new start
// after bringing; when to try again is the caller's decision.
package ssh
