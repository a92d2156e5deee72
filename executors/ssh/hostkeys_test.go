package ssh

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/pigsync/pigsync/executors/ssh/sshtest"
)

// ecdsaKey is a key of another type than ed25519, which the client would rather negotiate.
func ecdsaKey(t *testing.T) ssh.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return mustSigner(t, key)
}

func rsaKey(t *testing.T) ssh.Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return mustSigner(t, key)
}

func mustSigner(t *testing.T, key any) ssh.Signer {
	t.Helper()
	s, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// certify makes a host certificate for 127.0.0.1.
func certify(t *testing.T, authority ssh.Signer, principal string) ssh.Signer {
	t.Helper()
	key := sshtest.NewKey(t)
	cert := &ssh.Certificate{Key: key.PublicKey(), CertType: ssh.HostCert, ValidPrincipals: []string{principal}, ValidBefore: math.MaxUint64}
	if err := cert.SignCert(rand.Reader, authority); err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewCertSigner(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func TestHostKeys(t *testing.T) {
	own, other, unwanted, rsa, authority := sshtest.NewKey(t), sshtest.NewKey(t), ecdsaKey(t), rsaKey(t), sshtest.NewKey(t)
	cert, stray := certify(t, authority, "127.0.0.1"), certify(t, authority, "elsewhere")
	line := func(k ssh.Signer) string { return "%s " + string(ssh.MarshalAuthorizedKey(k.PublicKey())) }
	tests := []struct {
		name  string
		shown []ssh.Signer
		known string // %s stands for the address
		words []string
		hint  string
	}{
		{"right", []ssh.Signer{own}, line(own), nil, ""},
		{"right among several lines", []ssh.Signer{own}, line(other) + "# note\n\n" + line(own), nil, ""},
		{"right among several types", []ssh.Signer{unwanted, own}, line(own), nil, ""},
		{"rsa", []ssh.Signer{unwanted, rsa}, line(rsa), nil, ""},
		{"hashed", []ssh.Signer{own}, "%h " + line(own)[3:], nil, ""},
		{"unknown", []ssh.Signer{own}, "elsewhere " + line(own)[3:], []string{"unknown", ssh.FingerprintSHA256(own.PublicKey())}, "ssh-keyscan"},
		{"no lines", []ssh.Signer{own}, "", []string{"unknown"}, "ssh-keyscan"},
		{"changed", []ssh.Signer{own}, "# first\n" + line(other), []string{"changed", "known_hosts:2", ssh.FingerprintSHA256(other.PublicKey()), ssh.FingerprintSHA256(own.PublicKey())}, "in between"},
		{"changed to another type", []ssh.Signer{unwanted}, line(own), []string{"changed", "known_hosts:1"}, "in between"},
		{"revoked", []ssh.Signer{own}, line(own) + "@revoked * " + line(own)[3:], []string{"revoked", "known_hosts:2"}, "@revoked"},
		{"certified", []ssh.Signer{unwanted, cert}, "@cert-authority " + line(authority), nil, ""},
		{"certified for another", []ssh.Signer{stray}, "@cert-authority " + line(authority), []string{"certificate"}, "known_hosts"},
		{"certified by another", []ssh.Signer{cert}, "@cert-authority " + line(other), []string{"certificate"}, "known_hosts"},
		{"authority revoked", []ssh.Signer{cert}, "@cert-authority " + line(authority) + "@revoked * " + line(authority)[3:], []string{"certificate"}, "known_hosts"},
		{"authority as host", []ssh.Signer{authority}, "@cert-authority " + line(authority), []string{"changed"}, ""},
		{"malformed", []ssh.Signer{own}, line(own) + "nonsense\n", []string{"malformed", "known_hosts:2"}, "line"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := sshtest.Serve(t, sshtest.Options{HostKeys: tt.shown})
			addr := knownhosts.Normalize(srv.Addr)
			text := strings.NewReplacer("%s", addr, "%h", knownhosts.HashHostname(addr)).Replace(tt.known)
			file := filepath.Join(t.TempDir(), "known_hosts")
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := newPool(t, Config{KnownHosts: []string{file}}).Client(soon(t), target(srv))
			if tt.words == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			mustHint(t, mustBe(t, err, ErrHostKey, tt.words...), tt.hint)
			if srv.Logins() != 0 {
				t.Error("logged in all the same")
			}
		})
	}
}

func TestKnownHostsFiles(t *testing.T) {
	srv := sshtest.Serve(t, sshtest.Options{})
	missing := filepath.Join(t.TempDir(), "none")
	p := newPool(t, Config{KnownHosts: []string{missing}})
	_, err := p.Client(soon(t), target(srv))
	mustHint(t, mustBe(t, err, ErrHostKey, "unknown"), missing)
	// A line that is added counts from the next dial on.
	if err := os.WriteFile(missing, []byte(srv.KnownHostsLines()), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Client(soon(t), target(srv)); err != nil {
		t.Error(err)
	}
	_, err = newPool(t, Config{}).Client(soon(t), target(srv))
	mustHint(t, mustBe(t, err, ErrHostKey), "none is configured")
	_, err = newPool(t, Config{KnownHosts: []string{t.TempDir()}}).Client(soon(t), target(srv))
	mustBe(t, err, ErrHostKey, "is a directory")
}

func TestAlgorithmsOfKnownKeysOnly(t *testing.T) {
	text := ""
	for _, k := range []ssh.Signer{rsaKey(t), sshtest.NewKey(t)} {
		text += fmt.Sprintf("node %s", ssh.MarshalAuthorizedKey(k.PublicKey()))
	}
	h, err := readHostKeys([]string{writeFile(t, text)})
	if err != nil {
		t.Fatal(err)
	}
	got := h.algorithms("node:22")
	slices.Sort(got)
	if want := []string{"rsa-sha2-256", "rsa-sha2-512", "ssh-ed25519"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := h.algorithms("other:22"); got != nil {
		t.Errorf("a host without a line: %v", got)
	}
}
