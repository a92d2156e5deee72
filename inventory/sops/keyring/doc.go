// Package keyring reads the secret keys of age and OpenPGP that open SOPS files.
//
//	file ──► Age, PGP ──► *Ring ──► Open: a copy of the data key, opened or not
//
// It is apart from package sops because its libraries are large: what only reads inventories and has no keys,
// such as a listing in a pipeline, does without them. The package is pure: it reads no file, and no error quotes
// anything of a key.
package keyring
