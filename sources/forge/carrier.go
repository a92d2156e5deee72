package forge

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

const (
	callLimit   = 10 * time.Second // for one question
	answerLimit = 16 << 20         // bytes
)

// carrier carries questions to a forge, with the token of whoever asks.
type carrier struct {
	next      http.RoundTripper
	tokenFile string
	header    func(token string) (name, value string)
	shown     atomic.Pointer[string] // the token that was shown last
}

// hide takes the token out of what a forge says: one that is unkind repeats it.
func (c *carrier) hide(text string) string {
	if token := c.shown.Load(); token != nil && *token != "" {
		return strings.ReplaceAll(text, *token, "…")
	}
	return text
}

func newCarrier(c Config) (*carrier, *http.Client, error) {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, nil, err
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, nil, fmt.Errorf("%s holds no certificate", c.CAFile)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	by := &carrier{next: transport, tokenFile: c.TokenFile, header: headers[c.Kind]}
	return by, &http.Client{
		Transport: by,
		Timeout:   callLimit,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return errors.New("it redirects: a token is for one forge")
		},
	}, nil
}

// headers say how each kind wants to be given a token.
var headers = map[string]func(string) (string, string){
	"gitea":   func(token string) (string, string) { return "Authorization", "token " + token },
	"forgejo": func(token string) (string, string) { return "Authorization", "token " + token },
	"github":  func(token string) (string, string) { return "Authorization", "Bearer " + token },
	"gitlab":  func(token string) (string, string) { return "PRIVATE-TOKEN", token },
}

// RoundTrip adds the token to a question and bounds the answer.
func (c *carrier) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if c.tokenFile != "" {
		token, err := os.ReadFile(c.tokenFile)
		if err != nil {
			return nil, err
		}
		word := strings.TrimSpace(string(token))
		c.shown.Store(&word)
		r.Header.Set(c.header(word))
	}
	resp, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = bounded{io.LimitReader(resp.Body, answerLimit), resp.Body}
	return resp, nil
}

// bounded is the part of a body that is read.
type bounded struct {
	io.Reader
	io.Closer
}
