package git_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/pigsync/pigsync/sources"
	"github.com/pigsync/pigsync/sources/git"
)

const canary = "S3cr3t/Canary+42"

// clean checks that an error shows no credential, in any spelling.
func clean(t testing.TB, err error, words ...string) {
	t.Helper()
	for _, word := range words {
		if err != nil && strings.Contains(err.Error(), word) {
			t.Errorf("the error shows %q: %v", word, err)
		}
	}
}

// Each way to a repository, told apart by the way only.
func TestEveryTransport(t *testing.T) {
	for name, serve := range map[string]func(*repo) git.Options{
		"local": func(r *repo) git.Options { return r.local() },
		"https": func(r *repo) git.Options { o, _ := serveHTTPS(t, r, "", ""); return o },
		"ssh":   func(r *repo) git.Options { return serveSSH(t, r) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRepo(t)
			o := serve(r)
			s := open(t, o)
			_, err := s.Next(t.Context(), "")
			fails(t, err, sources.ErrEmpty, "no commit yet")

			h1 := r.push(files{"pigsty.yml": "1", "big": strings.Repeat("text ", 100_000)})
			next(t, s, "", h1, "1")
			off := r.commit(files{"pigsty.yml": "off"}, "off", h1)
			r.set("refs/heads/off", off)
			h2 := r.push(files{"pigsty.yml": "2", "big": strings.Repeat("text ", 100_001)}, h1)
			s.Wake()
			next(t, s, h1.String(), h2, "2")

			s = open(t, o) // a restart
			if rev, err := s.At(t.Context(), h1.String()); err != nil || rev.ID != h1.String() {
				t.Errorf("At = %v, %v", rev.ID, err)
			}
			forced := r.push(files{"pigsty.yml": "f"}, h1)
			_, err = s.Next(t.Context(), "")
			fails(t, err, sources.ErrRewound, forced.String()[:12])

			r.tag("v1", h2, plumbing.CommitObject)
			for ref, want := range map[string]plumbing.Hash{"off": off, "v1": h2, h1.String(): h1, h2.String(): h2} {
				o := o
				o.Dir, o.Ref = filepath.Join(t.TempDir(), "other"), ref
				rev, err := open(t, o).Next(t.Context(), "")
				if err != nil || rev.ID != want.String() {
					t.Errorf("ref %s: %s, %v, want %s", ref, rev.ID, err, want)
				}
			}
			for _, ref := range []string{"nope", strings.Repeat("d", 40)} {
				o := o
				o.Dir, o.Ref = filepath.Join(t.TempDir(), "other"), ref
				_, err := open(t, o).Next(t.Context(), "")
				fails(t, err, sources.ErrNoRef, ref)
			}
			o.URL += "x"
			o.Dir = filepath.Join(t.TempDir(), "other")
			if _, err := open(t, o).Next(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "no such repository") && name != "local" {
				t.Errorf("missing repository: %v", err)
			}
		})
	}
}

func TestBigObjectsAreLeftOutOrRefused(t *testing.T) {
	r := newRepo(t)
	o, _ := serveHTTPS(t, r, "", "")
	o.MaxObject, o.Limits.File = 1<<20, 1<<20
	h1 := r.push(files{"pigsty.yml": "1", "huge": entry{mode: filemode.Regular, hash: r.claim(1 << 30)}})
	s := open(t, o)
	_, err := s.Next(t.Context(), "")
	fails(t, err, sources.ErrRefused, "huge was not fetched")
	h2 := r.push(files{"pigsty.yml": "2"}, h1) // the history keeps it, and is no obstacle
	next(t, s, "", h2, "2")

	r = newRepo(t) // a server that cannot leave objects out
	writeFile(t, filepath.Join(r.dir, "config"), "[core]\nrepositoryformatversion = 0\nbare = true\n")
	o, _ = serveHTTPS(t, r, "", "")
	o.MaxObject, o.Limits.File = 1<<20, 1<<20
	r.push(files{"pigsty.yml": "1", "huge": strings.Repeat("\x00", 8<<20)})
	_, err = open(t, o).Next(t.Context(), "")
	fails(t, err, sources.ErrRefused, "holds an object of 8388608 bytes")
	o.MaxPack = 1000
	_, err = open(t, o).Next(t.Context(), "")
	fails(t, err, sources.ErrRefused, "more than 1000 bytes packed")
}

