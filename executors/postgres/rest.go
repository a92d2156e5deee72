package postgres

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/pigsync/pigsync/resource"
)

const (
	restTimeout = 5 * time.Second
	maxAnswer   = 4 << 20
	maxSaid     = 300
)

// client is kept, and with it a connection, for as long as the authority is in the same file.
func (l *Look) client(scheme string) (*http.Client, error) {
	h, caFile := l.h, ""
	if scheme == "https" {
		caFile = l.seat.CAFile
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if c := h.clients[caFile]; c != nil {
		return c, nil
	}
	t := &http.Transport{
		Proxy: nil, DialContext: (&net.Dialer{Timeout: restTimeout}).DialContext, MaxIdleConnsPerHost: 1,
		IdleConnTimeout: time.Minute, TLSHandshakeTimeout: restTimeout, ResponseHeaderTimeout: 0,
	}
	if caFile != "" {
		pem, err := l.node.Read(caFile)
		if err != nil {
			return nil, fmt.Errorf("read the authority of Patroni's certificate: %w", err)
		}
		roots := x509.NewCertPool()
		t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
		if pem == nil { // on a bare node: nobody is believed, and it is seen whether anybody listens
			return &http.Client{Transport: t}, nil
		}
		if !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", caFile)
		}
	}
	if h.clients == nil {
		h.clients = map[string]*http.Client{}
	}
	h.clients[caFile] = &http.Client{Transport: t}
	return h.clients[caFile], nil
}

// call asks Patroni and reads a JSON answer. Any status but 2xx is a *restError. Who has just been told to speak
// TLS, or no longer to, speaks as before until it is reloaded: then it can still be read, and is told nothing, for a
// password would go with that.
func (l *Look) call(ctx context.Context, method, path string, body, into any) error {
	err := l.ask(ctx, l.seat.REST, method, path, body, into)
	if method != http.MethodGet || !errors.Is(err, errNoTalk) || ctx.Err() != nil {
		return err
	}
	if l.ask(ctx, otherScheme(l.seat.REST), method, path, body, into) == nil {
		return nil
	}
	return err
}

// errNoTalk is somebody who listens and does not speak as expected.
var errNoTalk = errors.New("ask Patroni")

func otherScheme(address string) string {
	if rest, tls := strings.CutPrefix(address, "https:"); tls {
		return "http:" + rest
	}
	return "https:" + strings.TrimPrefix(address, "http:")
}

func (l *Look) ask(ctx context.Context, address, method, path string, body, into any) error {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(patience[path], restTimeout))
	defer cancel()
	req, err := l.request(ctx, method, strings.TrimSuffix(address, "/")+path, body)
	if err != nil {
		return err
	}
	client, err := l.client(req.URL.Scheme)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return ErrStopped
	case err != nil:
		return fmt.Errorf("%w: %w", errNoTalk, err)
	}
	defer res.Body.Close()
	return read(res, into)
}

func read(res *http.Response, into any) error {
	said, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	switch {
	case err != nil:
		return fmt.Errorf("read Patroni's answer: %w", err)
	case res.StatusCode < 200 || res.StatusCode > 299:
		return &restError{res.StatusCode, strings.ToValidUTF8(strings.TrimSpace(string(said[:min(len(said), maxSaid)])), "?")}
	case into == nil:
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(said))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%w: its answer is no JSON", errNotPatroni)
	}
	return nil
}

// patience is for calls that last.
var patience = map[string]time.Duration{"/restart": 5 * time.Minute, "/switchover": time.Minute}

func (l *Look) request(ctx context.Context, method, address string, body any) (*http.Request, error) {
	var content io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, address, content)
	if err != nil {
		return nil, errors.New("the address of Patroni is none")
	}
	if l.seat.User != "" && method != http.MethodGet {
		req.SetBasicAuth(l.seat.User, l.seat.Password.Reveal())
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// restError is an answer of Patroni that is not what was asked for.
type restError struct {
	status int
	said   string
}

func (e *restError) Error() string { return fmt.Sprintf("Patroni answers %d: %s", e.status, e.said) }

// status is what Patroni says of its own member.
type status struct {
	State    string
	Role     string
	Server   int `json:"server_version"`
	Timeline int
	System   string `json:"database_system_identifier"`
	Log      struct {
		Location int64
		Received int64 `json:"received_location"`
		Replayed int64 `json:"replayed_location"`
	} `json:"xlog"`
	Replication string         `json:"replication_state"`
	Pending     bool           `json:"pending_restart"`
	Reasons     map[string]any `json:"pending_restart_reason"`
	Pause       bool
	Sync        bool `json:"sync_standby"`
	Quorum      bool `json:"quorum_standby"`
	Unlocked    bool `json:"cluster_unlocked"`
	Failsafe    bool `json:"failsafe_mode_is_active"` // etcd does not answer, and the leader goes on as long as all others hear it
	Tags        map[string]any
	Patroni     struct{ Version, Scope, Name string }
}

// roles are Patroni's words, old and new.
var roles = map[string]string{
	"master": resource.PGLeader, "primary": resource.PGLeader, "leader": resource.PGLeader, "promoted": resource.PGLeader,
	"standby_leader": resource.PGStandbyLeader, "replica": resource.PGReplica, "demoted": resource.PGReplica,
	"sync_standby": resource.PGReplica, "quorum_standby": resource.PGReplica,
}

var errNotPatroni = errors.New("what answers at Patroni's address is not Patroni")

func (l *Look) askStatus() (s status, err error) {
	err = l.call(l.ctx, http.MethodGet, "/patroni", nil, &s)
	if err == nil && s.State == "" {
		err = errNotPatroni
	}
	return s, err
}
