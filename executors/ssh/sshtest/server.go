package sshtest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// Options say how a server differs from one that runs commands with /bin/sh for anybody who
// has Server.KeyFile.
type Options struct {
	// Exec runs one command and gives its exit status; see Exited for ending without one. Its
	// context ends when the session is closed, a signal comes or the server ends. Nil means
	// Shell().
	Exec func(ctx context.Context, e *Exec) int

	HostKeys   []ssh.Signer    // what the server shows; none means one new ed25519 key
	Authorized []ssh.PublicKey // accepted beside the key in Server.KeyFile
	NoForward  bool            // tunnels are prohibited
}

// Server listens on loopback until the test ends.
type Server struct {
	Host       string // 127.0.0.1
	Port       int
	Addr       string // host:port
	KeyFile    string // a private key that is accepted, for every user
	KnownHosts string // a file with a line for each host key

	opts     Options
	config   *ssh.ServerConfig
	listener net.Listener
	end      context.CancelFunc
	wg       sync.WaitGroup

	mu       sync.Mutex // guards what follows
	conns    map[*line]bool
	stalled  bool
	logins   int
	commands []string
	ended    bool
}

// Serve starts a server.
func Serve(t testing.TB, opts Options) *Server {
	t.Helper()
	if opts.Exec == nil {
		opts.Exec = Shell()
	}
	if len(opts.HostKeys) == 0 {
		opts.HostKeys = []ssh.Signer{NewKey(t)}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().(*net.TCPAddr)
	s := &Server{Host: addr.IP.String(), Port: addr.Port, Addr: addr.String(), opts: opts, listener: listener, conns: map[*line]bool{}}
	var own ssh.PublicKey
	s.KeyFile, own = WriteKey(t)
	s.config = serverConfig(opts, append(slices.Clone(opts.Authorized), own))
	s.KnownHosts = filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(s.KnownHosts, []byte(s.KnownHostsLines()), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.end = cancel
	s.wg.Go(func() { s.accept(ctx) })
	t.Cleanup(s.Close)
	return s
}

func serverConfig(opts Options, authorized []ssh.PublicKey) *ssh.ServerConfig {
	config := &ssh.ServerConfig{
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			for _, a := range authorized {
				if bytes.Equal(a.Marshal(), key.Marshal()) {
					return &ssh.Permissions{}, nil
				}
			}
			return nil, errors.New("not an authorized key")
		},
	}
	for _, key := range opts.HostKeys {
		config.AddHostKey(key)
	}
	return config
}

// KnownHostsLines gives the lines of known_hosts for the server's keys.
func (s *Server) KnownHostsLines() string {
	var lines string
	for _, key := range s.opts.HostKeys {
		lines += knownhosts.Line([]string{s.Addr}, key.PublicKey()) + "\n"
	}
	return lines
}

// Stall makes the server fall silent as if its power had been cut: connections stay open, and
// nothing is read, answered or sent any more, for good.
func (s *Server) Stall() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stalled = true
	for l := range s.conns {
		l.stall()
	}
}

// Drop cuts all connections; new ones are welcome.
func (s *Server) Drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range s.conns {
		_ = l.Close() // whoever reads from it sees the end
	}
}

// Close ends the server, its connections and its commands. The end of the test does it too.
func (s *Server) Close() {
	_ = s.listener.Close() // may be closed already
	s.end()
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.Drop()
	s.wg.Wait()
}

// Logins tells how many connections have been authenticated.
func (s *Server) Logins() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logins
}

// Commands lists what was asked to be run, in order of arrival.
func (s *Server) Commands() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.commands)
}

func (s *Server) accept(ctx context.Context) {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		l := newLine(conn)
		if !s.enter(l) {
			_ = conn.Close() // the server is ending
			return
		}
		s.wg.Go(func() {
			defer s.leave(l)
			s.serve(ctx, l)
		})
	}
}

func (s *Server) enter(l *line) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stalled {
		l.stall()
	}
	s.conns[l] = true
	return !s.ended
}

func (s *Server) leave(l *line) {
	_ = l.Close() // closed already when the client left
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, l)
}

// NewKey makes an ed25519 key.
func NewKey(t testing.TB) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// WriteKey makes an ed25519 key in a file of the test.
func WriteKey(t testing.TB) (file string, public ssh.PublicKey) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "test")
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "id_ed25519")
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return file, signer.PublicKey()
}
