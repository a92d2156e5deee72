package ca_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pigsync/pigsync/executors/ca"
	"github.com/pigsync/pigsync/resource"
)

// request makes a key and a CSR that asks for more than it will get.
func request(t testing.TB, kind string) (crypto.Signer, []byte) {
	t.Helper()
	var key crypto.Signer
	var err error
	switch kind {
	case "RSA":
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	case "P224":
		key, err = ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	case "Ed25519":
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: "root", Organization: []string{"evil"}}, DNSNames: []string{"evil.example"},
	}, key)
	if err != nil {
		t.Fatal(err)
	}
	return key, csr
}

func TestSignGivesWhatIsWanted(t *testing.T) {
	a, _, authority := made(t)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(authority.PEM))
	want := resource.Cert{CN: "etcd-1", Names: []string{"127.0.0.1", "localhost", "10.10.10.10", "etcd-1", "fe80::1"}, Days: 30}
	for _, kind := range []string{"EC", "RSA", "Ed25519"} {
		key, csr := request(t, kind)
		out, err := a.Sign(t.Context(), authority.Sum, csr, want)
		if err != nil {
			t.Fatal(err)
		}
		cert := parse(t, string(out))
		if s := cert.Subject.String(); s != "CN=etcd-1,O=pigsty" {
			t.Errorf("subject %s", s)
		}
		if !slices.Equal(cert.DNSNames, []string{"localhost", "etcd-1"}) || len(cert.IPAddresses) != 3 {
			t.Errorf("names %v %v", cert.DNSNames, cert.IPAddresses)
		}
		if hex.EncodeToString(cert.AuthorityKeyId) != authority.Sum || cert.IsCA || cert.SerialNumber.Sign() != 1 {
			t.Errorf("issuer %x, authority %v", cert.AuthorityKeyId, cert.IsCA)
		}
		if age := time.Since(cert.NotBefore); age < 4*time.Minute || age > 6*time.Minute {
			t.Errorf("begins %s ago", age)
		}
		if left := time.Until(cert.NotAfter); left < 29*24*time.Hour || left > 30*24*time.Hour {
			t.Errorf("ends in %s", left)
		}
		if got := cert.KeyUsage&x509.KeyUsageKeyEncipherment != 0; got != (kind == "RSA") {
			t.Errorf("%s: key encipherment %v", kind, got)
		}
		if !key.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(cert.PublicKey) {
			t.Error("the certificate is for another key")
		}
		for _, use := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
			if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, DNSName: "10.10.10.10", KeyUsages: []x509.ExtKeyUsage{use}}); err != nil {
				t.Errorf("%s: %v", kind, err)
			}
		}
	}
}

func TestSignNeverOutlivesTheAuthority(t *testing.T) {
	a, _, authority := made(t)
	_, csr := request(t, "EC")
	out, err := a.Sign(t.Context(), "", csr, resource.Cert{CN: "x", Days: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	end := parse(t, authority.PEM).NotAfter
	if got := parse(t, string(out)).NotAfter; !got.Equal(end) {
		t.Errorf("ends %s, the authority %s", got, end)
	}
	a.Now = func() time.Time { return end.Add(time.Second) }
	if _, err := a.Sign(t.Context(), "", csr, resource.Cert{CN: "x"}); err == nil || !strings.Contains(err.Error(), "ended on") {
		t.Errorf("after its end: %v", err)
	}
}

func TestSignRefuses(t *testing.T) {
	a, dir, authority := made(t)
	_, good := request(t, "EC")
	forged := bytes.Clone(good)
	forged[len(forged)-1] ^= 1
	_, weak := request(t, "P224")
	names := make([]string, 2000)
	tests := []struct {
		name, issuer string
		csr          []byte
		want         resource.Cert
	}{
		{"another issuer", strings.Repeat("0", 64), good, resource.Cert{CN: "x"}},
		{"a signature that does not fit", authority.Sum, forged, resource.Cert{CN: "x"}},
		{"no request", authority.Sum, nil, resource.Cert{CN: "x"}},
		{"a request without end", authority.Sum, make([]byte, 1<<20), resource.Cert{CN: "x"}},
		{"a weak key", authority.Sum, weak, resource.Cert{CN: "x"}},
		{"no name", authority.Sum, good, resource.Cert{}},
		{"too many names", authority.Sum, good, resource.Cert{CN: "x", Names: names}},
	}
	for _, tt := range tests {
		out, err := a.Sign(t.Context(), tt.issuer, tt.csr, tt.want)
		if err == nil || out != nil {
			t.Errorf("%s was signed", tt.name)
		}
		if errors.Is(err, ca.ErrIssuer) != (tt.name == "another issuer") {
			t.Errorf("%s: %v", tt.name, err)
		}
		silent(t, dir, err)
	}
	if _, err := ca.New(t.TempDir()).Sign(t.Context(), "", good, resource.Cert{CN: "x"}); err == nil {
		t.Error("an authority that does not exist has signed")
	}
}

func FuzzSign(f *testing.F) {
	dir := f.TempDir()
	a := ca.New(dir)
	if err := a.Apply(f.Context(), creation()); err != nil {
		f.Fatal(err)
	}
	_, csr := request(f, "EC")
	f.Add(csr)
	f.Add([]byte("x"))
	f.Fuzz(func(t *testing.T, csr []byte) {
		if out, err := a.Sign(t.Context(), "", csr, resource.Cert{CN: "x"}); err == nil && parse(t, string(out)).Subject.CommonName != "x" {
			t.Errorf("signed for %x: %s", csr, out)
		}
	})
}
