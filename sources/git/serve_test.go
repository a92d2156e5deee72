package git_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/pigsync/pigsync/sources/git"
)

// gitProgram finds a program of git, which only the servers of these tests need.
func gitProgram(t testing.TB, name string) string {
	t.Helper()
	out, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Skip("git is not installed: nothing to serve with")
	}
	return filepath.Join(strings.TrimSpace(string(out)), name)
}

// serveHTTPS serves r with git's own server behind TLS. Whoever is given as user must say so.
func serveHTTPS(t testing.TB, r *repo, user, password string) (git.Options, *httptest.Server) {
	t.Helper()
	backend := &cgi.Handler{
		Path: gitProgram(t, "git-http-backend"),
		Env: []string{
			"GIT_PROJECT_ROOT=" + filepath.Dir(r.dir), "GIT_HTTP_EXPORT_ALL=1", "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "REMOTE_USER=" + user,
		},
		Stderr: io.Discard,
	}
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if u, p, _ := req.BasicAuth(); u != user || p != password {
			// as unkind as a server can be: it says aloud what it was told
			http.Error(w, "no: "+u+" "+p+" "+req.Header.Get("Authorization"), http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, req)
	}))
	t.Cleanup(srv.Close)
	return git.Options{
		URL: srv.URL + "/inventory.git", Dir: filepath.Join(t.TempDir(), "state"), CAFile: caFile(t, srv),
	}, srv
}

func caFile(t testing.TB, srv *httptest.Server) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	if err := os.WriteFile(name, block, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// serveSSH serves r over ssh to one key and returns how to reach it.
func serveSSH(t testing.TB, r *repo) git.Options {
	t.Helper()
	program := gitProgram(t, "git-upload-pack")
	client, keyFile := newKey(t)
	host, _ := newKey(t)
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(client.PublicKey().Marshal()) {
			return nil, os.ErrPermission
		}
		return nil, nil
	}}
	config.AddHostKey(host)
	addr := listen(t, func(conn net.Conn) { serveConn(conn, config, program, r.dir) })
	known := filepath.Join(t.TempDir(), "known_hosts")
	writeFile(t, known, knownhosts.Line([]string{addr}, host.PublicKey())+"\n")
	return git.Options{
		URL: "ssh://git@" + addr + "/inventory.git", Dir: filepath.Join(t.TempDir(), "state"),
		KeyFile: keyFile, KnownHosts: known,
	}
}

// listen serves connections on the loopback interface until the test ends.
func listen(t testing.TB, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
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
			t.Cleanup(func() { conn.Close() })
			wg.Go(func() { serve(conn) })
		}
	})
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

func newKey(t testing.TB) (ssh.Signer, string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "id_ed25519")
	writeFile(t, name, string(pem.EncodeToMemory(block)))
	return signer, name
}

func writeFile(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func serveConn(conn net.Conn, config *ssh.ServerConfig, program, dir string) {
	sc, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	defer sc.Close()
	go ssh.DiscardRequests(requests)
	for c := range channels {
		ch, reqs, err := c.Accept()
		if err != nil {
			return
		}
		for req := range reqs {
			if req.Type != "exec" {
				_ = req.Reply(false, nil)
				continue
			}
			_ = req.Reply(true, nil)
			cmd := exec.Command(program, dir)
			switch asked := string(req.Payload); {
			case strings.Contains(asked, "git-receive-pack '/inventory.git'"):
				cmd = exec.Command(strings.Replace(program, "git-upload-pack", "git-receive-pack", 1), dir)
			case !strings.Contains(asked, "git-upload-pack '/inventory.git'"):
				cmd = exec.Command(program, "/nonexistent")
			}
			cmd.Stdout, cmd.Stderr = ch, ch.Stderr()
			in, err := cmd.StdinPipe() // not cmd.Stdin: a program that ends does not wait for the client
			if err != nil {
				return
			}
			go func() {
				_, _ = io.Copy(in, ch)
				in.Close()
			}()
			status := []byte{0, 0, 0, 0}
			if cmd.Run() != nil {
				status[3] = 1
			}
			_, _ = ch.SendRequest("exit-status", false, status)
			ch.Close()
		}
	}
}
