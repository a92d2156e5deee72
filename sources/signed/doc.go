// Package signed checks who signed a commit, with SSH keys or OpenPGP keys that the administrator has named: in a
// file of allowed signers as ssh-keygen(1) describes it, and in an armored keyring. A signature that cannot be
// checked, or is of somebody else, is nobody's.
package signed