func TestCredentialsAreUsedAndNeverShown(t *testing.T) {
	r := newRepo(t)
	h := r.push(files{"pigsty.yml": "1"})
	o, srv := serveHTTPS(t, r, "bot", canary)
	host := strings.TrimPrefix(srv.URL, "https://")

	withURL := o
	withURL.URL = "https://bot:S3cr3t%2FCanary+42@" + host + "/inventory.git"
	next(t, open(t, withURL), "", h, "1")
	withFile := o
	withFile.Dir += "2"
	file := filepath.Join(t.TempDir(), "password")
	writeFile(t, file, canary+"\n")
	withFile.Credential = git.PasswordFile("bot", file)
	next(t, open(t, withFile), "", h, "1")

	words := []string{"S3cr3t", "Canary", "Ym90O", "UzNjcjN0", "bot:", "bot@"}
	srv.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		u, p, _ := req.BasicAuth()
		text := "bad " + u + ":" + p + "@ " + req.Header.Get("Authorization") + "\n"
		w.Header().Set("Location", "https://"+u+":"+p+"@elsewhere.example/info/refs")
		w.WriteHeader(map[string]int{"/a": 302, "/b": 500, "/c": 401, "/d": 403, "/e": 200, "/f": 404}[req.URL.Path[:2]])
		_, _ = w.Write([]byte(text))
	})
	for _, path := range []string{"/a", "/b", "/c", "/d", "/e", "/f"} {
		for _, o := range []git.Options{withURL, withFile} {
			o.Dir = filepath.Join(t.TempDir(), "state")
			o.URL = strings.Replace(o.URL, "/inventory.git", path, 1)
			_, err := open(t, o).Next(t.Context(), "")
			if err == nil || !strings.HasPrefix(err.Error(), "https://"+host+path+": ") {
				t.Errorf("%s: %v", path, err)
			}
			clean(t, err, words...)
		}
	}
	for _, bad := range []string{
		"http://bot:S3cr3t@host/x", "https://bot:S3cr3t@host/x?q", "https://bot:S3cr3t@host/%zz", "https://bot:S3cr3t@/x",
		"https://bot:S3cr3t@ho st/x", "ssh://bot:S3cr3t@host/x", "git://bot:S3cr3t@host/x", "https://bot:S3cr3t@host:99999/x", "bot:S3cr3t@host/x?",
	} {
		_, err := git.New(git.Options{URL: bad, Dir: t.TempDir()})
		clean(t, err, words...)
	}
	clean(t, errors.New(open(t, withURL).String()), words...)
}

func TestHTTPSIsStrict(t *testing.T) {
	r := newRepo(t)
	h := r.push(files{"pigsty.yml": "1"})
	o, srv := serveHTTPS(t, r, "", "")

	other := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, srv.URL+req.URL.String(), http.StatusMovedPermanently)
	}))
	defer other.Close()
	moved := o
	moved.URL = other.URL + "/inventory.git"
	if _, err := open(t, moved).Next(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "redirects to another host") {
		t.Errorf("redirect to another host: %v", err)
	}

	inner := srv.Config.Handler
	srv.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if strings.HasPrefix(req.URL.Path, "/old") {
			http.Redirect(w, req, strings.Replace(req.URL.String(), "/old", "/inventory.git", 1), http.StatusMovedPermanently)
			return
		}
		inner.ServeHTTP(w, req)
	})
	within := o
	within.URL = srv.URL + "/old"
	next(t, open(t, within), "", h, "1")

	o.CAFile = ""
	o.Dir += "2"
	if _, err := open(t, o).Next(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("unknown certificate: %v", err)
	}
	o.CAFile = filepath.Join(r.dir, "HEAD")
	if _, err := open(t, o).Next(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "holds none") {
		t.Errorf("no certificate: %v", err)
	}
}

