// Package sops opens files that SOPS has encrypted to age identities or OpenPGP keys.
//
//	pg_port: 5432                        a value the rules leave alone
//	password: ENC[AES256_GCM,data:…]     sealed with the data key; its path is authenticated with it
//	sops:
//	  age: [{recipient: age1…, enc: …}]  the data key, once for each who may have it
//	  mac: ENC[…]                        of all values, in their order
//
//	*yaml.Node ──► Open ──► the same tree, its values in the clear, each where it stood
//
// Values are replaced in the tree that was read, so everything keeps the line and column of the
// file in the repository. Nothing is replaced unless all of it is right: every value that the rules
// say is sealed opens, and the MAC is that of the whole. Comments are not looked at, and rules that
// depend on them are refused.
//
// A data key that is shared among several key groups is put together from as many parts as can be
// opened. Keys of clouds (KMS, Vault) are not asked: this needs no network. The package is pure: it
// reads no file, and neither plaintext nor key is in any error.
package sops
