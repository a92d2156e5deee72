package git_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"

	"github.com/pigsync/pigsync/sources"
	"github.com/pigsync/pigsync/sources/git"
)

// next is the newest revision, which must be h and hold text in pigsty.yml.
func next(t testing.TB, s *git.Source, after string, h plumbing.Hash, text string) sources.Revision {
	t.Helper()
	rev, err := s.Next(t.Context(), after)
	if err != nil {
		t.Fatal(err)
	}
	if rev.ID != h.String() {
		t.Fatalf("revision is %s, want %s", rev.ID, h)
	}
	data, err := fs.ReadFile(rev.Tree, "pigsty.yml")
	if err != nil || string(data) != text {
		t.Fatalf("pigsty.yml = %q, %v, want %q", data, err, text)
	}
	return rev
}

// fails checks that err is of a kind, is one clean line and says what it should.
func fails(t testing.TB, err, kind error, say string) {
	t.Helper()
	if err == nil || !errors.Is(err, kind) {
		t.Fatalf("error %q is not %q", err, kind)
	}
	if text := err.Error(); strings.ContainsFunc(text, unicode.IsControl) || !strings.Contains(text, say) {
		t.Fatalf("error %q does not say %q in one line", text, say)
	}
}

func TestRevisionIsWhatWasCommitted(t *testing.T) {
	r := newRepo(t)
	h := r.commit(files{"pigsty.yml": "all: {}\n", "files": files{"hba": files{"a.conf": "x"}, "empty": files{}}},
		"\n\nadd \u202ea replica\x1b[2J\n\nbecause\n")
	r.set("refs/heads/main", h)
	rev := next(t, open(t, r.local()), "", h, "all: {}\n")
	if rev.Author != "Ann [31mExample <ann@example.org>" || rev.Subject != "add a replica [2J" {
		t.Errorf("author %q, subject %q", rev.Author, rev.Subject)
	}
	if rev.When.Unix() != r.now {
		t.Errorf("when = %v", rev.When)
	}
	if err := fstest.TestFS(rev.Tree, "pigsty.yml", "files/hba/a.conf"); err != nil {
		t.Error(err)
	}
}

func TestNextFollowsTheBranchAndAtFindsThePast(t *testing.T) {
	r := newRepo(t)
	o := r.local()
	h1 := r.push(files{"pigsty.yml": "1"})
	s := open(t, o)
	next(t, s, "", h1, "1")

	side := r.commit(files{"pigsty.yml": "side"}, "side", h1)
	h2 := r.push(files{"pigsty.yml": "2", "dir": files{"f": "f"}}, h1, side)
	s.Wake()
	next(t, s, h1.String(), h2, "2")

	if err := os.RemoveAll(r.dir); err != nil { // no network any more, and a restart
		t.Fatal(err)
	}
	s = open(t, o)
	for h, text := range map[plumbing.Hash]string{h1: "1", h2: "2", side: "side"} {
		rev, err := s.At(t.Context(), h.String())
		if err != nil {
			t.Fatal(err)
		}
		if data, err := fs.ReadFile(rev.Tree, "pigsty.yml"); err != nil || string(data) != text {
			t.Errorf("at %s: %q, %v", h, data, err)
		}
	}
	_, err := s.At(t.Context(), strings.Repeat("0", 40))
	fails(t, err, sources.ErrGone, "not in the object store")
	_, err = s.At(t.Context(), "main\n")
	fails(t, err, sources.ErrGone, "not a full commit hash")
	if _, err := s.Next(t.Context(), ""); err == nil {
		t.Error("Next found a repository that is not there")
	}
}

func TestNextWaitsForTheInterval(t *testing.T) {
	r := newRepo(t)
	h1 := r.push(files{"pigsty.yml": "1"})
	synctest.Test(t, func(t *testing.T) {
		o := r.local()
		o.Interval = 10 * time.Minute
		s := open(t, o)
		next(t, s, "", h1, "1")
		h2 := r.push(files{"pigsty.yml": "2"}, h1)
		start := time.Now()
		next(t, s, h1.String(), h2, "2")
		if took := time.Since(start); took < 9*time.Minute || took > 11*time.Minute {
			t.Errorf("looked again after %v, want 10 minutes ± 1", took)
		}
		h3 := r.push(files{"pigsty.yml": "3"}, h2)
		start = time.Now()
		for range 5 {
			s.Wake()
		}
		next(t, s, h2.String(), h3, "3")
		if took := time.Since(start); took != 0 {
			t.Errorf("woken, it looked again only after %v", took)
		}
		looks := 0
		ctx, cancel := context.WithTimeout(sources.WithLooks(t.Context(), func(time.Duration) { looks++ }), 24*time.Hour)
		defer cancel()
		if rev, err := s.Next(ctx, h3.String()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("without news: %v, %v", rev, err)
		}
		if day := 24 * 6; looks < day*9/10 || looks > day*11/10 {
			t.Errorf("told of %d looks in a day, want about %d", looks, day)
		}
	})
}

