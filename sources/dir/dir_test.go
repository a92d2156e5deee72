package dir_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"
	"time"
	"unicode"

	"github.com/pigsync/pigsync/sources"
	"github.com/pigsync/pigsync/sources/dir"
)

// write puts a file in its place at once, as an editor should.
func write(t testing.TB, name, text string) {
	t.Helper()
	temp := filepath.Join(t.TempDir(), "new")
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(temp, []byte(text), 0o644), os.Rename(temp, name)); err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, o dir.Options) *dir.Source {
	t.Helper()
	s, err := dir.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func next(t testing.TB, s *dir.Source, after string) sources.Revision {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	rev, err := s.Next(ctx, after)
	if err != nil {
		t.Fatal(err)
	}
	return rev
}

func holds(t testing.TB, rev sources.Revision, name, text string) {
	t.Helper()
	if data, err := fs.ReadFile(rev.Tree, name); err != nil || string(data) != text {
		t.Errorf("%s = %q, %v, want %q", name, data, err, text)
	}
}

func TestRevisionIsTheDirectory(t *testing.T) {
	root := t.TempDir()
	write(t, root+"/pigsty.yml", "all: {}\n")
	write(t, root+"/files/a/b.conf", "b")
	write(t, root+"/.git/config", "not part of it")
	rev := next(t, open(t, dir.Options{Path: root}), "")
	if err := fstest.TestFS(rev.Tree, "pigsty.yml", "files/a/b.conf"); err != nil {
		t.Error(err)
	}
	if _, err := fs.Stat(rev.Tree, ".git"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf(".git is in the tree: %v", err)
	}
	if !strings.HasPrefix(rev.ID, "dir:") || len(rev.ID) != 4+64 || rev.Subject != root || time.Since(rev.When) > time.Minute {
		t.Errorf("revision %+v", rev)
	}

	copied := t.TempDir() // the same content elsewhere, later, with other modes
	write(t, copied+"/files/a/b.conf", "b")
	write(t, copied+"/pigsty.yml", "all: {}\n")
	if err := os.Chmod(copied+"/pigsty.yml", 0o700); err != nil {
		t.Fatal(err)
	}
	if again := next(t, open(t, dir.Options{Path: copied}), ""); again.ID != rev.ID {
		t.Errorf("the same content is %s and %s", rev.ID, again.ID)
	}
	moved := t.TempDir()
	write(t, moved+"/files/a", "b.confb")
	write(t, moved+"/pigsty.yml", "all: {}\n")
	if other := next(t, open(t, dir.Options{Path: moved}), ""); other.ID == rev.ID {
		t.Error("another content has the same name")
	}
}

// With an hour between looks, only a notification can be what wakes.
func TestNotificationsWake(t *testing.T) {
	root := t.TempDir()
	write(t, root+"/pigsty.yml", "0")
	s := open(t, dir.Options{Path: root, Interval: time.Hour, Debounce: time.Millisecond})
	rev := next(t, s, "")
	for name, change := range map[string]func(){
		"write":   func() { write(t, root+"/pigsty.yml", "1") },
		"subdir":  func() { write(t, root+"/x/y/z", "1") },
		"in it":   func() { write(t, root+"/x/y/w", strconv.Itoa(time.Now().Nanosecond())) },
		"rewrite": func() { _ = os.WriteFile(root+"/pigsty.yml", []byte(strconv.Itoa(time.Now().Nanosecond())), 0o644) },
	} {
		t.Run(name, func(t *testing.T) {
			var wg sync.WaitGroup
			var newer sources.Revision
			wg.Go(func() { newer = next(t, s, rev.ID) })
			change()
			wg.Wait()
			if newer.ID == rev.ID {
				t.Error("nothing new")
			}
			rev = newer
		})
	}
}

func TestTimeWakesWithoutNotifications(t *testing.T) {
	root := t.TempDir()
	write(t, root+"/a", "0")
	s := open(t, dir.Options{Path: root, Interval: time.Millisecond, NoWatch: true})
	rev := next(t, s, "")
	ctx, cancel := context.WithCancel(t.Context())
	looks := 0
	ctx = sources.WithLooks(ctx, func(time.Duration) {
		if looks++; looks == 5 {
			cancel()
		}
	})
	if rev, err := s.Next(ctx, rev.ID); !errors.Is(err, context.Canceled) {
		t.Errorf("without news: %v, %v", rev, err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { holds(t, next(t, s, rev.ID), "a", "1") })
	write(t, root+"/a", "1")
	wg.Wait()
}

func TestOneFileIsAllThereIs(t *testing.T) {
	root := t.TempDir()
	write(t, root+"/prod.yml", "prod")
	write(t, root+"/huge", strings.Repeat("x", 5<<20))
	if err := os.Symlink("/", root+"/evil"); err != nil {
		t.Fatal(err)
	}
	s, file, err := dir.Open(root + "/prod.yml")
	if err != nil || file != "prod.yml" {
		t.Fatalf("Open = %q, %v", file, err)
	}
	rev := next(t, s, "")
	if err := fstest.TestFS(rev.Tree, "prod.yml"); err != nil {
		t.Error(err)
	}
	if entries, err := fs.ReadDir(rev.Tree, "."); err != nil || len(entries) != 1 {
		t.Errorf("entries: %v, %v", entries, err)
	}
	if _, file, err := dir.Open(root); err != nil || file != "pigsty.yml" {
		t.Errorf("Open of a directory = %q, %v", file, err)
	}
	for _, bad := range []string{"", root + "/nope", "/dev/null"} {
		if _, _, err := dir.Open(bad); err == nil {
			t.Errorf("Open(%q) succeeded", bad)
		}
	}
	if err := os.Remove(root + "/prod.yml"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(t.Context(), ""); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("removed file: %v", err)
	}
}

func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		make func(root string) error
		say  string
	}{
		"symlink":       {func(r string) error { return os.Symlink("/etc/passwd", r+"/pigsty.yml") }, "pigsty.yml is a symbolic link"},
		"symlink below": {func(r string) error { return errors.Join(os.Mkdir(r+"/d", 0o700), os.Symlink(".", r+"/d/l")) }, "d/l is a symbolic link"},
		"pipe":          {func(r string) error { return syscall.Mkfifo(r+"/p", 0o600) }, "p is neither a file nor a directory"},
		"too big":       {func(r string) error { return os.Truncate(create(r+"/big"), 1<<40) }, "big is too big: 1099511627776 bytes"},
		"too many":      {func(r string) error { return many(r, 20) }, "one entry too many"},
		"too deep":      {func(r string) error { return os.MkdirAll(r+"/a/b/c/d", 0o700) }, "a/b/c/d is 4 directories deep"},
		"odd name":      {func(r string) error { return os.Mkdir(r+"/a\x1b[2J\n", 0o700) }, "is not a name"},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			if err := c.make(root); err != nil {
				t.Fatal(err)
			}
			s := open(t, dir.Options{Path: root, Limits: sources.Limits{Entries: 10, Depth: 3}})
			_, err := s.Next(t.Context(), "")
			if !errors.Is(err, sources.ErrRefused) || !strings.Contains(err.Error(), c.say) || !strings.HasPrefix(err.Error(), root+": ") {
				t.Fatalf("%v, want %q", err, c.say)
			}
			if strings.ContainsFunc(err.Error(), unicode.IsControl) {
				t.Errorf("not a clean line: %q", err)
			}
		})
	}
}

