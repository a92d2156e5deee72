package vault

import (
	"crypto/aes"
	aescipher "crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
)

const (
	blockSize  = aes.BlockSize
	macSize    = sha256.Size
	keySize    = 32
	iterations = 10_000
)

// DefaultID is what Ansible calls a password that was given without an id.
const DefaultID = "default"

// ErrKey says that no password fits.
var ErrKey = errors.New("no password opens it")

// Password is one of the passwords at hand, under the vault id it was given for. It has no printed
// form: the text is for Open alone.
type Password struct {
	ID   string
	Text func() string
}

// String is the id: never the password.
func (p Password) String() string { return "vault password " + p.ID }

// Open returns what the envelope holds. The passwords of its vault id are tried first, then the
// others, each in the order given. When none fits, the error is ErrKey.
func (e *Envelope) Open(passwords []Password) ([]byte, error) {
	for _, p := range e.order(passwords) {
		plain, err := e.try(p.Text())
		if !errors.Is(err, ErrKey) {
			return plain, err
		}
	}
	return nil, ErrKey
}

func (e *Envelope) order(passwords []Password) []Password {
	sorted := slices.Clone(passwords)
	slices.SortStableFunc(sorted, func(a, b Password) int {
		switch {
		case a.ID == e.ID && b.ID != e.ID:
			return -1
		case a.ID != e.ID && b.ID == e.ID:
			return 1
		}
		return 0
	})
	return sorted
}

// try opens the envelope with one password. It decrypts nothing that the HMAC does not vouch for.
func (e *Envelope) try(password string) ([]byte, error) {
	keys, err := pbkdf2.Key(sha256.New, password, e.salt, iterations, 2*keySize+blockSize)
	if err != nil {
		return nil, fmt.Errorf("derive the keys of a vault: %w", err)
	}
	key, macKey, counter := keys[:keySize], keys[keySize:2*keySize], keys[2*keySize:]
	mac := hmac.New(sha256.New, macKey)
	mac.Write(e.ciphertext)
	if !hmac.Equal(mac.Sum(nil), e.mac) {
		return nil, ErrKey
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("open a vault: %w", err)
	}
	plain := make([]byte, len(e.ciphertext))
	aescipher.NewCTR(block, counter).XORKeyStream(plain, e.ciphertext)
	return unpad(plain)
}

// unpad removes the padding of PKCS #7.
func unpad(plain []byte) ([]byte, error) {
	n := int(plain[len(plain)-1])
	if n == 0 || n > blockSize {
		return nil, fmt.Errorf("%w: wrong padding", ErrTruncated)
	}
	body, padding := plain[:len(plain)-n], plain[len(plain)-n:]
	for _, b := range padding {
		if int(b) != n {
			return nil, fmt.Errorf("%w: wrong padding", ErrTruncated)
		}
	}
	return body, nil
}
