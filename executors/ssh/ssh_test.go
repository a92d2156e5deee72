package ssh

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pigsync/pigsync/executors/ssh/sshtest"
)

// enough is a deadline that only a broken test meets.
const enough = time.Minute

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), enough)
	t.Cleanup(cancel)
	return ctx
}

func newPool(t *testing.T, cfg Config) *Pool {
	t.Helper()
	p := NewPool(cfg)
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func target(s *sshtest.Server) Target {
	return Target{Host: s.Host, Port: s.Port, User: "admin", KeyFile: s.KeyFile}
}

// connect is a pool of one connection to s.
func connected(t *testing.T, s *sshtest.Server, cfg Config) *Client {
	t.Helper()
	cfg.KnownHosts = []string{s.KnownHosts}
	c, err := newPool(t, cfg).Client(soon(t), target(s))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// mustBe checks the kind of an error, that it is one line that names host and words, and that
// there is a hint with the last of words if hinted.
func mustBe(t *testing.T, err, kind error, words ...string) *Error {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("got %v, want %v", err, kind)
	}
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%T is not *Error: %v", err, err)
	}
	text := err.Error()
	if strings.Contains(text, "\n") || !strings.Contains(text, e.Host) || e.Host == "" {
		t.Errorf("%q: want one line that names the host", text)
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q lacks %q", text, w)
		}
	}
	return e
}

func mustHint(t *testing.T, e *Error, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(e.Hint(), w) {
			t.Errorf("hint %q lacks %q", e.Hint(), w)
		}
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for ctx := soon(t); !ok(); {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("never: " + what)
		}
	}
}