func create(name string) string {
	_ = os.WriteFile(name, nil, 0o600)
	return name
}

func many(root string, n int) error {
	var err error
	for i := range n {
		err = errors.Join(err, os.WriteFile(filepath.Join(root, strconv.Itoa(i)), nil, 0o600))
	}
	return err
}

func TestAtFindsWhatWasKept(t *testing.T) {
	root, store := t.TempDir(), filepath.Join(t.TempDir(), "kept")
	o := dir.Options{Path: root, Keep: store, Debounce: time.Millisecond}
	s := open(t, o)
	write(t, root+"/a/b", "1")
	first := next(t, s, "")
	write(t, root+"/a/b", "2")
	second := next(t, s, first.ID)

	s = open(t, o) // a restart
	for rev, text := range map[*sources.Revision]string{&first: "1", &second: "2"} {
		got, err := s.At(t.Context(), rev.ID)
		if err != nil {
			t.Fatal(err)
		}
		holds(t, got, "a/b", text)
		if err := fstest.TestFS(got.Tree, "a/b"); err != nil {
			t.Error(err)
		}
	}
	for _, id := range []string{"", "dir:", "dir:../../etc/passwd", "dir:" + strings.Repeat("0", 64), strings.Repeat("0", 40), "dir:" + strings.Repeat("z", 64)} {
		if _, err := s.At(t.Context(), id); !errors.Is(err, sources.ErrGone) {
			t.Errorf("At(%q): %v", id, err)
		}
	}

	archives, err := filepath.Glob(store + "/*.zip")
	if err != nil || len(archives) != 2 {
		t.Fatalf("archives: %v, %v", archives, err)
	}
	if err := os.Rename(archives[0], archives[1]); err != nil { // one content under the other's name
		t.Fatal(err)
	}
	gone := 0
	for _, id := range []string{first.ID, second.ID} {
		if rev, err := s.At(t.Context(), id); errors.Is(err, sources.ErrGone) {
			gone++
		} else if err != nil || rev.ID != id {
			t.Errorf("At(%s) = %v, %v", id, rev.ID, err)
		}
	}
	if gone == 0 {
		t.Error("a swapped archive was believed")
	}
}

