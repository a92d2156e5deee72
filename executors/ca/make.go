package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

const (
	organization  = "pigsty"
	authorityDays = 36500           // lifetime of an authority for which none is given
	maxDays       = 365_000         // a date stays one that every library can read
	backdate      = 5 * time.Minute // for clocks that are behind ours
)

// make writes the key, unless there is one, then the certificate.
func (a *Authority) make(want resource.CA) error {
	if err := os.MkdirAll(a.dir, 0o700); err != nil {
		return err
	}
	unlock, err := lock(a.dir)
	if err != nil {
		return err
	}
	defer unlock()
	p, err := a.load()
	if err != nil {
		return err
	}
	if p.key == nil {
		if p.key, err = a.makeKey(); err != nil {
			return err
		}
	}
	der, err := selfSigned(p.key, want, a.now())
	if err != nil {
		return err
	}
	return place(a.certPath(), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644)
}

// lock keeps other processes from making an authority in the same directory at the same time.
func lock(dir string) (unlock func(), err error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(d.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = d.Close() // nothing was written
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return func() { _ = d.Close() }, nil // closing unlocks, and nothing was written
}

func (a *Authority) makeKey() (crypto.Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode the key: %w", err)
	}
	return key, place(a.keyPath(), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}

func selfSigned(key crypto.Signer, want resource.CA, now time.Time) ([]byte, error) {
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, fmt.Errorf("encode the public key: %w", err)
	}
	number, err := serial()
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber:          number,
		Subject:               pkix.Name{CommonName: want.Name, Organization: []string{organization}, OrganizationalUnit: []string{"ca"}},
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.AddDate(0, 0, days(want.Days, authorityDays)),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLen:            1,
		SubjectKeyId:          digest(spki),
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("sign the authority's certificate: %w", err)
	}
	return der, nil
}

// days is n within bounds, or the usual number.
func days(n, usual int) int {
	if n <= 0 {
		return usual
	}
	return min(n, maxDays)
}

// serial is a random number of 128 bits, never 0.
func serial() (*big.Int, error) {
	n, err := rand.Int(rand.Reader, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 128), big.NewInt(1)))
	if err != nil {
		return nil, fmt.Errorf("make a serial number: %w", err)
	}
	return n.Add(n, big.NewInt(1)), nil
}

// place writes a file whole and durable, and never over another: one that came first has moved the
// world. What a crash left half written is under another name, and is written again.
func place(path string, text []byte, mode fs.FileMode) error {
	beside := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".new")
	if err := os.Remove(beside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	defer os.Remove(beside) // the link below keeps the content; a leftover is removed next time
	if err := write(beside, text, mode); err != nil {
		return err
	}
	if err := os.Link(beside, path); errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s: %w", path, executors.ErrMoved)
	} else if err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func write(path string, text []byte, mode fs.FileMode) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	// The mode is set again because the umask may have taken from it.
	return errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
