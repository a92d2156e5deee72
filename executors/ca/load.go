package ca

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// maxFile bounds what is read of a key or a certificate, in bytes.
const maxFile = 64 << 10

// pair is what the directory holds; either may be nil.
type pair struct {
	key  crypto.Signer
	cert *x509.Certificate
}

func (a *Authority) keyPath() string  { return filepath.Join(a.dir, "ca.key") }
func (a *Authority) certPath() string { return filepath.Join(a.dir, "ca.crt") }

// load reads both files and checks that they belong together.
func (a *Authority) load() (p pair, err error) {
	if p.key, err = a.loadKey(); err != nil {
		return pair{}, err
	}
	if p.cert, err = a.loadCert(); err != nil {
		return pair{}, err
	}
	switch {
	case p.cert == nil:
	case p.key == nil:
		return pair{}, fmt.Errorf("the key of %s is missing: want %s", a.certPath(), a.keyPath())
	case !samePublic(p.key.Public(), p.cert.PublicKey):
		return pair{}, fmt.Errorf("%s is not the key of %s", a.keyPath(), a.certPath())
	}
	return p, nil
}

func samePublic(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}

// loadKey returns nil when there is no file. Its errors say nothing of the content.
func (a *Authority) loadKey() (crypto.Signer, error) {
	text, mode, err := read(a.keyPath())
	if text == nil || err != nil {
		return nil, err
	}
	if mode&0o077 != 0 {
		return nil, fmt.Errorf("%s may be read by others than its owner (mode %04o): want 0600", a.keyPath(), mode)
	}
	key := parseKey(text)
	if key == nil {
		return nil, fmt.Errorf("%s holds no private key in PEM without a passphrase", a.keyPath())
	}
	return key, nil
}

func parseKey(text []byte) crypto.Signer {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if key := parseBlock(block); key != nil {
			return key
		}
	}
	return nil
}

// parseBlock knows PKCS 8 and the older forms that OpenSSL writes; nil is any other.
func parseBlock(block *pem.Block) crypto.Signer {
	var key any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		key, err = x509.ParseECPrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	}
	if err != nil {
		return nil // why is not told: it is about the content of a key
	}
	signer, _ := key.(crypto.Signer)
	return signer
}

// loadCert returns nil when there is no file.
func (a *Authority) loadCert() (*x509.Certificate, error) {
	text, _, err := read(a.certPath())
	if text == nil || err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("%s holds no certificate in PEM", a.certPath())
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", a.certPath(), err)
	}
	if !cert.BasicConstraintsValid || !cert.IsCA {
		return nil, fmt.Errorf("%s is not the certificate of an authority", a.certPath())
	}
	return cert, nil
}

// read gives a file's content and permissions, nil when it is not there.
func read(path string) ([]byte, fs.FileMode, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	defer f.Close() // only read from
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, 0, fmt.Errorf("%s is not a file of at most %d bytes", path, maxFile)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile))
	return text, info.Mode().Perm(), err
}

// keyID identifies the authority: what its certificate calls its key, else the digest of the key.
func (p pair) keyID() []byte {
	if len(p.cert.SubjectKeyId) > 0 {
		return p.cert.SubjectKeyId
	}
	return digest(p.cert.RawSubjectPublicKeyInfo)
}

func digest(spki []byte) []byte {
	sum := sha256.Sum256(spki)
	return sum[:]
}

func (p pair) sum() string { return hex.EncodeToString(p.keyID()) }

func (p pair) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.cert.Raw}))
}
