package sources_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/pigsync/pigsync/sources"
)

func blob(path, text string) sources.Blob {
	return sources.Blob{Path: path, Size: int64(len(text)), Read: func() ([]byte, error) { return []byte(text), nil }}
}

func TestFixedYieldsItsRevisionOnceAndThenWaits(t *testing.T) {
	src := sources.Fixed(sources.Revision{ID: "abc"})
	rev, err := src.Next(t.Context(), "")
	if err != nil || rev.ID != "abc" {
		t.Fatalf("Next = %v, %v", rev, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := src.Next(ctx, "abc"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Next after the only revision: %v", err)
	}
	if rev, err := src.At(t.Context(), "abc"); err != nil || rev.ID != "abc" {
		t.Errorf("At(abc) = %v, %v", rev, err)
	}
	if _, err := src.At(t.Context(), "abd"); !errors.Is(err, sources.ErrGone) {
		t.Errorf("At(abd): %v", err)
	}
}

func TestTreeIsAFileSystem(t *testing.T) {
	tree, err := sources.NewTree([]sources.Blob{
		blob("pigsty.yml", "all: {}\n"), blob("files/hba/a.conf", ""), blob("files/b", strings.Repeat("x", 5000)), blob("ü/ñ.txt", "u"),
	}, time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(tree, "pigsty.yml", "files/hba/a.conf", "files/b", "ü/ñ.txt"); err != nil {
		t.Error(err)
	}
	if _, err := tree.ReadFile("nope"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("ReadFile of a missing file: %v", err)
	}
	if _, err := tree.ReadFile("files"); err == nil {
		t.Error("ReadFile of a directory succeeded")
	}
	if _, err := tree.ReadDir("files/b"); err == nil {
		t.Error("ReadDir of a file succeeded")
	}
}

func TestTreeOfNothing(t *testing.T) {
	tree, err := sources.NewTree(nil, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(tree); err != nil {
		t.Error(err)
	}
}

func TestTreeShowsAReadError(t *testing.T) {
	broken := errors.New("disk on fire")
	tree, err := sources.NewTree([]sources.Blob{{Path: "a", Read: func() ([]byte, error) { return nil, broken }}}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.Open("a"); !errors.Is(err, broken) {
		t.Errorf("Open: %v", err)
	}
	if _, err := tree.ReadFile("a"); !errors.Is(err, broken) {
		t.Errorf("ReadFile: %v", err)
	}
}

func TestTreeRefuses(t *testing.T) {
	for name, paths := range map[string][]string{
		"twice":          {"a", "a"},
		"file then dir":  {"a", "a/b"},
		"dir then file":  {"a/b", "a"},
		"absolute":       {"/etc/passwd"},
		"up":             {"../a"},
		"up inside":      {"a/../../b"},
		"dot":            {"."},
		"empty":          {""},
		"empty part":     {"a//b"},
		"backslash":      {`a\b`},
		"line end":       {"a\nb"},
		"zero":           {"a\x00b"},
		"not utf-8":      {"a\xff"},
		"right to left":  {"a\u202eb"},
		"too long":       {strings.Repeat("n", 256)},
		"escape in name": {"a/\x1b[2Jb"},
	} {
		t.Run(name, func(t *testing.T) {
			var files []sources.Blob
			for _, p := range paths {
				files = append(files, blob(p, ""))
			}
			_, err := sources.NewTree(files, time.Time{})
			if !errors.Is(err, sources.ErrRefused) {
				t.Fatalf("%q: %v", paths, err)
			}
			if strings.ContainsFunc(err.Error(), unicode.IsControl) || len(err.Error()) > 400 {
				t.Errorf("the error is not one clean line: %q", err)
			}
		})
	}
}

func TestTally(t *testing.T) {
	tally := sources.Limits{File: 10, Total: 15, Entries: 3, Depth: 2}.Tally()
	for _, step := range []struct {
		path string
		size int64
		want string
	}{
		{"a", 10, ""},
		{"big", 11, "big is too big: 11 bytes, at most 10 are allowed in a file"},
		{"x/y/z", 1, "x/y/z is 3 directories deep: at most 2 are allowed"},
		{"b", 6, "b is too much: all files together may have 15 bytes"},
		{"c", 0, "c is one entry too many: at most 3 files and directories are allowed"},
	} {
		err := tally.File(step.path, step.size)
		if step.want == "" && err != nil || step.want != "" && (err == nil || err.Error() != step.want || !errors.Is(err, sources.ErrRefused)) {
			t.Errorf("%s: %v, want %q", step.path, err, step.want)
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"add a replica":              "add a replica",
		"  a \t b\r\n c  ":           "a b c",
		"red \x1b[31mtext\x1b[0m":    "red [31mtext [0m",
		"a\u202eb\u2066c":            "a b c",
		"\xff\xfe":                   "",
		"":                           "",
		strings.Repeat("é", 30):      strings.Repeat("é", 8) + "…",
		strings.Repeat("a", 1000000): strings.Repeat("a", 17) + "…",
	} {
		if got := sources.Clean(in, 20); got != want {
			t.Errorf("Clean(%.40q) = %q, want %q", in, got, want)
		}
	}
}

// Whatever a stranger writes, what comes out is one short printable line, and cleaning it again
// changes nothing.
func TestCleanIsAlwaysHarmless(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := string(rapid.SliceOf(rapid.Byte()).Draw(t, "in"))
		max := rapid.IntRange(0, 50).Draw(t, "max")
		out := sources.Clean(in, max)
		bad := func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }
		if len(out) > max || !utf8.ValidString(out) || strings.ContainsFunc(out, bad) {
			t.Fatalf("Clean(%q, %d) = %q", in, max, out)
		}
		if again := sources.Clean(out, max); again != out {
			t.Fatalf("%q cleaned again is %q", out, again)
		}
	})
}

// Whatever the paths, a tree that is made is a sound file system and holds just these files.
func FuzzTree(f *testing.F) {
	f.Add("a\x00b/c\x00b/d/e")
	f.Add("a\x00a")
	f.Add("a\x00a/b")
	f.Add("../x\x00/y\x00.\x00z\\w")
	f.Fuzz(func(t *testing.T, list string) {
		paths := strings.Split(list, "\x00")
		var files []sources.Blob
		for _, p := range paths {
			files = append(files, blob(p, p))
		}
		tree, err := sources.NewTree(files, time.Time{})
		if err != nil {
			if !errors.Is(err, sources.ErrRefused) || strings.ContainsFunc(err.Error(), unicode.IsControl) {
				t.Fatalf("%q: %v", paths, err)
			}
			return
		}
		for _, p := range paths {
			if data, err := tree.ReadFile(p); err != nil || string(data) != p {
				t.Fatalf("ReadFile(%q) = %q, %v", p, data, err)
			}
		}
		if strings.ContainsAny(list, "[]*?") { // TestFS takes names for patterns
			return
		}
		if err := fstest.TestFS(tree, paths...); err != nil {
			t.Fatalf("%q: %v", paths, err)
		}
	})
}

// reviewers is a forge on which these people approved a plan.
type reviewers []string

func (reviewers) Name() string { return "gitea:git.example.com" }

func (r reviewers) Reviews(context.Context, string) (list []sources.Review, err error) {
	for _, by := range r {
		list = append(list, sources.Review{ID: by, By: by, Text: "fine\n\nPigsync-Approved: 0123456789ab\n"})
	}
	return list, nil
}

// Anybody may have an account on a forge: the words of strangers are none.
func TestReviewsOfStrangersAreNoWords(t *testing.T) {
	known := func(by string) bool { return by == "gitea:git.example.com/ann" }
	words, err := sources.Reviewed(reviewers{"eve", "ann"}, known).Words(t.Context(), "c")
	if err != nil || len(words) != 1 || words[0].By != "gitea:git.example.com/ann" || words[0].Digest != "0123456789ab" || words[0].Via != "review" {
		t.Errorf("%+v %v", words, err)
	}
}
