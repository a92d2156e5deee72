package stories

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"github.com/pigsync/pigsync/lab"
)

// storeAt is where the object store of a story listens: at the host, as nodes see it.
const storeAt = lab.Gateway + ":9000"

// storeCA is where nodes have who vouches for it.
const storeCA = "/etc/ssl/store.crt"

// objectStore is an object store with one bucket, "pgsql".
type objectStore struct {
	s    *story
	dir  string
	exe  string
	stop func()
}

// newStore prepares an object store that does not run yet. The first three nodes believe its certificate.
func (s *story) newStore() *objectStore {
	s.Helper()
	exe, err := s.lab.Minio(s.Context())
	s.must(err)
	st := &objectStore{s: s, dir: s.path("store"), exe: exe}
	s.must(os.MkdirAll(filepath.Join(st.dir, "data/pgsql"), 0o755))
	s.must(os.MkdirAll(filepath.Join(st.dir, "certs"), 0o755))
	cert := st.vouch()
	for n := 1; n <= 3; n++ {
		s.must(s.node(n).WriteFile(s.Context(), storeCA, cert, 0o644))
	}
	return st
}

// vouch makes a certificate that vouches for itself.
func (st *objectStore) vouch() []byte {
	st.s.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	st.s.must(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sss.pigsty"}, DNSNames: []string{"sss.pigsty"}, IsCA: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	st.s.must(err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	st.s.must(err)
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	st.s.must(os.WriteFile(filepath.Join(st.dir, "certs/public.crt"), cert, 0o644))
	st.s.must(os.WriteFile(filepath.Join(st.dir, "certs/private.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	return cert
}

// start runs the store until the story ends, or stop is called.
func (st *objectStore) start() {
	s := st.s
	s.Helper()
	cmd := s.lab.Command(s.Context(), st.exe, "server", filepath.Join(st.dir, "data"), "--address", storeAt, "--certs-dir", filepath.Join(st.dir, "certs"))
	cmd.Env = append(os.Environ(), "MINIO_ROOT_USER=pgbackrest", "MINIO_ROOT_PASSWORD=S3User.Backup", "MINIO_UPDATE=off", "MINIO_BROWSER=off", "HOME="+st.dir)
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	s.must(cmd.Start())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = cmd.Wait() }() // it is killed
	st.stop = func() { _ = cmd.Process.Kill(); <-ended }
	s.Cleanup(st.stop)
	s.eventually(time.Minute, "the store listens", func() bool {
		conn, err := s.lab.Dial(s.Context(), "tcp", storeAt)
		return err == nil && conn.Close() == nil
	})
}
