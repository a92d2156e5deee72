// Package ca is the certificate authority on the admin side: the hand for resource.CA, and the signer
// for the certificates whose keys are made on the nodes.
//
//	ca:<common name>@admin ─► Observe, Apply ─► <dir>/ca.key 0600, <dir>/ca.crt 0644
//	a node's CSR           ─► Sign           ─► a certificate with the wanted names
//
// It guarantees:
//
//   - The authority's key stays in the directory and in this process: it is in no error, no log and
//     no value that leaves the package.
//   - A key that exists is never overwritten, and an authority that exists is never made again. After
//     a crash between the two files the certificate is made from the key that is there.
//   - A certificate without its key, a key that others may read, a certificate of another name: each
//     is an error, never "absent".
//   - What is signed is what was wanted; of a CSR only the public key is taken, once it has proved
//     that it has the private one.
//
// An authority made by OpenSSL or Ansible is used as it is. Observe changes nothing.
package ca
