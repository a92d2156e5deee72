package sops

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

// Keys are what may open files. They do not change once they are in use, and may then be used by
// many goroutines. They have no printed form.
type Keys struct {
	age  []age.Identity
	ring openpgp.EntityList
}

// String tells how many there are.
func (k *Keys) String() string {
	return fmt.Sprintf("%d age identities, %d OpenPGP keys", len(k.age), len(k.ring))
}

// GoString is String: fmt would look into the keys.
func (k *Keys) GoString() string { return k.String() }

// AddAge adds the identities of a file as age-keygen writes it. The error quotes nothing of it.
func (k *Keys) AddAge(text []byte) error {
	found, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil {
		return errors.New("want age identities, one AGE-SECRET-KEY-… a line")
	}
	k.age = append(k.age, found...)
	return nil
}

// AddPGP adds secret keys as gpg --export-secret-keys writes them, with or without --armor. The
// passphrase is that of all keys in the file; empty for keys without one.
func (k *Keys) AddPGP(text []byte, passphrase string) error {
	found, err := readRing(text)
	if err != nil || len(found) == 0 {
		return errors.New("want secret keys as gpg --export-secret-keys writes them")
	}
	for _, e := range found {
		if e.PrivateKey == nil {
			return errors.New("a public key alone opens nothing: export it with gpg --export-secret-keys")
		}
		if err := e.DecryptPrivateKeys([]byte(passphrase)); err != nil {
			return fmt.Errorf("the passphrase does not open the OpenPGP key %X", e.PrimaryKey.Fingerprint)
		}
	}
	k.ring = append(k.ring, found...)
	return nil
}

func readRing(text []byte) (openpgp.EntityList, error) {
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("-----BEGIN")) {
		return openpgp.ReadArmoredKeyRing(bytes.NewReader(text))
	}
	return openpgp.ReadKeyRing(bytes.NewReader(text))
}

// openAge opens one copy of the data key; nil when no identity does.
func (k *Keys) openAge(enc string) []byte {
	if len(k.age) == 0 {
		return nil
	}
	r, err := age.Decrypt(agearmor.NewReader(strings.NewReader(enc)), k.age...)
	if err != nil {
		return nil
	}
	return readPart(r)
}

func (k *Keys) openPGP(enc string) []byte {
	if len(k.ring) == 0 {
		return nil
	}
	block, err := armor.Decode(strings.NewReader(enc))
	if err != nil {
		return nil
	}
	message, err := openpgp.ReadMessage(block.Body, k.ring, nil, nil)
	if err != nil {
		return nil
	}
	return readPart(message.UnverifiedBody)
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
