package ssh

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/pigsync/pigsync/executors/ssh/sshtest"
)

// serveAgent runs an agent that holds keys.
func serveAgent(t *testing.T, keys ...ed25519.PrivateKey) (socket string) {
	t.Helper()
	ring := agent.NewKeyring()
	for _, k := range keys {
		if err := ring.Add(agent.AddedKey{PrivateKey: k}); err != nil {
			t.Fatal(err)
		}
	}
	dir, err := os.MkdirTemp("", "agent") // shorter than t.TempDir: sockets have short names
	if err != nil {
		t.Fatal(err)
	}
	socket = filepath.Join(dir, "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { _ = agent.ServeAgent(ring, conn); _ = conn.Close() })
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait(); _ = os.RemoveAll(dir) })
	return socket
}

func privateKey(t *testing.T) (ed25519.PrivateKey, ssh.PublicKey) {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key, mustSigner(t, key).PublicKey()
}

func locked(t *testing.T, key ed25519.PrivateKey) (file string) {
	t.Helper()
	block, err := ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	return writeFile(t, string(pem.EncodeToMemory(block)))
}

func TestAuth(t *testing.T) {
	held, heldPublic := privateKey(t)
	wrong, wrongPublic := sshtest.WriteKey(t)
	srv := sshtest.Serve(t, sshtest.Options{Authorized: []ssh.PublicKey{heldPublic}})
	socket := serveAgent(t, held)
	missing := filepath.Join(t.TempDir(), "missing")
	encrypted := locked(t, held)
	garbage := writeFile(t, "not a key")
	tests := []struct {
		name    string
		cfg     Config
		keyFile string
		words   []string // nil: logs in
	}{
		{"key file of the target", Config{}, srv.KeyFile, nil},
		{"key file of the pool", Config{KeyFiles: []string{missing, wrong, srv.KeyFile}}, "", nil},
		{"agent", Config{AgentSocket: socket}, "", nil},
		{"encrypted file whose key the agent holds", Config{AgentSocket: socket}, encrypted, nil},
		{"encrypted file alone", Config{}, encrypted, []string{"encrypted", "not in the agent"}},
		{"wrong key", Config{}, wrong, []string{wrong, ssh.FingerprintSHA256(wrongPublic)}},
		{"the target's file only", Config{KeyFiles: []string{srv.KeyFile}, AgentSocket: socket}, wrong, []string{wrong}},
		{"missing file", Config{}, missing, []string{missing, "no such file"}},
		{"garbage", Config{}, garbage, []string{garbage}},
		{"garbage among the pool's", Config{KeyFiles: []string{garbage}}, "", []string{garbage, "not tried"}},
		{"no keys", Config{}, "", []string{"no keys to try"}},
		{"agent that is not there", Config{AgentSocket: missing}, "", []string{"agent: ", missing}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.cfg.KnownHosts = []string{srv.KnownHosts}
			to := target(srv)
			to.KeyFile = tt.keyFile
			_, err := newPool(t, tt.cfg).Client(soon(t), to)
			if tt.words == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			e := mustBe(t, err, ErrAuth, tt.words...)
			if e.Hint() == "" {
				t.Error("no hint")
			}
		})
	}
}
