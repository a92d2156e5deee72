package sshtest

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// Daemon is a real sshd on loopback: one process for each connection, as inetd starts it, so that no
// port has to be guessed.
type Daemon struct {
	Host       string // 127.0.0.1
	Port       int
	Addr       string // host:port
	User       string // who runs the test: the only one who may log in
	KeyFile    string // a private key that is accepted
	KnownHosts string // a file with the ed25519 host key; the server has another that is not known

	config string
	log    output

	mu        sync.Mutex // guards processes
	processes []*os.Process
}

// output gathers what all processes say.
type output struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

const sshdPath = "/usr/sbin/sshd"

// OpenSSH starts an sshd that ends with the test; lines are added to its configuration. The test is
// skipped where OpenSSH is not installed or does not run.
func OpenSSH(t testing.TB, lines ...string) *Daemon {
	t.Helper()
	if _, err := os.Stat(sshdPath); err != nil {
		t.Skipf("needs OpenSSH: %v", err)
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().(*net.TCPAddr)
	d := &Daemon{Host: addr.IP.String(), Port: addr.Port, Addr: addr.String(), User: me.Username}
	d.configure(t, lines)
	if out, err := d.command("-t").CombinedOutput(); err != nil {
		_ = l.Close() // nobody has come yet
		t.Skipf("sshd does not run here: %v: %s", err, out)
	}
	var wg sync.WaitGroup
	wg.Go(func() { d.accept(t, l, &wg) })
	t.Cleanup(func() {
		_ = l.Close() // it only ever fails when it is closed
		d.Signal(syscall.SIGKILL)
		wg.Wait()
		if t.Failed() {
			t.Logf("sshd said:\n%s", d.log.buf.String())
		}
	})
	return d
}

// configure writes host keys of two types, of which only one is known to the client.
func (d *Daemon) configure(t testing.TB, more []string) {
	t.Helper()
	keyFile, public := WriteKey(t)
	hostFile, host := WriteKey(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	d.KeyFile = keyFile
	d.KnownHosts = write("known_hosts", knownhosts.Line([]string{d.Addr}, host)+"\n")
	lines := append([]string{
		"HostKey " + otherKey(t, dir), "HostKey " + hostFile,
		"AuthorizedKeysFile " + write("authorized_keys", string(ssh.MarshalAuthorizedKey(public))),
		"UsePAM no", "StrictModes no", "PasswordAuthentication no", "KbdInteractiveAuthentication no",
		"PermitRootLogin prohibit-password", "PidFile none", "LogLevel VERBOSE",
	}, more...)
	d.config = write("sshd_config", strings.Join(lines, "\n")+"\n")
}

// otherKey makes a key of another type than those of WriteKey.
func otherKey(t testing.TB, dir string) string {
	t.Helper()
	file := filepath.Join(dir, "ecdsa")
	if msg, err := exec.Command("ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", file).CombinedOutput(); err != nil {
		t.Skipf("needs ssh-keygen: %v: %s", err, msg)
	}
	return file
}

// command runs sshd. As root it wants /run/sshd, which it gets in a mount namespace of its own, so
// that the machine is left alone.
func (d *Daemon) command(mode string) *exec.Cmd {
	if os.Getuid() != 0 {
		return exec.Command(sshdPath, mode, "-e", "-f", d.config)
	}
	cmd := exec.Command("/bin/sh", "-c", `mount -t tmpfs none /run && mkdir -m 755 /run/sshd && exec "$@"`, "sh", sshdPath, mode, "-e", "-f", d.config)
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	return cmd
}

func (d *Daemon) accept(t testing.TB, l net.Listener, wg *sync.WaitGroup) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		wg.Go(func() { d.serve(t, conn.(*net.TCPConn)) })
	}
}

func (d *Daemon) serve(t testing.TB, conn *net.TCPConn) {
	socket, err := conn.File()
	_ = conn.Close() // the process has its own
	if err != nil {
		t.Error(err)
		return
	}
	cmd := d.command("-i")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = socket, socket, &d.log
	cmd.WaitDelay = time.Second
	err = cmd.Start()
	_ = socket.Close() // likewise
	if err != nil {
		t.Error(err)
		return
	}
	d.mu.Lock()
	d.processes = append(d.processes, cmd.Process)
	d.mu.Unlock()
	_ = cmd.Wait() // 255 when the client leaves
}

// Signal tells every sshd, and not the commands it has started.
func (d *Daemon) Signal(sig os.Signal) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.processes {
		_ = p.Signal(sig) // gone already, many of them
	}
}
