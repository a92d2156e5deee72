package git

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"

	"github.com/pigsync/pigsync/sources"
)

const (
	maxCA      = 1 << 20  // bytes of a file of certificates
	maxRefs    = 64 << 20 // bytes of the list of refs
	maxRefusal = 4 << 10  // bytes read of the page that comes with an error
	packSlack  = 16 << 20 // bytes of framing and progress around a pack
)

// https opens a session over https. What it learned of credentials is to be hidden.
func (s *Source) https(ctx context.Context) (transport.UploadPackSession, secrets, error) {
	client, ep, auth, hidden, err := s.webClient(ctx)
	if err != nil {
		return nil, hidden, err
	}
	session, err := githttp.NewClient(client).NewUploadPackSession(ep, auth)
	if err != nil {
		client.CloseIdleConnections()
		return nil, hidden, err
	}
	return fetching{session, client.CloseIdleConnections}, hidden, nil
}

// webClient is how the repository is reached over https, and as whom; auth is nil when nobody is named.
func (s *Source) webClient(ctx context.Context) (client *http.Client, ep *transport.Endpoint, auth transport.AuthMethod, hidden secrets, err error) {
	user, password, err := s.credential(ctx)
	hidden = secrets{}.with(user, password)
	if err != nil {
		return nil, nil, nil, hidden, fmt.Errorf("read credential: %w", err)
	}
	if client, err = s.httpClient(ctx); err != nil {
		return nil, nil, nil, hidden, err
	}
	if user != "" || password != "" {
		auth = &githttp.BasicAuth{Username: user, Password: password}
	}
	host := s.address.host
	if isIPv6(host) {
		host = "[" + host + "]"
	}
	return client, &transport.Endpoint{Protocol: "https", Host: host, Port: s.address.port, Path: s.address.path}, auth, hidden, nil
}

func (s *Source) credential(ctx context.Context) (user, password string, err error) {
	if s.options.Credential != nil {
		return s.options.Credential(ctx)
	}
	return s.address.user, s.address.password, nil
}

func (s *Source) httpClient(ctx context.Context) (*http.Client, error) {
	pool, err := s.trusted()
	if err != nil {
		return nil, err
	}
	t := &http.Transport{
		Proxy:             http.ProxyFromEnvironment,
		TLSClientConfig:   &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
		DialContext:       endingWith(ctx),
		ForceAttemptHTTP2: true,
	}
	return &http.Client{Transport: bounded{t, s.options.MaxPack}, CheckRedirect: sameHost}, nil
}

// endingWith dials connections that are closed when ctx ends, whatever net/http would still do
// with them: it finishes a handshake in the background for the sake of a later request.
func endingWith(ctx context.Context) func(context.Context, string, string) (net.Conn, error) {
	return func(_ context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err == nil {
			context.AfterFunc(ctx, func() { conn.Close() })
		}
		return conn, err
	}
}

// trusted is the system's certificates and those of CAFile.
func (s *Source) trusted() (*x509.CertPool, error) {
	if s.options.CAFile == "" {
		return nil, nil //nolint:nilnil // nil is how crypto/tls is told to use the system's
	}
	pem, err := readSmall(s.options.CAFile, maxCA)
	if err != nil {
		return nil, fmt.Errorf("read certificates: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a machine without any: then only the file's count
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read certificates: %s holds none", s.options.CAFile)
	}
	return pool, nil
}

// sameHost follows a redirect only where it cannot carry the credential, or us, elsewhere.
func sameHost(req *http.Request, via []*http.Request) error {
	if from := via[0].URL; req.URL.Scheme != "https" || req.URL.Host != from.Host {
		return errors.New("the server redirects to another host, which is not followed: give the new address")
	}
	return nil
}

// bounded cuts off answers that are longer than what was asked for can be.
type bounded struct {
	*http.Transport
	maxPack int64
}

func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := b.Transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	max := int64(maxRefs)
	switch {
	case res.StatusCode >= http.StatusBadRequest:
		// go-git keeps the whole page for its message; nobody needs more than its beginning.
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(res.Body, maxRefusal), res.Body}
		return res, nil
	case req.Method == http.MethodPost:
		max = b.maxPack + packSlack
	}
	res.Body = &cutOff{ReadCloser: res.Body, left: max}
	return res, nil
}

// cutOff fails, rather than ends, once too much was read.
type cutOff struct {
	io.ReadCloser
	left int64
}

func (c *cutOff) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if c.left -= int64(n); c.left < 0 {
		return 0, sources.Errorf(sources.ErrRefused, "the server's answer is longer than it may be")
	}
	return n, err
}