func TestNextReturnsEachFailureAfterOneAttempt(t *testing.T) {
	r := newRepo(t)
	h := r.push(files{"pigsty.yml": "1"})
	s := open(t, r.local())
	next(t, s, "", h, "1")
	r.must(os.Rename(r.dir, r.dir+".away"))
	s.Wake()
	for range 3 {
		if _, err := s.Next(t.Context(), h.String()); err == nil || !strings.Contains(err.Error(), "there is no git repository") {
			t.Fatalf("repository away: %v", err)
		}
	}
	r.must(os.Rename(r.dir+".away", r.dir))
	h2 := r.push(files{"pigsty.yml": "2"}, h)
	next(t, s, h.String(), h2, "2")
}

func TestRefs(t *testing.T) {
	r := newRepo(t)
	h1 := r.push(files{"pigsty.yml": "1"})
	h2 := r.push(files{"pigsty.yml": "2"}, h1)
	h3 := r.commit(files{"pigsty.yml": "3"}, "off main", h1)
	r.set("refs/heads/dev/x", h3)
	r.set("refs/tags/light", h1)
	r.tag("nested", r.tag("v1", h1, plumbing.CommitObject), plumbing.TagObject)
	r.set("refs/tags/both", h1)
	r.set("refs/heads/both", h2)
	writeFile(t, r.dir+"/refs/heads/main.lock", "") // git is writing it, or died over it
	for ref, want := range map[string]plumbing.Hash{
		"": h2, "main": h2, "dev/x": h3, "refs/heads/dev/x": h3, "light": h1, "v1": h1, "nested": h1,
		"both": h2, "refs/tags/both": h1, h1.String(): h1, h3.String(): h3,
	} {
		t.Run("ref="+ref, func(t *testing.T) {
			o := r.local()
			o.Ref = ref
			rev, err := open(t, o).Next(t.Context(), "")
			if err != nil || rev.ID != want.String() {
				t.Errorf("%s: %v, want %s", rev.ID, err, want)
			}
		})
	}
	for _, ref := range []string{"nope", "refs/heads/nope", "HEAD/x", strings.Repeat("d", 40)} {
		o := r.local()
		o.Ref = ref
		_, err := open(t, o).Next(t.Context(), "")
		fails(t, err, sources.ErrNoRef, r.dir)
	}
	for _, ref := range []string{"-x", "a b", "a..b", "--upload-pack=x", "a\nb", "a:b", "refs/../x"} {
		o := r.local()
		o.Ref = ref
		if _, err := git.New(o); err == nil || !strings.Contains(err.Error(), "not the name of a branch or tag") {
			t.Errorf("ref %q: %v", ref, err)
		}
	}
}

func TestPinnedCommitNeverChanges(t *testing.T) {
	r := newRepo(t)
	h1 := r.push(files{"pigsty.yml": "1"})
	r.push(files{"pigsty.yml": "2"}, h1)
	synctest.Test(t, func(t *testing.T) {
		o := r.local()
		o.Ref = h1.String()
		s := open(t, o)
		next(t, s, "", h1, "1")
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		s.Wake()
		if rev, err := s.Next(ctx, h1.String()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Next = %v, %v", rev, err)
		}
	})
}

func TestEmptyRepository(t *testing.T) {
	r := newRepo(t)
	_, err := open(t, r.local()).Next(t.Context(), "")
	fails(t, err, sources.ErrEmpty, "no commit yet")
	r.set("refs/heads/other", r.commit(files{}, "x"))
	_, err = open(t, r.local()).Next(t.Context(), "")
	fails(t, err, sources.ErrNoRef, "HEAD of the repository names no commit")
}

