package signed_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"

	"github.com/pigsync/pigsync/sources/signed"
)

const message = "tree 4b825dc\n\nPigsync-Approved: 0123456789ab\n"

// sshKey makes a key and signs the message with it in a namespace.
func sshKey(t *testing.T, kind, space string) (public string, signature []byte) {
	t.Helper()
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("ssh-keygen is not installed")
	}
	key := filepath.Join(t.TempDir(), "key")
	args := []string{"-q", "-t", kind, "-N", "", "-f", key}
	if kind == "rsa" {
		args = append(args, "-b", "2048") // larger ones take long to find
	}
	run(t, "", "ssh-keygen", args...)
	text, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text)), run(t, message, "ssh-keygen", "-Y", "sign", "-q", "-n", space, "-f", key)
}

func run(t *testing.T, stdin, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(name, err)
	}
	return out
}

func TestSSH(t *testing.T) {
	for _, kind := range []string{"ed25519", "ecdsa", "rsa"} {
		public, signature := sshKey(t, kind, "git")
		other, _ := sshKey(t, kind, "git")
		_, elsewhere := sshKey(t, kind, "file")
		now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
		for _, tt := range []struct {
			name, signers, message string
			signature              []byte
			who                    string
		}{
			{"known", "# us\n\nann@example.com,ann " + public, message, signature, "ann@example.com"},
			{"somebody else", "bob " + other, message, signature, ""},
			{"one of two", "bob " + other + "\nann " + public, message, signature, "ann"},
			{"another message", "ann " + public, message + " ", signature, ""},
			{"for git", `ann namespaces="file,git" ` + public, message, signature, "ann"},
			{"for something else", `ann namespaces="file" ` + public, message, signature, ""},
			{"signed for something else", "ann " + public, message, elsewhere, ""},
			{"in its time", `ann valid-after="20260101",valid-before="20270101" ` + public, message, signature, "ann"},
			{"before its time", `ann valid-after="20261121" ` + public, message, signature, ""},
			{"after its time", `ann valid-before="20261120" ` + public, message, signature, ""},
		} {
			keys, err := signed.Load([]byte(tt.signers), nil)
			if err != nil {
				t.Fatal(tt.name, err)
			}
			who, err := keys.Signer([]byte(tt.message), tt.signature, now)
			if who != tt.who || (err == nil) != (who != "") {
				t.Errorf("%s, %s: %q %v, want %q", kind, tt.name, who, err, tt.who)
			}
		}
	}
}

func TestOpenPGP(t *testing.T) {
	ann, err := openpgp.NewEntity("Ann", "", "ann@example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	bob, err := openpgp.NewEntity("Bob", "", "bob@example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	var signature bytes.Buffer
	if err := openpgp.ArmoredDetachSign(&signature, ann, strings.NewReader(message), nil); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		keyring []byte
		message string
		who     string
	}{
		{"known", ring(t, ann, bob), message, "ann@example.com"},
		{"somebody else", ring(t, bob), message, ""},
		{"nobody", nil, message, ""},
		{"another message", ring(t, ann), "x" + message, ""},
	} {
		keys, err := signed.Load(nil, tt.keyring)
		if err != nil {
			t.Fatal(tt.name, err)
		}
		who, err := keys.Signer([]byte(tt.message), signature.Bytes(), time.Now())
		if who != tt.who || (err == nil) != (who != "") || err != nil && !errors.Is(err, signed.ErrNobody) {
			t.Errorf("%s: %q %v, want %q", tt.name, who, err, tt.who)
		}
	}
}

func ring(t *testing.T, people ...*openpgp.Entity) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := armor.Encode(&b, openpgp.PublicKeyType, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range people {
		if err := p.Serialize(w); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestBadFiles(t *testing.T) {
	for signers, says := range map[string]string{
		"ann":                              "line 1: want principals and a key",
		"\n*@example.com ssh-ed25519 AAAA": `line 2: want a name and no pattern, got "*@example.com"`,
		"ann ssh-ed25519 nonsense":         "line 1: want a public key such as ssh-ed25519 AAAA…",
	} {
		if _, err := signed.Load([]byte(signers), nil); err == nil || err.Error() != says {
			t.Errorf("%q: %v, want %s", signers, err, says)
		}
	}
	if _, err := signed.Load(nil, []byte("no keyring")); err == nil {
		t.Error("no keyring is taken for one")
	}
}

// No file of signers and no signature makes it panic, and what was not signed is nobody's.
func FuzzSigner(f *testing.F) {
	f.Add([]byte("ann ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKb5q1Gq"), []byte("-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n"))
	f.Add([]byte(`ann namespaces="git",valid-after="2026" ssh-rsa AAAA`), []byte("-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----\n"))
	f.Fuzz(func(t *testing.T, signers, signature []byte) {
		keys, err := signed.Load(signers, nil)
		if err != nil {
			return
		}
		if who, err := keys.Signer([]byte(message), signature, time.Unix(1_800_000_000, 0)); err == nil {
			t.Errorf("%q is said to have signed it", who)
		}
	})
}
