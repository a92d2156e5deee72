package git

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"
	gitssh "github.com/go-git/go-git/v5/plumbing/transport/ssh"
	"github.com/skeema/knownhosts"

	"github.com/pigsync/pigsync/sources"
)

// maxKey bounds a private key file.
const maxKey = 64 << 10

// ssh opens a session over ssh, through a relay that ends with ctx.
func (s *Source) ssh(ctx context.Context) (transport.UploadPackSession, error) {
	auth, ep, r, err := s.sshClient(ctx)
	if err != nil {
		return nil, err
	}
	session, err := gitssh.NewClient(nil).NewUploadPackSession(ep, auth)
	if err != nil {
		return nil, cmp.Or(r.close(), err)
	}
	return fetching{session, func() { _ = r.close() }}, nil
}

// sshClient is how the repository is reached over ssh, and as whom.
func (s *Source) sshClient(ctx context.Context) (gitssh.AuthMethod, *transport.Endpoint, *relay, error) {
	auth, err := s.sshAuth()
	if err != nil {
		return nil, nil, nil, err
	}
	r, err := startRelay(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	return auth, &transport.Endpoint{
		Protocol: "ssh", User: s.address.user, Host: s.address.host, Port: s.address.port, Path: s.address.path,
		Proxy: transport.ProxyOptions{URL: r.url()},
	}, r, nil
}

func (s *Source) sshAuth() (gitssh.AuthMethod, error) {
	db, err := gitssh.NewKnownHostsDb(s.options.KnownHosts)
	if err != nil {
		return nil, sources.Errorf(sources.ErrHostKey, "the known_hosts file %s cannot be read", s.options.KnownHosts)
	}
	port := s.address.port
	if port == 0 {
		port = gitssh.DefaultPort
	}
	known := gitssh.HostKeyCallbackHelper{
		HostKeyCallback:   judged(db.HostKeyCallback(), s.options.KnownHosts),
		HostKeyAlgorithms: db.HostKeyAlgorithms(net.JoinHostPort(s.address.host, strconv.Itoa(port))),
	}
	if s.options.KeyFile == "" {
		return s.agentAuth(known)
	}
	pem, err := readSmall(s.options.KeyFile, maxKey)
	if err != nil {
		return nil, fmt.Errorf("read ssh key: %w", err)
	}
	keys, err := gitssh.NewPublicKeys(s.address.user, pem, "")
	if err != nil {
		return nil, fmt.Errorf("read ssh key: %s is not a private key without passphrase", s.options.KeyFile)
	}
	keys.HostKeyCallbackHelper = known
	return keys, nil
}

// agentAuth asks the agent that SSH_AUTH_SOCK names. go-git keeps the connection to it for as
// long as the process lives, so it is made once.
func (s *Source) agentAuth(known gitssh.HostKeyCallbackHelper) (gitssh.AuthMethod, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.agent == nil {
		agent, err := gitssh.NewSSHAgentAuth(s.address.user)
		if err != nil {
			return nil, errors.New("no ssh agent answers at SSH_AUTH_SOCK")
		}
		s.agent = agent
	}
	auth := *s.agent
	auth.HostKeyCallbackHelper = known
	return &auth, nil
}

// judged makes a known_hosts check say in a sentence what is wrong and what kind of error it
// is. (K is the public key type of x/crypto/ssh, which need not be known here by name.)
func judged[K any](check func(string, net.Addr, K) error, file string) func(string, net.Addr, K) error {
	return func(host string, addr net.Addr, key K) error {
		err := check(host, addr, key)
		host = sources.Clean(host, 120)
		switch {
		case err == nil:
			return nil
		case knownhosts.IsHostKeyChanged(err):
			return sources.Errorf(sources.ErrHostKey,
				"the ssh host key of %s is not the one in %s: someone may be in between, or the host was set up anew", host, file)
		case knownhosts.IsHostUnknown(err):
			return sources.Errorf(sources.ErrHostKey, "the ssh host %s is not in %s: add its key", host, file)
		}
		return sources.Errorf(sources.ErrHostKey, "the ssh host key of %s is not accepted by %s", host, file)
	}
}

func isIPv6(host string) bool { return strings.Contains(host, ":") }
