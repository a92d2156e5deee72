package ca_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/executors/ca"
	"github.com/pigsync/pigsync/executors/exectest"
	"github.com/pigsync/pigsync/resource"
)

var id = resource.CAOf("pigsty-ca")

func creation() diff.Change {
	return diff.Change{Action: diff.Create, Resource: resource.Resource{ID: id, Spec: resource.CA{Name: "pigsty-ca"}}}
}

// see observes the authority, and checks that no error shows what is in the key's file.
func see(t *testing.T, a *ca.Authority, dir string) resource.State {
	t.Helper()
	s := a.Observe(t.Context(), []resource.ID{id})[id]
	silent(t, dir, s.Err)
	return s
}

// silent fails when an error shows a line of the key.
func silent(t *testing.T, dir string, err error) {
	t.Helper()
	for _, line := range secrets(dir) {
		if err != nil && strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), line) {
			t.Errorf("an error shows the key: %v", err)
		}
	}
}

func made(t *testing.T) (*ca.Authority, string, resource.CA) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "pki", "ca")
	a := ca.New(dir)
	if s := see(t, a, dir); s.Spec != nil || s.Err != nil {
		t.Fatalf("before: %+v", s)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Fatal("observing made the directory")
	}
	if err := a.Apply(t.Context(), creation()); err != nil {
		t.Fatal(err)
	}
	s := see(t, a, dir)
	got, ok := s.Spec.(resource.CA)
	if !ok {
		t.Fatalf("after: %+v", s)
	}
	return a, dir, got
}

// An authority is only ever made: it becomes no other, and it is never removed.
func TestSuite(t *testing.T) {
	var dirs []string
	fresh := func(t testing.TB) executors.Executor {
		dirs = append(dirs, filepath.Join(t.TempDir(), "ca"))
		return ca.New(dirs[len(dirs)-1])
	}
	blind := func(t testing.TB) executors.Executor {
		a := fresh(t)
		if err := errors.Join(a.Apply(t.Context(), creation()), os.Remove(filepath.Join(dirs[len(dirs)-1], "ca.key"))); err != nil {
			t.Fatal(err)
		}
		return a
	}
	exectest.Run(t, fresh, exectest.Options{
		Samples: []exectest.Sample{{
			ID: id, Specs: []resource.Spec{resource.CA{Name: "pigsty-ca"}},
			Never: []resource.Spec{nil, resource.CA{Name: "other-ca"}},
		}},
		Strange: []resource.ID{resource.FactsOf("a"), {Kind: resource.KindCA, Name: "x", At: "elsewhere"}},
		Blind:   blind,
		Secrets: func() (lines []string) {
			for _, dir := range dirs {
				lines = append(lines, secrets(dir)...)
			}
			return lines
		},
	})
}

