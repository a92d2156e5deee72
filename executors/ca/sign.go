package ca

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/pigsync/pigsync/resource"
)

const (
	leafDays = 7300 // lifetime of a certificate for which none is given: Pigsty's cert_validity
	maxCSR   = 64 << 10
	maxNames = 1000
	minRSA   = 2048 // bits
)

// Sign makes a certificate for the key of a CSR, with the names that are wanted and for both ends of a
// connection. Of the CSR only the key counts, and that it was signed with it. issuer is the Sum of the
// authority that is meant, "" any; with another one the error is ErrIssuer. The certificate lives for
// want.Days, 7300 by default, and never longer than the authority's. It is returned in PEM, alone.
func (a *Authority) Sign(ctx context.Context, issuer string, csrDER []byte, want resource.Cert) ([]byte, error) {
	out, err := a.sign(ctx, issuer, csrDER, want)
	if err != nil {
		return nil, fmt.Errorf("sign a certificate for %q: %w", want.CN, err)
	}
	return out, nil
}

func (a *Authority) sign(ctx context.Context, issuer string, csrDER []byte, want resource.Cert) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	csr, err := request(csrDER)
	if err != nil {
		return nil, err
	}
	p, err := a.existing()
	if err != nil {
		return nil, err
	}
	if issuer != "" && issuer != p.sum() {
		return nil, fmt.Errorf("%w: %s, and this one is %s", ErrIssuer, issuer, p.sum())
	}
	t, err := p.leaf(csr, want, a.now())
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, t, p.cert, csr.PublicKey, p.key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}

// request reads a CSR and lets it prove that its author has the key.
func request(der []byte) (*x509.CertificateRequest, error) {
	if len(der) > maxCSR {
		return nil, fmt.Errorf("the request has %d bytes: want at most %d", len(der), maxCSR)
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, fmt.Errorf("check the request's signature: %w", err)
	}
	return csr, strong(csr.PublicKey)
}

func strong(public any) error {
	switch k := public.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < minRSA {
			return fmt.Errorf("an RSA key of %d bits: want at least %d", k.N.BitLen(), minRSA)
		}
	case *ecdsa.PublicKey:
		if bits := k.Curve.Params().BitSize; bits < 256 {
			return fmt.Errorf("an elliptic curve of %d bits: want at least 256", bits)
		}
	case ed25519.PublicKey:
	default:
		return fmt.Errorf("a key of type %T: want RSA, ECDSA or Ed25519", public)
	}
	return nil
}

// leaf is the certificate to be signed.
func (p pair) leaf(csr *x509.CertificateRequest, want resource.Cert, now time.Time) (*x509.Certificate, error) {
	switch {
	case want.CN == "":
		return nil, errors.New("no common name is wanted")
	case len(want.Names) > maxNames:
		return nil, fmt.Errorf("%d names are wanted: want at most %d", len(want.Names), maxNames)
	case !now.Before(p.cert.NotAfter):
		return nil, fmt.Errorf("the authority's certificate ended on %s", p.cert.NotAfter.UTC().Format(time.DateOnly))
	}
	number, err := serial()
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{
		SerialNumber:          number,
		Subject:               pkix.Name{CommonName: want.CN, Organization: []string{organization}},
		NotBefore:             latest(now.Add(-backdate), p.cert.NotBefore),
		NotAfter:              earliest(now.AddDate(0, 0, days(want.Days, leafDays)), p.cert.NotAfter),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
		SubjectKeyId:          digest(csr.RawSubjectPublicKeyInfo),
		AuthorityKeyId:        p.keyID(),
	}
	if _, isRSA := csr.PublicKey.(*rsa.PublicKey); isRSA {
		t.KeyUsage |= x509.KeyUsageKeyEncipherment
	}
	for _, name := range want.Names {
		if ip := net.ParseIP(name); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, name)
		}
	}
	return t, nil
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
