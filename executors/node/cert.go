package node

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"time"

	"github.com/pigsync/pigsync/resource"
)

const (
	// maxCert bounds a certificate with its chain, and a key.
	maxCert = 1 << 20
	// signTimeout bounds the wait for the authority.
	signTimeout = 60 * time.Second
)

// pair are the two files of a certificate.
type pair struct {
	cert, key         spot
	certInfo, keyInfo os.FileInfo // nil is absent
}

func (v *view) pair(name string) (p pair, err error) {
	certPath, keyPath, ok := resource.CertPaths(name)
	if !ok {
		return p, errors.New("the name is no pair of files")
	}
	if p.cert, p.certInfo, err = v.stat(certPath); err != nil {
		return p, err
	}
	p.key, p.keyInfo, err = v.stat(keyPath)
	return p, err
}

// seeCert takes what cannot be read as a certificate for one that must be made again: that it is no
// certificate is known, not unknown.
func (v *view) seeCert(name string) (resource.Spec, error) {
	p, err := v.pair(name)
	if err != nil || p.certInfo == nil && p.keyInfo == nil {
		return nil, err
	}
	var c resource.Cert
	var certPEM, keyPEM []byte
	if p.certInfo != nil {
		c.Mode = sysStat(p.certInfo).Mode & permissions
		if certPEM, err = p.cert.read(p.certInfo, maxCert); err != nil {
			return nil, fmt.Errorf("%s: %w", p.cert.path, err)
		}
	}
	if p.keyInfo != nil {
		c.KeyMode = sysStat(p.keyInfo).Mode & permissions
		if keyPEM, err = p.key.read(p.keyInfo, maxCert); err != nil {
			return nil, fmt.Errorf("%s: %w", p.key.path, err)
		}
	}
	if leaf := leafOf(certPEM); leaf != nil {
		describe(&c, leaf, v.l.now())
	}
	_, err = tls.X509KeyPair(certPEM, keyPEM)
	c.Matched = err == nil
	c.Owner, c.Group, err = v.pairOwner(p)
	return c, err
}

func leafOf(b []byte) *x509.Certificate {
	for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			leaf, _ := x509.ParseCertificate(block.Bytes) // nil when it is none
			return leaf
		}
	}
	return nil
}

// describe says what a certificate says. Due is it after two thirds of its life.
func describe(c *resource.Cert, leaf *x509.Certificate, now time.Time) {
	c.CN = leaf.Subject.CommonName
	c.Names = append(c.Names, leaf.DNSNames...)
	for _, ip := range leaf.IPAddresses {
		c.Names = append(c.Names, ip.String())
	}
	slices.Sort(c.Names)
	c.Issuer = hex.EncodeToString(leaf.AuthorityKeyId)
	life := leaf.NotAfter.Sub(leaf.NotBefore)
	c.Due = !now.Before(leaf.NotBefore.Add(life / 3 * 2))
}

// pairOwner gives the owner of both; when they differ, both names, which nobody wants.
func (v *view) pairOwner(p pair) (user, group string, err error) {
	a, err := v.accounts()
	if err != nil {
		return "", "", err
	}
	for _, info := range []os.FileInfo{p.key2(), p.cert2()} {
		st := sysStat(info)
		u, g := a.names(st.Uid, st.Gid)
		user, group = both(user, u), both(group, g)
	}
	return user, group, nil
}

// key2 and cert2 stand in for each other when one is missing.
func (p pair) key2() os.FileInfo {
	if p.keyInfo == nil {
		return p.certInfo
	}
	return p.keyInfo
}

func (p pair) cert2() os.FileInfo {
	if p.certInfo == nil {
		return p.keyInfo
	}
	return p.certInfo
}

func both(a, b string) string {
	if a == "" || a == b {
		return b
	}
	return a + "+" + b
}

