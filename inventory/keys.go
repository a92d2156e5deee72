package inventory

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"

	"github.com/pigsync/pigsync/inventory/sops"
	vaults "github.com/pigsync/pigsync/inventory/vault"
)

// Keys open what is encrypted in inventories: Ansible vaults and SOPS files. Add them all before the
// first Load; then many goroutines may use them. The zero value has no key.
//
// What was opened once is remembered, as the passwords of vaults are slow to try, on purpose.
type Keys struct {
	passwords []vaults.Password
	sops      sops.Keys

	mu     sync.Mutex                      // guards opened
	opened map[[sha256.Size]byte]openVault // by the digest of the envelope
}

// openVault is what came of opening a vault.
type openVault struct {
	plain []byte
	err   error
}

// maxOpened bounds what is remembered: beyond, all of it is forgotten.
const maxOpened = 10_000

// AddVault adds a vault password under its vault id; without one, that is "default".
func (k *Keys) AddVault(id string, password Secret) {
	if id == "" {
		id = vaults.DefaultID
	}
	k.passwords = append(k.passwords, vaults.Password{ID: id, Text: password.Reveal})
}

// AddAge adds age identities for SOPS; package keyring reads them.
func (k *Keys) AddAge(ring sops.Ring) { k.sops.AddAge(ring) }

// AddPGP adds OpenPGP keys for SOPS.
func (k *Keys) AddPGP(ring sops.Ring) { k.sops.AddPGP(ring) }

// ofSOPS returns the keys of SOPS files; none when there are no keys at all.
func (k *Keys) ofSOPS() *sops.Keys {
	if k == nil {
		return &sops.Keys{}
	}
	return &k.sops
}

// String tells how many keys there are.
func (k *Keys) String() string {
	return fmt.Sprintf("%d vault passwords, %s", len(k.passwords), &k.sops)
}

// GoString is String: fmt would look into the keys.
func (k *Keys) GoString() string { return k.String() }

// open opens a vault that was not opened before, and remembers what came of it. No keys open nothing.
func (k *Keys) open(envelope []byte) ([]byte, error) {
	if k == nil {
		k = &Keys{}
	}
	digest := sha256.Sum256(envelope)
	k.mu.Lock()
	defer k.mu.Unlock()
	if known, ok := k.opened[digest]; ok {
		return known.plain, known.err
	}
	made := k.try(envelope)
	if k.opened == nil || len(k.opened) >= maxOpened {
		k.opened = map[[sha256.Size]byte]openVault{}
	}
	k.opened[digest] = made
	return made.plain, made.err
}

func (k *Keys) try(envelope []byte) openVault {
	e, err := vaults.Parse(envelope)
	if err != nil {
		return openVault{err: err}
	}
	plain, err := e.Open(k.passwords)
	if errors.Is(err, vaults.ErrKey) {
		err = k.wanted(e.ID)
	}
	return openVault{plain, err}
}

// wanted says which password would do: that much the envelope tells everybody.
func (k *Keys) wanted(id string) error {
	which := "the one it was encrypted with"
	if id != "" {
		which = "the one of vault id " + quoteKey(id)
	}
	if len(k.passwords) == 0 {
		return locked{"it is encrypted, and no vault password was given: want " + which}
	}
	return locked{"no vault password that was given opens it: want " + which}
}

// locked says that a key is missing or wrong.
type locked struct{ why string }

// Error says which key is wanted.
func (l locked) Error() string { return l.why }

// Unwrap is the kind that package vault gives it.
func (l locked) Unwrap() error { return vaults.ErrKey }
