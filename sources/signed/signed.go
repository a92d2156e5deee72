package signed

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// Keys are the keys of those whose signature counts.
type Keys struct {
	ssh []signer
	pgp openpgp.EntityList
}

// ErrNobody says that a signature is of nobody who is known.
var ErrNobody = errors.New("it is signed by nobody who is known")

// Load reads a file of allowed signers and an armored keyring; each may be empty.
func Load(signers, keyring []byte) (*Keys, error) {
	k := &Keys{}
	var err error
	if k.ssh, err = readSigners(string(signers)); err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(keyring)) == 0 {
		return k, nil
	}
	if k.pgp, err = openpgp.ReadArmoredKeyRing(bytes.NewReader(keyring)); err != nil {
		return nil, fmt.Errorf("read the keyring: %w", err)
	}
	return k, nil
}

// Signer is who signed a message: the principal of an allowed signer, or the address of an OpenPGP key. When is the
// time that the message claims; a key must have been good then.
func (k *Keys) Signer(message, signature []byte, when time.Time) (string, error) {
	if block, _ := pem.Decode(signature); block != nil && block.Type == "SSH SIGNATURE" {
		return k.signerSSH(message, block.Bytes, when)
	}
	config := &packet.Config{Time: func() time.Time { return when }}
	key, err := openpgp.CheckArmoredDetachedSignature(k.pgp, bytes.NewReader(message), bytes.NewReader(signature), config)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNobody, err)
	}
	if id := key.PrimaryIdentity(); id != nil && id.UserId != nil && id.UserId.Email != "" {
		return id.UserId.Email, nil
	}
	return "", ErrNobody
}