func TestHostKeysAreStrict(t *testing.T) {
	r := newRepo(t)
	h := r.push(files{"pigsty.yml": "1"})
	good := serveSSH(t, r)
	next(t, open(t, good), "", h, "1")
	line, err := os.ReadFile(good.KnownHosts)
	r.must(err)
	other, _ := newKey(t)
	host := strings.Fields(string(line))[0]
	for name, c := range map[string]struct{ text, say string }{
		"unknown": {"", "is not in"},
		"changed": {knownhosts.Line([]string{host}, other.PublicKey()), "is not the one in"},
		"revoked": {"@revoked * " + strings.Join(strings.Fields(string(line))[1:], " ") + "\n" + string(line), "is not accepted by"},
		"nothing": {"*", "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			o := good
			o.KnownHosts = filepath.Join(t.TempDir(), "known_hosts")
			writeFile(t, o.KnownHosts, c.text)
			_, err := open(t, o).Next(t.Context(), "")
			fails(t, err, sources.ErrHostKey, c.say)
		})
	}
	o := good
	o.KnownHosts += ".nope"
	_, err = open(t, o).Next(t.Context(), "")
	fails(t, err, sources.ErrHostKey, "cannot be read")

	_, o.KeyFile = newKey(t)
	o.KnownHosts = good.KnownHosts
	if _, err := open(t, o).Next(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "unable to authenticate") {
		t.Errorf("wrong key: %v", err)
	}
	o.KeyFile = o.KnownHosts
	if _, err := open(t, o).Next(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "not a private key") {
		t.Errorf("no key: %v", err)
	}
}

// A host that accepts and then says nothing, or not enough, holds nobody for longer than the
// deadline, and leaves nothing behind.
func TestSilentHostEndsByTheDeadline(t *testing.T) {
	r := newRepo(t)
	good := serveSSH(t, r)
	silent := listen(t, func(net.Conn) {})
	greets := listen(t, func(c net.Conn) { _, _ = c.Write([]byte("SSH-2.0-x\r\n")) })
	before := runtime.NumGoroutine()
	for _, url := range []string{"ssh://git@" + silent + "/x", "ssh://git@" + greets + "/x", "https://" + silent + "/x"} {
		o := good
		o.URL, o.Timeout = url, 200*time.Millisecond
		s := open(t, o)
		_, err := s.Next(t.Context(), "")
		fails(t, err, context.DeadlineExceeded, "no answer within 200ms")

		o.Timeout = time.Hour
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		_, err = open(t, o).Next(ctx, "")
		fails(t, err, context.Canceled, "")
	}
	deadline := time.Now().Add(5 * time.Second)
	for runtime.NumGoroutine() > before+2 && time.Now().Before(deadline) {
		runtime.Gosched()
	}
	if n := runtime.NumGoroutine(); n > before+2 {
		var buf bytes.Buffer
		b := make([]byte, 1<<16)
		buf.Write(b[:runtime.Stack(b, true)])
		t.Errorf("%d goroutines, %d before:\n%s", n, before, buf.String())
	}
	o := good
	o.URL = "ssh://git@127.0.0.1:1/x"
	if _, err := open(t, o).Next(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("nobody there: %v", err)
	}
}

// A tree read again after the store was emptied says so rather than something else.
func TestTreeOfALostStore(t *testing.T) {
	r := newRepo(t)
	o := r.local()
	h := r.push(files{"pigsty.yml": "1"})
	rev := next(t, open(t, o), "", h, "1")
	r.must(os.RemoveAll(o.Dir))
	if data, err := fs.ReadFile(rev.Tree, "pigsty.yml"); err == nil {
		t.Errorf("read %q from a store that is gone", data)
	}
}
