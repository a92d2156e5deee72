package resource

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"sync"
)

// proven saves every round the thousands of hashes that each password costs.
var proven = newProofs()

// maxProofs bounds what is remembered; a fleet has fewer roles.
const maxProofs = 1 << 14

// proofs remember what came of a comparison, by a hash whose key nobody knows but this process: neither passwords
// nor verifiers are kept.
type proofs struct {
	key [sha256.Size]byte

	mu    sync.Mutex // guards what follows
	known map[[sha256.Size]byte]bool
}

func newProofs() *proofs {
	p := &proofs{known: map[[sha256.Size]byte]bool{}}
	rand.Read(p.key[:])
	return p
}

func (p *proofs) recall(v Verifier, password string, prove func() bool) bool {
	about := p.about(v, password)
	p.mu.Lock()
	right, known := p.known[about]
	p.mu.Unlock()
	if known {
		return right
	}
	right = prove()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.known) >= maxProofs {
		clear(p.known)
	}
	p.known[about] = right
	return right
}

func (p *proofs) about(v Verifier, password string) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, p.key[:])
	mac.Write([]byte(v.Secret().Reveal())) // ends with the first zero byte, as a verifier has none
	mac.Write([]byte{0})
	mac.Write([]byte(password))
	return [sha256.Size]byte(mac.Sum(nil))
}
