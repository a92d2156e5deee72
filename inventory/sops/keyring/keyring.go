package keyring

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	agearmor "filippo.io/age/armor"
	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
)

// maxPart bounds the data key, or a part of one, with what a hostile message may claim to hold.
const maxPart = 4096

// Ring is the keys of one file. It does not change, and may be used by many goroutines. It has no printed form.
type Ring struct {
	open func(enc string) (io.Reader, error)
	size int
}

// Open opens one copy of the data key; nil when no key does.
func (r *Ring) Open(enc string) []byte {
	message, err := r.open(enc)
	if err != nil {
		return nil
	}
	return readPart(message)
}

// Len is how many keys there are.
func (r *Ring) Len() int { return r.size }

// Age reads the identities of a file as age-keygen writes it.
func Age(text []byte) (*Ring, error) {
	found, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil {
		return nil, errors.New("want age identities, one AGE-SECRET-KEY-… a line")
	}
	open := func(enc string) (io.Reader, error) {
		return age.Decrypt(agearmor.NewReader(strings.NewReader(enc)), found...)
	}
	return &Ring{open, len(found)}, nil
}

// PGP reads secret keys as gpg --export-secret-keys writes them, with or without --armor. The
// passphrase is that of all keys in the file; empty for keys without one.
func PGP(text []byte, passphrase string) (*Ring, error) {
	found, err := readRing(text)
	if err != nil || len(found) == 0 {
		return nil, errors.New("want secret keys as gpg --export-secret-keys writes them")
	}
	for _, e := range found {
		if e.PrivateKey == nil {
			return nil, errors.New("a public key alone opens nothing: export it with gpg --export-secret-keys")
		}
		if err := e.DecryptPrivateKeys([]byte(passphrase)); err != nil {
			return nil, fmt.Errorf("the passphrase does not open the OpenPGP key %X", e.PrimaryKey.Fingerprint)
		}
	}
	open := func(enc string) (io.Reader, error) {
		block, err := armor.Decode(strings.NewReader(enc))
		if err != nil {
			return nil, err
		}
		message, err := openpgp.ReadMessage(block.Body, found, nil, nil)
		if err != nil {
			return nil, err
		}
		return message.UnverifiedBody, nil
	}
	return &Ring{open, len(found)}, nil
}

func readRing(text []byte) (openpgp.EntityList, error) {
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("-----BEGIN")) {
		return openpgp.ReadArmoredKeyRing(bytes.NewReader(text))
	}
	return openpgp.ReadKeyRing(bytes.NewReader(text))
}

// readPart returns all of a short message, or nil: what was read may only be used when the end was
// reached, where its authentication is.
func readPart(r io.Reader) []byte {
	part, err := io.ReadAll(io.LimitReader(r, maxPart+1))
	if err != nil || len(part) > maxPart {
		return nil
	}
	return part
}
