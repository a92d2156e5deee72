package ssh

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/pigsync/pigsync/executors/ssh/sshtest"
)

func daemonTarget(d *sshtest.Daemon) Target {
	return Target{Host: d.Host, Port: d.Port, User: d.User, KeyFile: d.KeyFile}
}

func toDaemon(t *testing.T, d *sshtest.Daemon, cfg Config) *Client {
	t.Helper()
	cfg.KnownHosts = []string{d.KnownHosts}
	c, err := newPool(t, cfg).Client(soon(t), daemonTarget(d))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestOpenSSHRunAndStream(t *testing.T) {
	c := toDaemon(t, sshtest.OpenSSH(t), Config{})
	out, err := c.Run(soon(t), "tr a-z A-Z; exit 3", strings.NewReader("loud"))
	var exit *ExitError
	if string(out) != "LOUD" || !errors.As(err, &exit) || exit.Status != 3 {
		t.Errorf("%q, %v", out, err)
	}
	s, err := c.Start(soon(t), "echo $$; exec cat")
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(s, &pid); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	eventually(t, "the command has ended", func() bool { return syscall.Kill(pid, 0) != nil })
	if _, err := c.Run(soon(t), "yes", nil); !errors.Is(err, ErrOutput) {
		t.Errorf("got %v", err)
	}
}

func TestOpenSSHRefusals(t *testing.T) {
	d := sshtest.OpenSSH(t, "MaxAuthTries 2")
	var wrong []string
	for range 4 {
		file, _ := sshtest.WriteKey(t)
		wrong = append(wrong, file)
	}
	stranger := daemonTarget(d)
	stranger.KeyFile = wrong[0]
	many := daemonTarget(d)
	many.KeyFile = ""
	tests := []struct {
		name  string
		known string
		to    Target
		kind  error
	}{
		{"wrong key", d.KnownHosts, stranger, ErrAuth},
		{"too many wrong keys", d.KnownHosts, many, ErrAuth},
		{"unknown host", writeFile(t, ""), daemonTarget(d), ErrHostKey},
		{"changed host key", writeFile(t, knownhosts.Line([]string{d.Addr}, sshtest.NewKey(t).PublicKey())), daemonTarget(d), ErrHostKey},
	}
	for _, tt := range tests {
		_, err := newPool(t, Config{KnownHosts: []string{tt.known}, KeyFiles: wrong}).Client(soon(t), tt.to)
		if e := mustBe(t, err, tt.kind); e.Hint() == "" {
			t.Errorf("%s: no hint", tt.name)
		}
	}
}

func TestOpenSSHAgentAndJump(t *testing.T) {
	jump, far := sshtest.OpenSSH(t), sshtest.OpenSSH(t)
	var keys []ed25519.PrivateKey
	for _, d := range []*sshtest.Daemon{jump, far} {
		text, err := os.ReadFile(d.KeyFile)
		if err != nil {
			t.Fatal(err)
		}
		key, err := ssh.ParseRawPrivateKey(text)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, *key.(*ed25519.PrivateKey))
	}
	to := daemonTarget(far)
	to.KeyFile, to.Jump = "", jump.User+"@"+jump.Addr
	p := newPool(t, Config{KnownHosts: []string{jump.KnownHosts, far.KnownHosts}, AgentSocket: serveAgent(t, keys...)})
	c, err := p.Client(soon(t), to)
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.Run(soon(t), "echo far", nil)
	if err != nil || string(out) != "far\n" {
		t.Errorf("%q, %v", out, err)
	}
}

func TestOpenSSHTunnels(t *testing.T) {
	d := sshtest.OpenSSH(t)
	c := toDaemon(t, d, Config{})
	conn, err := c.Dial(soon(t), "tcp", d.Addr) // to itself: it greets
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	got := make([]byte, 4)
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != "SSH-" {
		t.Errorf("%q, %v", got, err)
	}
	_, err = c.Dial(soon(t), "tcp", "127.0.0.1:1")
	mustBe(t, err, ErrTunnel)
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("that nobody listens must be told from not knowing: %v", err)
	}
	closed := toDaemon(t, sshtest.OpenSSH(t, "AllowTcpForwarding no"), Config{})
	_, err = closed.Dial(soon(t), "tcp", d.Addr)
	mustHint(t, mustBe(t, err, ErrTunnel), "AllowTcpForwarding")
}

func TestOpenSSHFallsSilentAndDies(t *testing.T) {
	d := sshtest.OpenSSH(t)
	c := toDaemon(t, d, Config{KeepAlive: 300 * time.Millisecond})
	s, err := c.Start(soon(t), "cat")
	if err != nil {
		t.Fatal(err)
	}
	d.Signal(syscall.SIGSTOP)
	defer d.Signal(syscall.SIGCONT)
	_, err = s.Read(make([]byte, 1))
	mustBe(t, err, ErrUnreachable, "no sign of life")
}

func TestOpenSSHHelper(t *testing.T) {
	d := sshtest.OpenSSH(t)
	path, sum := fakeHelper(t, 1<<20)
	c := toDaemon(t, d, Config{HelperPath: onlyHere(path)})
	if d.User != "root" {
		t.Skip("needs root on this machine, or else sudo")
	}
	c.pool.home = filepath.Join(t.TempDir(), "pigsync")
	for range 2 {
		s, err := c.Helper(soon(t))
		if err != nil {
			t.Fatal(err)
		}
		talk(t, s)
		_ = s.Close()
	}
	if _, err := os.Stat(filepath.Join(c.pool.home, "bin", sum)); err != nil {
		t.Error(err)
	}
}