func TestRewoundBranchIsRefusedAlsoAfterARestart(t *testing.T) {
	r := newRepo(t)
	o := r.local()
	h1 := r.push(files{"pigsty.yml": "1"})
	h2 := r.push(files{"pigsty.yml": "2"}, h1)
	next(t, open(t, o), "", h2, "2")
	for name, head := range map[string]plumbing.Hash{
		"back": h1, "beside": r.commit(files{"pigsty.yml": "3"}, "forced", h1), "unrelated": r.commit(files{"pigsty.yml": "4"}, "root"),
	} {
		r.set("refs/heads/main", head)
		_, err := open(t, o).Next(t.Context(), "")
		fails(t, err, sources.ErrRewound, h2.String()[:12])
		if !strings.Contains(err.Error(), head.String()[:12]) {
			t.Errorf("%s: %v does not name the new head", name, err)
		}
	}
	h5 := r.push(files{"pigsty.yml": "5"}, h1, h2) // contains it again
	next(t, open(t, o), "", h5, "5")

	r.set("refs/heads/main", h1)
	o.AllowRewind = true
	s := open(t, o)
	next(t, s, "", h1, "1")
	if _, err := s.At(t.Context(), h5.String()); err != nil {
		t.Errorf("what was rewound is needed for pruning: %v", err)
	}
}

func TestRefusedContent(t *testing.T) {
	r := newRepo(t)
	gitlink := entry{mode: filemode.Submodule, hash: plumbing.NewHash(strings.Repeat("a", 40))}
	deep := files{"f": ""}
	for range 40 {
		deep = files{"d": deep}
	}
	many := files{}
	for i := range 60 {
		many[strconv.Itoa(i)] = files{"a": "", "b": ""}
	}
	for name, c := range map[string]struct {
		content files
		say     string
	}{
		"symlink":          {files{"pigsty.yml": link("/etc/shadow")}, "pigsty.yml is a symbolic link"},
		"symlink below":    {files{"a": files{"b": link("..")}}, "a/b is a symbolic link"},
		"submodule":        {files{"a": files{"sub": gitlink}}, "a/sub is a submodule"},
		"too big":          {files{"big.bin": strings.Repeat("x", 5001)}, "big.bin is too big: 5001 bytes"},
		"a gigabyte":       {files{"x": files{"huge.bin": entry{mode: filemode.Regular, hash: r.claim(1 << 30)}}}, "x/huge.bin was not fetched"},
		"too much":         {files{"a": strings.Repeat("a", 4000), "b": strings.Repeat("b", 4000), "c": strings.Repeat("c", 4000)}, "c is too much"},
		"too deep":         {deep, "is 33 directories deep"},
		"too many":         {many, "one entry too many"},
		"dot dot":          {files{"..": files{"etc": ""}}, `".." is not a name`},
		"dot":              {files{".": "x"}, `"." is not a name`},
		"slash":            {files{"a/b": "x"}, `"a/b" is not a name`},
		"escape":           {files{"a\x1b[2J": "x"}, "is not a name"},
		"escape in a link": {files{"a\x1b[2J": link("x")}, "is not a name"},
		"backslash":        {files{`a\b`: "x"}, "is not a name"},
	} {
		t.Run(name, func(t *testing.T) {
			h := r.push(c.content)
			o := r.local()
			o.Limits = sources.Limits{File: 5000, Total: 10000, Entries: 150}
			s := open(t, o)
			_, err := s.Next(t.Context(), "")
			fails(t, err, sources.ErrRefused, c.say)
			if !strings.HasPrefix(err.Error(), r.dir+" at "+h.String()[:12]) {
				t.Errorf("%v does not name repository and commit", err)
			}
			good := r.push(files{"pigsty.yml": "good"}, h) // one commit later all is well
			next(t, s, "", good, "good")
		})
	}
}

func TestPathIsTheRootAndTheRestIsNotLookedAt(t *testing.T) {
	r := newRepo(t)
	h := r.push(files{
		"evil": link("/"), "file": "f", "lnk": link("prod"),
		"prod": files{"eu": files{"pigsty.yml": "eu"}, "evil": link("/")},
	})
	o := r.local()
	o.Path = "prod/eu"
	next(t, open(t, o), "", h, "eu")
	for path, say := range map[string]string{
		"prod":     "evil is a symbolic link",
		"lnk":      "lnk is a symbolic link: a directory was expected",
		"lnk/eu":   "lnk is a symbolic link: a directory was expected",
		"file/x":   "file is a file: a directory was expected",
		"prod/us":  "there is no directory prod/us",
		"nope/nor": "there is no directory nope",
	} {
		o.Path = path
		_, err := open(t, o).Next(t.Context(), "")
		fails(t, err, sources.ErrRefused, say)
	}
	for _, path := range []string{"/prod", "../x", "a/../b", "prod/"} {
		o.Path = path
		if _, err := git.New(o); err == nil {
			t.Errorf("path %q was taken", path)
		}
	}
}