func TestAtWithoutKeeping(t *testing.T) {
	root := t.TempDir()
	write(t, root+"/a", "1")
	s := open(t, dir.Options{Path: root, Debounce: time.Millisecond})
	first := next(t, s, "")
	if rev, err := s.At(t.Context(), first.ID); err != nil || rev.ID != first.ID {
		t.Errorf("At the current one: %v, %v", rev.ID, err)
	}
	if rev, err := open(t, dir.Options{Path: root}).At(t.Context(), first.ID); err != nil || rev.ID != first.ID {
		t.Errorf("At what is there, before anything was read: %v, %v", rev.ID, err)
	}
	write(t, root+"/a", "2")
	next(t, s, first.ID)
	if _, err := s.At(t.Context(), first.ID); !errors.Is(err, sources.ErrGone) {
		t.Errorf("At a past one: %v", err)
	}
}

func TestOnlyTheLastRevisionsAreKept(t *testing.T) {
	root, store := t.TempDir(), t.TempDir()
	for i := range 150 { // kept long ago
		name := filepath.Join(store, strconv.Itoa(i)+".zip")
		old := time.Now().Add(-time.Duration(i+1) * time.Hour)
		if err := errors.Join(os.WriteFile(name, nil, 0o600), os.Chtimes(name, old, old)); err != nil {
			t.Fatal(err)
		}
	}
	write(t, store+"/tmp-killed", "half")
	write(t, root+"/a", "1")
	rev := next(t, open(t, dir.Options{Path: root, Keep: store}), "")
	entries, err := os.ReadDir(store)
	if err != nil || len(entries) != 100 {
		t.Errorf("%d entries are left, %v", len(entries), err)
	}
	if _, err := open(t, dir.Options{Path: t.TempDir(), Keep: store}).At(t.Context(), rev.ID); err != nil {
		t.Errorf("the newest one: %v", err)
	}
	if _, err := os.Stat(store + "/149.zip"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the oldest one: %v", err)
	}
}

// A writer counts up in a and then in b. Whenever the two are seen together, b is a or one
// behind: anything else is two moments mixed.
func TestSnapshotIsOneMoment(t *testing.T) {
	root := t.TempDir()
	temp := filepath.Join(t.TempDir(), "new")
	ctx, cancel := context.WithCancel(t.Context())
	put := func(name string, i int) {
		if err := errors.Join(os.WriteFile(temp, []byte(strconv.Itoa(i)), 0o600), os.Rename(temp, filepath.Join(root, name))); err != nil {
			t.Error(err)
		}
	}
	for i := range 300 { // to have something to read between a and b
		put(fmt.Sprintf("a%03d", i), i)
	}
	put("a", 1000)
	put("b", 1000)
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 1001; ctx.Err() == nil; i++ {
			put("a", i)
			put("b", i)
			if i%50 == 0 {
				time.Sleep(time.Duration(i/50-20) * 20 * time.Millisecond) // pauses that grow until a snapshot can be had, on any machine
			}
		}
	})
	defer wg.Wait()
	defer cancel()
	s := open(t, dir.Options{Path: root, Debounce: time.Millisecond})
	after, got := "", 0
	for tries := 0; got < 3 && tries < 50; tries++ {
		rev, err := s.Next(ctx, after)
		if err != nil {
			continue // too much was going on
		}
		a, b := number(t, rev, "a"), number(t, rev, "b")
		if b != a && b != a-1 {
			t.Fatalf("a = %d and b = %d were never there together", a, b)
		}
		after, got = rev.ID, got+1
	}
	if got == 0 {
		t.Error("no snapshot at all")
	}
}

func number(t testing.TB, rev sources.Revision, name string) int {
	t.Helper()
	data, err := fs.ReadFile(rev.Tree, name)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(string(data))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNextAndAtSideBySide(t *testing.T) {
	root := t.TempDir()
	write(t, root+"/a", "1")
	s := open(t, dir.Options{Path: root, Keep: t.TempDir(), Debounce: time.Millisecond, Interval: time.Millisecond})
	first := next(t, s, "")
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for range 5 {
				if _, err := s.At(t.Context(), first.ID); err != nil {
					t.Error(err)
				}
				if _, err := s.Next(t.Context(), ""); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 5 {
		write(t, root+"/a", strconv.Itoa(i))
	}
	wg.Wait()
}
