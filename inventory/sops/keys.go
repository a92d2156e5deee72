package sops

import "fmt"

// Ring is the keys of one file; package keyring reads them.
type Ring interface {
	Open(enc string) []byte // one copy of the data key; nil when no key does
	Len() int               // how many keys there are
}

// Keys are what may open files. They do not change once they are in use, and may then be used by
// many goroutines. They have no printed form.
type Keys struct{ age, pgp []Ring }

// AddAge adds age identities.
func (k *Keys) AddAge(r Ring) { k.age = append(k.age, r) }

// AddPGP adds OpenPGP keys.
func (k *Keys) AddPGP(r Ring) { k.pgp = append(k.pgp, r) }

// String tells how many there are.
func (k *Keys) String() string {
	return fmt.Sprintf("%d age identities, %d OpenPGP keys", count(k.age), count(k.pgp))
}

// GoString is String: fmt would look into the keys.
func (k *Keys) GoString() string { return k.String() }

func count(rings []Ring) (sum int) {
	for _, r := range rings {
		sum += r.Len()
	}
	return sum
}

// openWith opens one copy of the data key; nil when no key does.
func openWith(rings []Ring, enc string) []byte {
	for _, r := range rings {
		if part := r.Open(enc); part != nil {
			return part
		}
	}
	return nil
}