func TestDamagedStoreIsFetchedAgain(t *testing.T) {
	r := newRepo(t)
	o := r.local()
	text := strings.Repeat("all: {}\n", 100)
	h1 := r.push(files{"pigsty.yml": text})
	next(t, open(t, o), "", h1, text)
	packs, err := filepath.Glob(filepath.Join(o.Dir, "objects/pack/*.pack"))
	if err != nil || len(packs) != 1 {
		t.Fatalf("packs: %v, %v", packs, err)
	}
	for name, damage := range map[string]func() error{
		"cut off": func() error { return os.Truncate(packs[0], 40) },
		"emptied": func() error { return os.Truncate(packs[0], 0) },
		"index":   func() error { return os.Truncate(strings.TrimSuffix(packs[0], "pack")+"idx", 100) },
		"flipped": func() error {
			data, err := os.ReadFile(packs[0])
			if err != nil {
				return err
			}
			for i := 20; i < len(data)-20; i++ {
				data[i] ^= 0x55
			}
			return os.WriteFile(packs[0], data, 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := damage(); err != nil {
				t.Fatal(err)
			}
			s := open(t, o)
			_, err := s.At(t.Context(), h1.String())
			fails(t, err, sources.ErrGone, "not in the object store")
			next(t, s, "", h1, text)
		})
	}
}

func TestManySmallFetchesBecomeFewPacks(t *testing.T) {
	r := newRepo(t)
	o := r.local()
	s := open(t, o)
	h := r.push(files{"pigsty.yml": "0"})
	first := h
	next(t, s, "", h, "0")
	for i := 1; i <= 34; i++ {
		h = r.push(files{"pigsty.yml": strconv.Itoa(i)}, h)
		next(t, s, "", h, strconv.Itoa(i))
	}
	packs, err := filepath.Glob(filepath.Join(o.Dir, "objects/pack/*"))
	if err != nil || len(packs) > 2*10 {
		t.Errorf("%d files in the store, %v", len(packs), err)
	}
	for _, s := range []*git.Source{s, open(t, o)} {
		if rev, err := s.At(t.Context(), first.String()); err != nil {
			t.Error(err)
		} else if data, err := fs.ReadFile(rev.Tree, "pigsty.yml"); err != nil || string(data) != "0" {
			t.Errorf("first revision: %q, %v", data, err)
		}
	}
}

func TestNextAndAtSideBySide(t *testing.T) {
	r := newRepo(t)
	s := open(t, r.local())
	h := r.push(files{"pigsty.yml": "0", "d": files{"x": "y"}})
	first := next(t, s, "", h, "0")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				rev, err := s.At(t.Context(), first.ID)
				if err != nil {
					t.Error(err)
					return
				}
				if data, err := fs.ReadFile(rev.Tree, "d/x"); err != nil || string(data) != "y" {
					t.Errorf("d/x = %q, %v", data, err)
				}
				s.Wake()
				if _, err := s.Next(t.Context(), ""); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 10 {
		h = r.push(files{"pigsty.yml": strconv.Itoa(i)}, h)
	}
	wg.Wait()
	next(t, s, "", h, "9")
}

func TestOptionsAreChecked(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		o   git.Options
		say string
	}{
		"no address":     {git.Options{Dir: dir}, "address is empty"},
		"no directory":   {git.Options{URL: "https://example.org/x"}, "no directory"},
		"local":          {git.Options{URL: "/srv/x.git", Dir: dir}, "not allowed here"},
		"no known hosts": {git.Options{URL: "git@example.org:x", Dir: dir, Agent: true}, "known_hosts"},
		"no key":         {git.Options{URL: "git@example.org:x", Dir: dir, KnownHosts: "x"}, "key file or the agent"},
	} {
		if _, err := git.New(c.o); err == nil || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
