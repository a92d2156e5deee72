package git_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/pigsync/pigsync/sources"
	"github.com/pigsync/pigsync/sources/git"
)

func TestTheHighestVersionIsFollowed(t *testing.T) {
	tests := []struct {
		tags      []string
		constrain string
		want      string
		kind      error
	}{
		{[]string{"v1.2.0", "v1.10.0", "v2.0.0", "notes"}, ">=1.0 <2", "v1.10.0", nil},
		{[]string{"v1.2.0", "v1.3.0-rc.1"}, "~1", "v1.2.0", nil},
		{[]string{"v1.2.0", "v1.3.0-rc.1"}, ">=1.0.0-0", "v1.3.0-rc.1", nil},
		{[]string{"1.2", "v1.1.9"}, "*", "1.2", nil},
		{[]string{"v3.0.0"}, "<2", "", sources.ErrNoRef},
		{[]string{"v1.2.0", "1.2.0"}, "*", "", sources.ErrRefused},
	}
	for _, tt := range tests {
		r := newRepo(t)
		at, last := map[string]plumbing.Hash{}, plumbing.ZeroHash
		for i, tag := range tt.tags {
			last = r.push(files{"pigsty.yml": tag}, parents(last)...)
			at[tag] = last
			if i%2 == 0 {
				r.tag(tag, last, plumbing.CommitObject)
			} else {
				r.set("refs/tags/"+tag, last)
			}
		}
		o := r.local()
		o.Versions = tt.constrain
		rev, err := open(t, o).Next(t.Context(), "")
		if !errors.Is(err, tt.kind) || tt.kind == nil && (err != nil || rev.ID != at[tt.want].String()) {
			t.Errorf("%s of %v: %q %v, want %s", tt.constrain, tt.tags, rev.ID, err, tt.want)
		}
	}
}

func parents(h plumbing.Hash) []plumbing.Hash {
	if h.IsZero() {
		return nil
	}
	return []plumbing.Hash{h}
}

func TestVersionsOverTheNetwork(t *testing.T) {
	r := newRepo(t)
	first := r.push(files{"pigsty.yml": "1"})
	r.tag("v1.0.0", first, plumbing.CommitObject)
	o, _ := serveHTTPS(t, r, "", "")
	o.Versions = "1.x"
	s := open(t, o)
	if rev, err := s.Next(t.Context(), ""); err != nil || rev.ID != first.String() {
		t.Fatal(rev.ID, err)
	}
	second := r.push(files{"pigsty.yml": "2"}, first)
	r.tag("v1.1.0", second, plumbing.CommitObject)
	if rev, err := s.Next(t.Context(), ""); err != nil || rev.ID != second.String() {
		t.Fatal(rev.ID, err)
	}
}

func TestBadVersions(t *testing.T) {
	r := newRepo(t)
	for _, versions := range []string{"newest", ">=1.a", strings.Repeat(">1 ", 100)} {
		o := r.local()
		o.Versions = versions
		if _, err := git.New(o); err == nil {
			t.Errorf("took %q", versions)
		}
	}
	o := r.local()
	o.Versions, o.Ref = "*", "main"
	if _, err := git.New(o); err == nil {
		t.Error("took a ref and versions")
	}
}

// asked notes what the remotes were good for.
func asked(t *testing.T) (ctx func() map[int]string, s func(*git.Source, string) (sources.Revision, error)) {
	said := map[int]string{}
	c := sources.WithRemotes(t.Context(), func(n int, _ string, err error) {
		said[n] = ""
		if err != nil {
			said[n] = err.Error()
		}
	})
	return func() map[int]string { return said }, func(s *git.Source, after string) (sources.Revision, error) { return s.Next(c, after) }
}

func TestAMirrorHelpsOut(t *testing.T) {
	main, mirror := newRepo(t), newRepo(t)
	one := main.push(files{"pigsty.yml": "1"})
	if mirror.push(files{"pigsty.yml": "1"}) != one {
		t.Fatal("the two repositories begin with the same commit")
	}
	o := main.local()
	o.Mirrors = []git.Remote{{URL: mirror.dir}}
	s := open(t, o)
	said, next := asked(t)
	if rev, err := next(s, ""); err != nil || rev.ID != one.String() {
		t.Fatal(rev.ID, err)
	}
	if got := said(); got[0] != "" || got[1] != "" || len(got) != 2 {
		t.Errorf("while both answer and agree: %v", got)
	}
	main.must(os.Rename(main.dir, main.dir+".away"))
	two := mirror.push(files{"pigsty.yml": "2"}, one)
	if rev, err := next(s, ""); err != nil || rev.ID != two.String() {
		t.Fatal(rev.ID, err)
	}
	if got := said(); !strings.Contains(got[0], "no git repository") || got[1] != "" {
		t.Errorf("while the first does not answer: %v", got)
	}
	main.must(os.Rename(main.dir+".away", main.dir))
	if rev, err := next(s, ""); !errors.Is(err, sources.ErrRewound) || !strings.Contains(err.Error(), "behind") {
		t.Errorf("the first comes back, and has not what the mirror had: %v %v", rev.ID, err)
	}
}

func TestAMirrorNeverTakesBack(t *testing.T) {
	main, mirror := newRepo(t), newRepo(t)
	one := main.push(files{"pigsty.yml": "1"})
	mirror.push(files{"pigsty.yml": "1"})
	two := main.push(files{"pigsty.yml": "2"}, one)
	o := main.local()
	o.AllowRewind = true
	o.Mirrors = []git.Remote{{URL: mirror.dir}}
	s := open(t, o)
	said, next := asked(t)
	if rev, err := next(s, ""); err != nil || rev.ID != two.String() {
		t.Fatal(rev.ID, err)
	}
	if got := said()[1]; !strings.Contains(got, "it is behind") {
		t.Errorf("a mirror that lags: %q", got)
	}
	main.must(os.Rename(main.dir, main.dir+".away"))
	if _, err := next(s, ""); !errors.Is(err, sources.ErrRewound) || !strings.Contains(err.Error(), "it is behind") {
		t.Errorf("a mirror that lags, asked: %v", err)
	}
	mirror.push(files{"pigsty.yml": "other"}, one)
	if _, err := next(s, ""); !errors.Is(err, sources.ErrRewound) || !strings.Contains(err.Error(), "does not contain") {
		t.Errorf("a mirror that says something else: %v", err)
	}
	mirror.must(os.RemoveAll(mirror.dir))
	if _, err := next(s, ""); err == nil || strings.Count(err.Error(), "no git repository") != 2 {
		t.Errorf("nobody answers: %v", err)
	}
}

func TestAMissingBranchIsNotLookedForElsewhere(t *testing.T) {
	main, mirror := newRepo(t), newRepo(t)
	main.push(files{"pigsty.yml": "1"})
	mirror.set("refs/heads/prod", mirror.push(files{"pigsty.yml": "1"}))
	o := main.local()
	o.Ref, o.Mirrors = "prod", []git.Remote{{URL: mirror.dir}}
	if rev, err := open(t, o).Next(t.Context(), ""); !errors.Is(err, sources.ErrNoRef) {
		t.Errorf("%v %v", rev.ID, err)
	}
}
