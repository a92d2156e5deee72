// Package vault opens what ansible-vault has locked: single values and whole files, of the formats
// 1.1 and 1.2.
//
//	$ANSIBLE_VAULT;1.2;AES256;prod      the envelope: format, cipher, vault id
//	6162…                               hexadecimal of: salt, HMAC, ciphertext
//
// A vault id is only a nickname: the envelope says which password its writer used, and nobody has
// signed that. As Ansible does, the passwords of that id are tried first, then all others.
//
// The passwords and the plaintext are in no error. The package is pure; it only opens, as nothing
// in pigsync locks. PBKDF2 takes some milliseconds of a processor for each password that is tried:
// whoever opens the same value twice remembers the first answer.
package vault