// secrets are the lines of a key, where there is one.
func secrets(dir string) (lines []string) {
	text, err := os.ReadFile(filepath.Join(dir, "ca.key"))
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestApplyMakesAnAuthority(t *testing.T) {
	a, dir, got := made(t)
	if d := (resource.CA{Name: "pigsty-ca"}).Compare(got); len(d) != 0 {
		t.Errorf("differs: %v", d)
	}
	cert := parse(t, got.PEM)
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	if got.Sum != hex.EncodeToString(sum[:]) || !bytes.Equal(cert.SubjectKeyId, sum[:]) {
		t.Errorf("sum %s, key id %x", got.Sum, cert.SubjectKeyId)
	}
	if s := cert.Subject.String(); s != "CN=pigsty-ca,OU=ca,O=pigsty" {
		t.Errorf("subject %s", s)
	}
	if !cert.IsCA || cert.MaxPathLen != 1 || cert.SerialNumber.BitLen() > 128 || time.Until(cert.NotAfter) < 36499*24*time.Hour {
		t.Errorf("pathlen %d, until %s", cert.MaxPathLen, cert.NotAfter)
	}
	if text, err := a.PEM(); err != nil || text != got.PEM {
		t.Errorf("PEM: %v", err)
	}
	modes(t, dir, map[string]os.FileMode{".": 0o700, "ca.key": 0o600, "ca.crt": 0o644})
}

func modes(t *testing.T, dir string, want map[string]os.FileMode) {
	t.Helper()
	for name, mode := range want {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if found, err := os.ReadDir(dir); err != nil || len(found) != len(want)-1 {
		t.Errorf("%v, %v", found, err)
	}
}

func TestApplyNeverMakesItAgain(t *testing.T) {
	a, dir, _ := made(t)
	before := key(t, dir)
	if err := a.Apply(t.Context(), creation()); !errors.Is(err, executors.ErrMoved) {
		t.Errorf("create: %v", err)
	}
	for _, action := range []diff.Action{diff.Update, diff.Delete, diff.Check} {
		c := creation()
		c.Action = action
		if err := a.Apply(t.Context(), c); err == nil || errors.Is(err, executors.ErrMoved) {
			t.Errorf("%s: %v", action, err)
		}
	}
	if !bytes.Equal(before, key(t, dir)) {
		t.Error("the key is another one")
	}
}

func TestManyAtOnceMakeOneAuthority(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() { errs[i] = ca.New(dir).Apply(t.Context(), creation()) })
	}
	wg.Wait()
	if s := see(t, ca.New(dir), dir); s.Spec == nil {
		t.Errorf("nothing was made: %v, %v", s.Err, errors.Join(errs...))
	}
}

