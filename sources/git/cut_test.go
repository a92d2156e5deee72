package git_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pigsync/pigsync/sources/git"
)

// A server that sends a pack that ends in the middle, or is not what it was, is told; nothing of it is kept, what was
// there before stays, and the next pack that is whole is taken.
func TestATruncatedPackIsNotTaken(t *testing.T) {
	for name, harm := range map[string]func([]byte) []byte{
		"cut in the middle":      func(b []byte) []byte { return b[:len(b)/2] },
		"cut before the end":     func(b []byte) []byte { return b[:len(b)-8] },
		"nothing":                func([]byte) []byte { return nil },
		"a byte is another":      func(b []byte) []byte { b[len(b)*2/3] ^= 0x20; return b },
		"more after it than all": func(b []byte) []byte { return append(b[:len(b)-12], b...) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRepo(t)
			first := r.push(files{"pigsty.yml": strings.Repeat("a: b\n", 100)})
			o, srv := serveHTTPS(t, r, "", "")
			s := open(t, o)
			next(t, s, "", first, strings.Repeat("a: b\n", 100))
			text := strings.Repeat("c: d\n", 1000)
			second := r.push(files{"pigsty.yml": text}, first)
			whole := srv.Config.Handler
			srv.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				if req.Method != http.MethodPost {
					whole.ServeHTTP(w, req)
					return
				}
				answer := httptest.NewRecorder()
				whole.ServeHTTP(answer, req)
				w.Header().Set("Content-Type", answer.Header().Get("Content-Type"))
				_, _ = w.Write(harm(answer.Body.Bytes()))
			})
			if rev, err := s.Next(t.Context(), ""); err == nil {
				t.Errorf("it gives %.12s", rev.ID)
			}
			if left := leftovers(t, o); left != "" {
				t.Errorf("of the pack there is left %s", left)
			}
			if _, err := s.At(t.Context(), first.String()); err != nil {
				t.Errorf("what was there before: %v", err)
			}
			srv.Config.Handler = whole
			next(t, s, "", second, text)
		})
	}
}

// leftovers are files in the store that are neither packs nor their indexes.
func leftovers(t *testing.T, o git.Options) string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(o.Dir, "objects", "pack"))
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		if ext := filepath.Ext(e.Name()); ext != ".pack" && ext != ".idx" {
			left = append(left, e.Name())
		}
	}
	return strings.Join(left, " ")
}
