package inventory

import "bytes"

// vaultHeader begins every file that ansible-vault has encrypted as a whole.
var vaultHeader = []byte("$ANSIBLE_VAULT;")

// unseal returns the plain text of a file that is encrypted as a whole; other files are returned
// as they are. Without a key the error is a Problem.
func (l *loader) unseal(src *source, text []byte) ([]byte, error) {
	if bytes.HasPrefix(text, vaultHeader) {
		return nil, refuse(src, 1, 1, CodeVault, "the file is encrypted with ansible-vault, which is not decrypted yet")
	}
	return text, nil
}
