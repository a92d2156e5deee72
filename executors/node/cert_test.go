package node_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pigsync/pigsync/executors/node"
	"github.com/pigsync/pigsync/resource"
)

// authority signs as the one on the admin side does.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	sum  string
	bend func(*x509.Certificate) // spoils what it signs
	asks int
}

func newAuthority(t testing.TB) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	spki, _ := x509.MarshalPKIXPublicKey(key.Public())
	sum := sha256.Sum256(spki)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, SubjectKeyId: sum[:],
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{key: key, cert: cert, sum: hex.EncodeToString(sum[:])}
}

func (a *authority) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}))
}

func (a *authority) Sign(_ context.Context, issuer string, csr []byte, want resource.Cert) ([]byte, error) {
	a.asks++
	if issuer != a.sum {
		return nil, errBoom
	}
	r, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		return nil, err
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: want.CN}, NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().AddDate(0, 0, want.Days),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range want.Names {
		if ip := net.ParseIP(name); ip != nil {
			tmpl.IPAddresses = append(tmpl.IPAddresses, ip)
		} else {
			tmpl.DNSNames = append(tmpl.DNSNames, name)
		}
	}
	if a.bend != nil {
		a.bend(tmpl)
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, r.PublicKey, a.key)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), err
}

var server = id(resource.KindCert, resource.CertName("/etc/etcd", "server.crt", "server.key"))

func wantCert(a *authority) resource.Cert {
	return resource.Cert{CN: "etcd-1", Names: []string{"localhost", "10.10.10.10", "etcd-1"}, Issuer: a.sum, Days: 30, Owner: "daemon", Group: "staff", Mode: 0o644, KeyMode: 0o600}
}

// issued is a machine with a certificate, made over the wire: the key never leaves it.
func issued(t *testing.T) (dir string, l *node.Local, r *node.Remote, a *authority) {
	dir = machine(t)
	write(t, dir+"/etc/etcd/x", "")
	a, l = newAuthority(t), local(t, dir)
	r = piped(t, l, node.Options{Signer: a})
	if err := set(t, r, server, wantCert(a)); err != nil {
		t.Fatal(err)
	}
	return dir, l, r, a
}

func TestCertificate(t *testing.T) {
	dir, _, r, a := issued(t)
	pair, err := tls.LoadX509KeyPair(dir+"/etc/etcd/server.crt", dir+"/etc/etcd/server.key")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	for _, name := range wantCert(a).Names {
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name}); err != nil {
			t.Error(err)
		}
	}
	have := see(t, r, server).(resource.Cert)
	if d := wantCert(a).Compare(have); len(d) > 0 || have.Due || !have.Matched {
		t.Errorf("%+v, %v", have, d)
	}
	key, _ := os.ReadFile(dir + "/etc/etcd/server.key")
	filepath.WalkDir(dir+"/var/lib/pigsync", func(name string, _ os.DirEntry, _ error) error {
		if b, _ := os.ReadFile(name); strings.Contains(string(b), "PRIVATE") {
			t.Errorf("a key is kept in %s", name)
		}
		return nil
	})
	// Owner and modes are changed without a new certificate.
	w := wantCert(a)
	w.Group, w.KeyMode = "root", 0o640
	if err := set(t, r, server, w); err != nil {
		t.Fatal(err)
	}
	if again, _ := os.ReadFile(dir + "/etc/etcd/server.key"); string(again) != string(key) || a.asks != 1 {
		t.Errorf("a new certificate for a new mode: asked %d times", a.asks)
	}
	w.Names = w.Names[:1]
	if err := set(t, r, server, w); err != nil {
		t.Fatal(err)
	}
	if err := set(t, r, server, nil); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(dir + "/etc/etcd/*server*"); left != nil {
		t.Errorf("left %v", left)
	}
}

func TestCertificateThatMustBeMadeAgain(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, dir string, l *node.Local){
		"a key is missing":    func(t *testing.T, dir string, _ *node.Local) { os.Remove(dir + "/etc/etcd/server.key") },
		"a cert is missing":   func(t *testing.T, dir string, _ *node.Local) { os.Remove(dir + "/etc/etcd/server.crt") },
		"the cert is garbage": func(t *testing.T, dir string, _ *node.Local) { write(t, dir+"/etc/etcd/server.crt", "x") },
		"another key": func(t *testing.T, dir string, _ *node.Local) {
			key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			der, _ := x509.MarshalPKCS8PrivateKey(key)
			write(t, dir+"/etc/etcd/server.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
		},
		"two thirds are over": func(t *testing.T, _ string, l *node.Local) {
			l.Now = func() time.Time { return time.Now().AddDate(0, 0, 21) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, l, _, a := issued(t)
			spoil(t, dir, l)
			have := see(t, l, server).(resource.Cert)
			if !wantCert(a).Reissue(have) {
				t.Fatalf("got %+v", have)
			}
			l.Now = nil
			if err := set(t, piped(t, l, node.Options{Signer: a}), server, wantCert(a)); err != nil {
				t.Error(err)
			}
		})
	}
}

// What comes back from the authority is checked before anything is written.
func TestCertificateIsChecked(t *testing.T) {
	for name, bend := range map[string]func(*x509.Certificate){
		"names":    func(c *x509.Certificate) { c.DNSNames = nil },
		"cn":       func(c *x509.Certificate) { c.Subject.CommonName = "root" },
		"too late": func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Second) },
		"too soon": func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) },
	} {
		dir, _, r, a := issued(t)
		before, _ := os.ReadFile(dir + "/etc/etcd/server.key")
		a.bend = bend
		w := wantCert(a)
		w.Names = append(w.Names, "more")
		fails(t, set(t, r, server, w), "the authority gave something else")
		if after, _ := os.ReadFile(dir + "/etc/etcd/server.key"); string(after) != string(before) {
			t.Errorf("%s: the key was replaced", name)
		}
	}
	dir := machine(t)
	write(t, dir+"/etc/etcd/x", "")
	fails(t, set(t, local(t, dir), server, wantCert(newAuthority(t))), "there is no authority to ask")
	fails(t, set(t, piped(t, local(t, dir), node.Options{}), server, wantCert(newAuthority(t))), "there is nothing to sign")
	a := newAuthority(t)
	w := wantCert(a)
	w.Issuer = "another"
	fails(t, set(t, piped(t, local(t, dir), node.Options{Signer: a}), server, w), "boom")
}

func TestOwnersThatDiffer(t *testing.T) {
	dir, l, _, a := issued(t)
	if err := os.Chown(dir+"/etc/etcd/server.crt", 0, 0); err != nil {
		t.Skip(err)
	}
	have := see(t, l, server).(resource.Cert)
	if d := wantCert(a).Compare(have); len(d) != 2 {
		t.Errorf("got %v", d)
	}
	if err := set(t, l, server, wantCert(a)); err != nil {
		t.Error(err)
	}
}