// A crash may come between any two writes.
func TestACrashBetweenTheFilesIsMended(t *testing.T) {
	a, dir, _ := made(t)
	before := key(t, dir)
	if err := os.Remove(filepath.Join(dir, "ca.crt")); err != nil {
		t.Fatal(err)
	}
	for _, half := range []string{".ca.crt.new", ".ca.key.new"} {
		if err := os.WriteFile(filepath.Join(dir, half), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if s := see(t, a, dir); s.Spec != nil || s.Err != nil {
		t.Fatalf("a key without a certificate: %+v", s)
	}
	if err := a.Apply(t.Context(), creation()); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, key(t, dir)) {
		t.Error("the key was made anew")
	}
}

func TestWhatIsWrongIsAnErrorAndNeverAbsent(t *testing.T) {
	tests := []struct {
		name, want string
		spoil      func(t *testing.T, dir string)
	}{
		{"no key", "is missing", func(t *testing.T, dir string) { remove(t, dir, "ca.key") }},
		{"a key for all", "may be read by others", func(t *testing.T, dir string) { chmod(t, dir, 0o640) }},
		{"no PEM", "no certificate in PEM", func(t *testing.T, dir string) { put(t, dir, "ca.crt", "x") }},
		{"an empty key", "no private key in PEM", func(t *testing.T, dir string) { put(t, dir, "ca.key", "") }},
		{"another key", "is not the key of", func(t *testing.T, dir string) {
			_, other, _ := made(t)
			put(t, dir, "ca.key", string(key(t, other)))
		}},
		{"a broken key", "no private key in PEM", func(t *testing.T, dir string) {
			text := key(t, dir)
			put(t, dir, "ca.key", strings.Replace(string(text), "M", "N", 1))
		}},
		{"a large file", "at most", func(t *testing.T, dir string) { put(t, dir, "ca.crt", strings.Repeat("x", 1<<20)) }},
		{"a leaf", "not the certificate of an authority", func(t *testing.T, dir string) {
			_, csr := request(t, "EC")
			leaf, err := ca.New(dir).Sign(t.Context(), "", csr, resource.Cert{CN: "x"})
			if err != nil {
				t.Fatal(err)
			}
			put(t, dir, "ca.crt", string(leaf))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, dir, _ := made(t)
			tt.spoil(t, dir)
			s := see(t, a, dir)
			if s.Err == nil || !strings.Contains(s.Err.Error(), tt.want) {
				t.Errorf("got %+v", s)
			}
			if err := a.Apply(t.Context(), creation()); err == nil {
				t.Error("it was made over what is there")
			} else {
				silent(t, dir, err)
			}
		})
	}
}

func TestAnotherNameIsNamed(t *testing.T) {
	a, _, _ := made(t)
	other := resource.CAOf("other-ca")
	s := a.Observe(t.Context(), []resource.ID{other})[other]
	if s.Err == nil || !strings.Contains(s.Err.Error(), "pigsty-ca") || !strings.Contains(s.Err.Error(), "other-ca") {
		t.Errorf("got %+v", s)
	}
}

// An authority made as Ansible does: RSA, the key id a SHA-1, keys in the old and the new form.
func TestAnExistingAuthorityIsUsed(t *testing.T) {
	openssl(t, "version")
	for _, form := range []string{"RSA", "EC", "traditional"} {
		t.Run(form, func(t *testing.T) {
			dir := t.TempDir()
			keyFile, certFile := filepath.Join(dir, "ca.key"), filepath.Join(dir, "ca.crt")
			switch form {
			case "RSA":
				openssl(t, "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", keyFile)
			case "EC":
				openssl(t, "ecparam", "-name", "prime256v1", "-genkey", "-out", keyFile)
			case "traditional":
				openssl(t, "genrsa", "-traditional", "-out", keyFile, "2048")
			}
			openssl(t, "req", "-x509", "-new", "-key", keyFile, "-subj", "/O=pigsty/OU=ca/CN=pigsty-ca", "-days", "36500",
				"-addext", "keyUsage=critical,cRLSign,keyCertSign", "-out", certFile)
			if err := os.Chmod(keyFile, 0o600); err != nil {
				t.Fatal(err)
			}
			a := ca.New(dir)
			s := see(t, a, dir)
			got, ok := s.Spec.(resource.CA)
			if !ok || len(got.Sum) != 40 {
				t.Fatalf("got %+v", s)
			}
			_, csr := request(t, "EC")
			leaf, err := a.Sign(t.Context(), got.Sum, csr, resource.Cert{CN: "etcd-1", Names: []string{"localhost", "10.10.10.10"}})
			if err != nil {
				t.Fatal(err)
			}
			if hex.EncodeToString(parse(t, string(leaf)).AuthorityKeyId) != got.Sum {
				t.Error("the leaf does not name its issuer")
			}
			put(t, dir, "leaf.crt", string(leaf))
			openssl(t, "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", certFile, filepath.Join(dir, "leaf.crt"))
		})
	}
}

// An authority without a key id is known by the digest of its key.
func TestAnAuthorityWithoutKeyID(t *testing.T) {
	openssl(t, "version")
	dir := t.TempDir()
	keyFile, certFile := filepath.Join(dir, "ca.key"), filepath.Join(dir, "ca.crt")
	openssl(t, "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", keyFile)
	openssl(t, "req", "-x509", "-new", "-key", keyFile, "-subj", "/CN=pigsty-ca", "-addext", "subjectKeyIdentifier=none", "-out", certFile)
	s := see(t, ca.New(dir), dir)
	got, _ := s.Spec.(resource.CA)
	sum := sha256.Sum256(parse(t, got.PEM).RawSubjectPublicKeyInfo)
	if got.Sum != hex.EncodeToString(sum[:]) {
		t.Errorf("got %+v", s)
	}
}

func openssl(t *testing.T, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("openssl is not installed")
	}
	if out, err := exec.CommandContext(t.Context(), "openssl", args...).CombinedOutput(); err != nil {
		t.Fatalf("openssl %s: %v\n%s", args[0], err, out)
	}
}

func parse(t *testing.T, text string) *x509.Certificate {
	t.Helper()
	block, rest := pem.Decode([]byte(text))
	if block == nil || len(rest) != 0 {
		t.Fatalf("not one PEM block: %q", text)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func key(t *testing.T, dir string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "ca.key"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func chmod(t *testing.T, dir string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(filepath.Join(dir, "ca.key"), mode); err != nil {
		t.Fatal(err)
	}
}