func (w *work) makeCert(ctx context.Context, want resource.Cert, have resource.Spec) error {
	certPath, keyPath, ok := resource.CertPaths(w.id.Name)
	if !ok {
		return errors.New("the name is no pair of files")
	}
	cert, err := w.place(certPath)
	if err != nil {
		return err
	}
	key, err := w.place(keyPath)
	if err != nil {
		return err
	}
	if want.Reissue(have) {
		return w.issue(ctx, want, cert, key)
	}
	if err := w.setAttributes(cert, want.Mode, want.Owner, want.Group); err != nil {
		return err
	}
	return w.setAttributes(key, want.KeyMode, want.Owner, want.Group)
}

// issue makes a key, has it signed, and puts both in place, the key first. Until the certificate has
// been checked nothing is written. Dying between the two leaves a pair that does not match, which the
// next round makes again.
func (w *work) issue(ctx context.Context, want resource.Cert, cert, key spot) error {
	certPEM, keyPEM, err := w.signed(ctx, want)
	if err != nil {
		return err
	}
	newKey, err := w.draft(key, keyPEM, want.KeyMode, want.Owner, want.Group)
	if err != nil {
		return err
	}
	newCert, err := w.draft(cert, certPEM, want.Mode, want.Owner, want.Group)
	if err != nil {
		return err
	}
	newKey.forget = true
	if newKey.mode == 0 {
		newKey.mode = defaultMode(true)
	}
	if newCert.mode == 0 {
		newCert.mode = defaultMode(false)
	}
	if err := w.write(key, newKey); err != nil {
		return err
	}
	return w.write(cert, newCert)
}

func (w *work) signed(ctx context.Context, want resource.Cert) (certPEM, keyPEM []byte, err error) {
	if w.sign == nil {
		return nil, nil, errors.New("there is no authority to ask")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, request(want), key)
	if err != nil {
		return nil, nil, fmt.Errorf("make a request: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, signTimeout)
	defer cancel()
	certPEM, err = w.sign.Sign(ctx, want.Issuer, csr, want)
	if err != nil {
		return nil, nil, fmt.Errorf("have it signed: %w", err)
	}
	if err := check(certPEM, key.Public(), want, w.l.now()); err != nil {
		return nil, nil, fmt.Errorf("the authority gave something else: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	return certPEM, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

func request(want resource.Cert) *x509.CertificateRequest {
	r := &x509.CertificateRequest{Subject: pkix.Name{CommonName: want.CN}}
	for _, name := range want.Names {
		if ip := net.ParseIP(name); ip != nil {
			r.IPAddresses = append(r.IPAddresses, ip)
		} else {
			r.DNSNames = append(r.DNSNames, name)
		}
	}
	return r
}

// check makes sure that the certificate is the one that was asked for.
func check(certPEM []byte, public crypto.PublicKey, want resource.Cert, now time.Time) error {
	leaf := leafOf(certPEM)
	if leaf == nil {
		return errors.New("it is no certificate")
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return err
	}
	if !bytes.Equal(leaf.RawSubjectPublicKeyInfo, der) {
		return errors.New("it is for another key")
	}
	if now.Before(leaf.NotBefore) || now.After(leaf.NotAfter) {
		return fmt.Errorf("it is valid from %s to %s only", leaf.NotBefore, leaf.NotAfter)
	}
	have := resource.Cert{Matched: true}
	describe(&have, leaf, now)
	if want.Reissue(have) {
		return errors.New("its names, its issuer or its lifetime are not those wanted")
	}
	return nil
}

// removeCert removes both files. The key is not kept for undo.
func (w *work) removeCert(context.Context) error {
	p, err := w.pair(w.id.Name)
	if err != nil {
		return err
	}
	for _, s := range []struct {
		spot
		info os.FileInfo
	}{{p.cert, p.certInfo}, {p.key, p.keyInfo}} {
		if s.info == nil {
			continue
		}
		if err := errors.Join(s.dir.Remove(s.name), syncDir(s.dir)); err != nil {
			return err
		}
	}
	return nil
}
