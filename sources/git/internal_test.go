package git

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/pigsync/pigsync/sources"
)

// packOfOne is a pack with one object, whose header says what it likes.
func packOfOne(count uint32, header, body []byte) []byte {
	var buf bytes.Buffer
	buf.WriteString("PACK")
	_ = binary.Write(&buf, binary.BigEndian, []uint32{2, count})
	buf.Write(header)
	z := zlib.NewWriter(&buf)
	_, _ = z.Write(body)
	_ = z.Close()
	sum := sha1.Sum(buf.Bytes())
	return append(buf.Bytes(), sum[:]...)
}

// objectHeader is the header of an object of a pack.
func objectHeader(kind plumbing.ObjectType, size uint64) []byte {
	first := byte(kind)<<4 | byte(size&15)
	if size >>= 4; size == 0 {
		return []byte{first}
	}
	return binary.AppendUvarint([]byte{first | 0x80}, size)
}

func TestPackIsRefusedBeforeItIsUnpacked(t *testing.T) {
	delta := binary.AppendUvarint(binary.AppendUvarint(nil, 5), 1<<30)
	base := bytes.Repeat([]byte{7}, 20)
	for name, c := range map[string]struct {
		pack []byte
		say  string
	}{
		"a gigabyte":          {packOfOne(1, objectHeader(plumbing.BlobObject, 1<<30), nil), "holds an object of 1073741824 bytes"},
		"a gigabyte by delta": {packOfOne(1, append(objectHeader(plumbing.REFDeltaObject, uint64(len(delta))), base...), delta), "holds an object of 1073741824 bytes"},
		"negative":            {packOfOne(1, objectHeader(plumbing.BlobObject, 1<<63), nil), ""},
		"many objects":        {packOfOne(1<<31, objectHeader(plumbing.BlobObject, 0), nil), "the history has 2147483648 objects"},
		"long":                {packOfOne(1, objectHeader(plumbing.BlobObject, 5), bytes.Repeat([]byte("x"), 1<<20)), ""},
		"cut off":             {packOfOne(2, objectHeader(plumbing.BlobObject, 5), []byte("hello")), ""},
		"delta of nothing":    {packOfOne(1, append(objectHeader(plumbing.REFDeltaObject, 0), base...), nil), ""},
		"not a pack":          {[]byte("<html>please log in</html>"), ""},
		"empty":               {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := mustOpen(t)
			err := s.add(t.Context(), bytes.NewReader(c.pack), packLimits{bytes: 1 << 20, object: 1 << 20})
			if err == nil {
				t.Fatal("taken")
			}
			if refused := errors.Is(err, sources.ErrRefused); refused != (c.say != "") || !strings.Contains(err.Error(), c.say) {
				t.Errorf("%v, want %q", err, c.say)
			}
			left, err := os.ReadDir(s.packs())
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
	s := mustOpen(t)
	good := packOfOne(1, objectHeader(plumbing.BlobObject, 5), []byte("hello"))
	if err := s.add(t.Context(), bytes.NewReader(good), packLimits{bytes: 1 << 20, object: 5}); err != nil {
		t.Fatal(err)
	}
	data, err := s.blob(plumbing.ComputeHash(plumbing.BlobObject, []byte("hello")), 5)
	if err != nil || string(data) != "hello" {
		t.Errorf("blob = %q, %v", data, err)
	}
}

func mustOpen(t testing.TB) *store {
	t.Helper()
	s, err := openStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestKilledProcessLeavesNothing(t *testing.T) {
	s := mustOpen(t)
	if err := os.WriteFile(filepath.Join(s.packs(), tempPrefix+"1.pack"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := openStore(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(s.packs()); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestHeadSurvivesAndIsNotGuessed(t *testing.T) {
	s := mustOpen(t)
	if h, err := s.head("k"); err != nil || !h.IsZero() {
		t.Errorf("no head: %s, %v", h, err)
	}
	want := plumbing.NewHash(strings.Repeat("a", 40))
	if err := s.setHead("k", want); err != nil {
		t.Fatal(err)
	}
	if h, err := s.head("k"); err != nil || h != want {
		t.Errorf("head = %s, %v", h, err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "head-k"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if h, err := s.head("k"); err == nil {
		t.Errorf("an empty file was taken for %s", h)
	}
}

func TestHide(t *testing.T) {
	hidden := secrets{}.with("bot", "p4ss/w0rd")
	for in, want := range map[string]string{
		"nothing here":                        "nothing here",
		"p4ss/w0rd p4ss%2Fw0rd":               "*** ***",
		"Basic Ym90OnA0c3MvdzByZA==":          "Basic ***",
		"cut in two: p4ss and w0rd":           "cut in two: *** and ***",
		"https://u:x@a/b and https://v@c/d@e": "https://***@a/b and https://***@c/d@e",
		`parse "ssh://u@[::1]:22": bad`:       `parse "ssh://***@[::1]:22": bad`,
		"https://a/b://c@d/e":                 "https://a/b://***@d/e",
		"://@://":                             "://***@://",
	} {
		if got := hidden.hide(in); got != want {
			t.Errorf("hide(%q) = %q, want %q", in, got, want)
		}
	}
	if got := (secrets{}).with("t0kenAsUser", "").hide("user t0kenAsUser dDBrZW5Bc1VzZXI6"); got != "user *** ***" {
		t.Errorf("a token given as user is shown: %q", got)
	}
}

func TestParseAddress(t *testing.T) {
	for raw, want := range map[string]address{
		"https://example.org/a/b.git":           {scheme: "https", host: "example.org", path: "/a/b.git", shown: "https://example.org/a/b.git"},
		"https://u:p%40@example.org:8443/a%20b": {scheme: "https", user: "u", password: "p@", host: "example.org", port: 8443, path: "/a%20b", shown: "https://example.org:8443/a%20b"},
		"https://[::1]/a":                       {scheme: "https", host: "::1", path: "/a", shown: "https://[::1]/a"},
		"ssh://example.org/a":                   {scheme: "ssh", user: "git", host: "example.org", path: "/a", shown: "ssh://example.org/a"},
		"ssh://me@example.org:2222/~/a":         {scheme: "ssh", user: "me", host: "example.org", port: 2222, path: "/~/a", shown: "ssh://example.org:2222/~/a"},
		"git@example.org:a/b.git":               {scheme: "ssh", user: "git", host: "example.org", path: "a/b.git", shown: "example.org:a/b.git"},
		"example.org:/srv/b.git":                {scheme: "ssh", user: "git", host: "example.org", path: "/srv/b.git", shown: "example.org:/srv/b.git"},
		"me@[fe80::1]:b":                        {scheme: "ssh", user: "me", host: "fe80::1", path: "b", shown: "[fe80::1]:b"},
		"/srv/x/../a.git":                       {scheme: "file", path: "/srv/a.git", shown: "/srv/a.git"},
		"file:///srv/a.git":                     {scheme: "file", path: "/srv/a.git", shown: "/srv/a.git"},
	} {
		if got, err := parseAddress(raw, true); err != nil || got != want {
			t.Errorf("%s: %+v, %v", raw, got, err)
		}
	}
	for raw, say := range map[string]string{
		"": "empty", "-oProxyCommand=x": `begins with "-"`, "--upload-pack=x": `begins with "-"`,
		"http://example.org/x": "use https or ssh", "git://example.org/x": "use https or ssh", "ftp://example.org/x": "must be https",
		"ext::sh -c x": "does not belong", "ext::sh": "must be https", "inventory": "must be https", "./inventory": "must be https", "a/b:c": "names no host",
		"https://": "names no host", "https://example.org": "names no repository", "https://example.org/": "names no repository",
		"https://-x/y": `begins with "-"`, "ssh://-oProxyCommand=x/y": `begins with "-"`, "-x@h:p": `begins with "-"`, "u@-h:p": `begins with "-"`, "u@h:-p": `begins with "-"`,
		"https://h/x?y": "query", "https://h/x#y": "query", "https://h:0/x": "port", "https://h:70000/x": "port",
		"ssh://u:p@h/x": "no password", "u:p@h/x": "must be https", "file://h/x": "absolute path, not a host", "file://x": "absolute path, not a host",
		"https://h/\x00": "does not belong", "https://h/a\nb": "does not belong", "https://h/" + strings.Repeat("x", 5000): "too long",
	} {
		if got, err := parseAddress(raw, true); err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("%q: %+v, %v, want %q", raw, got, err, say)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{"https://u:p@h:1/p", "ssh://u@[::1]/p", "u@h:p", "/p", "file:///p", "[::1]:p", "http://h/p", "-x", "u:p@h:x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		a, err := parseAddress(raw, false)
		if err != nil {
			if strings.ContainsFunc(err.Error(), unicode.IsControl) || len(raw) > 30 && strings.Contains(err.Error(), raw) {
				t.Fatalf("%q: the error repeats it: %v", raw, err)
			}
			return
		}
		if a.scheme != "https" && a.scheme != "ssh" || a.host == "" || a.path == "" {
			t.Fatalf("%q: %+v", raw, a)
		}
		host := strings.TrimPrefix(a.shown, a.scheme+"://")
		if authority, _, _ := strings.Cut(host, "/"); strings.Contains(authority, "@") {
			t.Fatalf("%q shows who logs in: %q", raw, a.shown)
		}
		for _, part := range []string{a.user, a.host, a.path} {
			if strings.HasPrefix(part, "-") {
				t.Fatalf("%q: %+v", raw, a)
			}
		}
	})
}

// Whatever a server sends for a pack, it ends with an error or with objects that are what their
// names say.
func FuzzPack(f *testing.F) {
	f.Add(packOfOne(1, objectHeader(plumbing.BlobObject, 5), []byte("hello")))
	f.Add(packOfOne(1, objectHeader(plumbing.TreeObject, 30), []byte("100644 aa\x00bbbbbbbbbbbbbbbbbbbb")))
	f.Add(packOfOne(1, append(objectHeader(plumbing.REFDeltaObject, 4), make([]byte, 20)...), []byte{5, 5, 0x90, 5}))
	f.Add(packOfOne(1, append(objectHeader(plumbing.OFSDeltaObject, 4), 12), []byte{5, 5, 0x90, 5}))
	f.Fuzz(func(t *testing.T, pack []byte) {
		if len(pack) > 20 { // let the fuzzer get past the checksum
			sum := sha1.Sum(pack[:len(pack)-20])
			pack = append(pack[:len(pack)-20:len(pack)-20], sum[:]...)
		}
		s := mustOpen(t)
		if err := s.add(t.Context(), bytes.NewReader(pack), packLimits{bytes: 1 << 20, object: 1 << 16}); err != nil {
			return
		}
		names, err := s.smallPacks()
		if err != nil || len(names) != 1 {
			t.Fatalf("packs: %v, %v", names, err)
		}
		hashes, _, err := packed(s.sto, names[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range hashes {
			o, err := s.sto.EncodedObject(plumbing.AnyObject, h)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.read(o.Type(), h, 1<<16); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// Whatever a tree object holds, walking it ends, and yields only names that CheckPath takes.
func FuzzTreeObject(f *testing.F) {
	blob := plumbing.ComputeHash(plumbing.BlobObject, []byte("hello"))
	f.Add([]byte("100644 a\x00" + string(blob[:])))
	f.Add([]byte("100644 ../a\x00" + string(blob[:]) + "40000 b\x00" + string(blob[:])))
	f.Add([]byte("120000 l\x00" + string(blob[:])))
	f.Fuzz(func(t *testing.T, tree []byte) {
		s := mustOpen(t)
		for kind, data := range map[plumbing.ObjectType][]byte{plumbing.BlobObject: []byte("hello"), plumbing.TreeObject: tree} {
			pack := packOfOne(1, objectHeader(kind, uint64(len(data))), data)
			if err := s.add(t.Context(), bytes.NewReader(pack), packLimits{bytes: 1 << 20, object: 1 << 20}); err != nil {
				t.Fatal(err)
			}
		}
		w := walk{source: &Source{store: s, options: Options{}.filled()}, tally: sources.Limits{}.Tally()}
		if err := w.tree(t.Context(), plumbing.ComputeHash(plumbing.TreeObject, tree), ""); err != nil {
			return
		}
		for _, file := range w.files {
			data, err := file.Read()
			if err != nil || string(data) != "hello" || sources.CheckPath(file.Path) != nil {
				t.Fatalf("%q = %q, %v", file.Path, data, err)
			}
		}
	})
}

func FuzzSocksRequest(f *testing.F) {
	f.Add([]byte{5, 1, 0, 5, 1, 0, 3, 1, 'h', 0, 22})
	f.Add([]byte{5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, 0, 22})
	f.Add([]byte{5, 1, 0, 5, 1, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 22})
	f.Fuzz(func(t *testing.T, said []byte) {
		target, err := socksRequest(spoken{Reader: bytes.NewReader(said)})
		if err != nil {
			return
		}
		if _, _, err := net.SplitHostPort(target); err != nil && !bytes.ContainsAny(said, "[]") {
			t.Fatalf("%v: %q", said, target)
		}
	})
}

// spoken is a connection whose far side has said all it will say.
type spoken struct {
	io.Reader
	net.Conn
}

func (s spoken) Read(p []byte) (int, error)  { return s.Reader.Read(p) }
func (s spoken) Write(p []byte) (int, error) { return len(p), nil }

func TestSocksRequest(t *testing.T) {
	for want, said := range map[string][]byte{
		"host:22":      {5, 1, 0, 5, 1, 0, 3, 4, 'h', 'o', 's', 't', 0, 22},
		"127.0.0.1:80": {5, 2, 0, 2, 5, 1, 0, 1, 127, 0, 0, 1, 0, 80},
		"[::1]:8080":   {5, 1, 0, 5, 1, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x1f, 0x90},
	} {
		if got, err := socksRequest(spoken{Reader: bytes.NewReader(said)}); err != nil || got != want {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
}

func TestIntervalIsScheduledWithJitter(t *testing.T) {
	s := &Source{options: Options{Interval: time.Minute}}
	seen := map[time.Duration]bool{}
	for range 100 {
		s.schedule(true)
		rest := time.Until(s.due)
		if rest < 53*time.Second || rest > 67*time.Second {
			t.Fatalf("due in %v", rest)
		}
		seen[rest.Round(time.Second)] = true
	}
	if len(seen) < 5 {
		t.Errorf("always about the same: %v", seen)
	}
}
