package postgres

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pigsync/pigsync/resource"
)

// closing is a listener by TLS of which the server knows nothing: as Python does, it closes to whoever does not speak
// TLS.
type closing struct {
	net.Listener
	tls *tls.Config
}

func (c closing) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return struct{ net.Conn }{tls.Server(conn, c.tls)}, nil
}

// patroniAt answers to whoever speaks as it does; authority is who signed its certificate.
func patroniAt(t *testing.T, scheme string, h http.HandlerFunc) (address string, authority []byte) {
	s := httptest.NewUnstartedServer(h)
	t.Cleanup(s.Close)
	if scheme == "https" {
		lent := httptest.NewTLSServer(nil)
		lent.Close()
		s.Listener = closing{s.Listener, lent.TLS}
		authority = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: lent.Certificate().Raw})
	}
	s.Start()
	return strings.TrimPrefix(s.URL, "http"), authority
}

// Until it is reloaded, a Patroni speaks as it did before its file was changed. It can be read all the same, and no
// password goes to whoever speaks otherwise than he should.
func TestPatroniIsReadWhicheverWayItSpeaks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		speaks, wanted string
		told           bool
	}{
		"as wanted":        {"http", "http", true},
		"as wanted by TLS": {"https", "https", true},
		"not yet by TLS":   {"http", "https", false},
		"still by TLS":     {"https", "http", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			told := false
			address, authority := patroniAt(t, c.speaks, func(w http.ResponseWriter, r *http.Request) {
				told = told || r.Method == http.MethodPost
				_, _ = w.Write([]byte(`{"state":"running"}`))
			})
			seat := Seat{PGSeat: resource.PGSeat{REST: c.wanted + address, CAFile: "/etc/pki/ca.crt"}, User: "postgres"}
			l := new(Hand).Look(t.Context(), seat, Node{Read: func(string) ([]byte, error) { return authority, nil }}, nil)
			var s status
			if err := l.call(t.Context(), http.MethodGet, "/patroni", nil, &s); err != nil || s.State != "running" {
				t.Errorf("read %+v, %v", s, err)
			}
			err := l.call(t.Context(), http.MethodPost, "/restart", map[string]any{}, nil)
			if told != c.told || errors.Is(err, errNoTalk) == c.told {
				t.Errorf("told: %t, want %t: %v", told, c.told, err)
			}
		})
	}
}
