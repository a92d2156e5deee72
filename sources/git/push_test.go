package git_test

import (
	"context"
	"errors"
	"io/fs"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/pigsync/pigsync/sources"
	"github.com/pigsync/pigsync/sources/git"
)

func (r *repo) ref(name string) plumbing.Hash {
	r.t.Helper()
	r.sto.Reindex()
	ref, err := r.sto.Reference(plumbing.ReferenceName(name))
	r.must(err)
	return ref.Hash()
}

func read(t *testing.T, tree fs.FS, name string) string {
	t.Helper()
	text, err := fs.ReadFile(tree, name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// reached are the ways to reach a repository.
var reached = map[string]func(testing.TB, *repo) git.Options{
	"local": func(_ testing.TB, r *repo) git.Options { return r.local() },
	"https": func(t testing.TB, r *repo) git.Options {
		o, _ := serveHTTPS(t, r, "ann", "sesame")
		o.Credential = func(context.Context) (string, string, error) { return "ann", "sesame", nil }
		return o
	},
	"ssh": serveSSH,
}

func TestABranchIsPushed(t *testing.T) {
	for name, reach := range reached {
		t.Run(name, func(t *testing.T) {
			r := newRepo(t)
			good := r.push(files{"inv": files{"pigsty.yml": "good\n", "kept.yml": "x\n"}, "README": "one\n"})
			bad := r.push(files{"inv": files{"pigsty.yml": "bad\n", "kept.yml": "x\n", "new.yml": "n\n"}, "README": "two\n"}, good)
			o := reach(t, r)
			o.Path = "inv"
			s := open(t, o)
			if _, err := s.Next(t.Context(), ""); err != nil {
				t.Fatal(err)
			}
			d := sources.Draft{Branch: "pigsync/revert", On: bad.String(), Like: good.String(), Message: "Revert\n"}
			id, err := s.Push(t.Context(), d)
			if err != nil {
				t.Fatal(err)
			}
			o.Ref, o.Dir, o.Path = "pigsync/revert", t.TempDir(), ""
			rev, err := open(t, o).Next(t.Context(), "")
			if err != nil || rev.ID != id {
				t.Fatalf("%v %v, want %s", rev.ID, err, id)
			}
			if read(t, rev.Tree, "inv/pigsty.yml") != "good\n" || read(t, rev.Tree, "README") != "two\n" {
				t.Error("the inventory is to be what it was, and the rest what it is")
			}
			if _, err := fs.Stat(rev.Tree, "inv/new.yml"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("what the bad commit added is there: %v", err)
			}
			if _, err := s.Push(t.Context(), d); !errors.Is(err, sources.ErrExists) {
				t.Errorf("a second time: %v", err)
			}
			if got := r.ref("refs/heads/pigsync/revert").String(); got != id {
				t.Errorf("the branch was moved to %s", got)
			}
		})
	}
}

func TestFilesArePushed(t *testing.T) {
	r := newRepo(t)
	head := r.push(files{"pigsty.yml": "a\n", "dir": files{"b.yml": "b\n"}})
	s := open(t, r.local())
	if _, err := s.Next(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	_, err := s.Push(t.Context(), sources.Draft{Branch: "adopt", On: head.String(), Message: "m", Files: map[string][]byte{
		"pigsty.yml": []byte("A\n"), "dir/b.yml": []byte("B\n"), "dir/new/c.yml": []byte("C\n"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	o := r.local()
	o.Ref = "adopt"
	rev, err := open(t, o).Next(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"pigsty.yml": "A\n", "dir/b.yml": "B\n", "dir/new/c.yml": "C\n"} {
		if got := read(t, rev.Tree, name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	for _, bad := range []sources.Draft{
		{Branch: "-x", On: head.String()}, {Branch: "a..b", On: head.String()}, {On: head.String()},
		{Branch: "ok", On: head.String(), Files: map[string][]byte{"../x": nil}},
		{Branch: "ok", On: "0123456789012345678901234567890123456789"},
	} {
		if _, err := s.Push(t.Context(), bad); err == nil {
			t.Errorf("pushed %+v", bad)
		}
	}
}

func TestMergesOfProposals(t *testing.T) {
	const base = "a: 1\nb: 2\nc: 3\nd: 4\ne: 5\n"
	tests := []struct {
		name         string
		ours, theirs files
		want         string // of pigsty.yml; "" for a conflict
		changed      int
	}{
		{"nothing else happened", files{"pigsty.yml": base}, files{"pigsty.yml": "a: 1\nb: 9\nc: 3\nd: 4\ne: 5\n"}, "a: 1\nb: 9\nc: 3\nd: 4\ne: 5\n", 1},
		{"both changed, far from each other", files{"pigsty.yml": "a: 0\nb: 2\nc: 3\nd: 4\ne: 5\n"}, files{"pigsty.yml": "a: 1\nb: 2\nc: 3\nd: 4\ne: 9\n"}, "a: 0\nb: 2\nc: 3\nd: 4\ne: 9\n", 1},
		{"both changed the same line", files{"pigsty.yml": "a: 0\nb: 2\nc: 3\nd: 4\ne: 5\n"}, files{"pigsty.yml": "a: 7\nb: 2\nc: 3\nd: 4\ne: 5\n"}, "", 0},
		{"both changed it alike", files{"pigsty.yml": "a: 0\n"}, files{"pigsty.yml": "a: 0\n"}, "a: 0\n", 0},
		{"they changed, we removed", files{"other.yml": base}, files{"pigsty.yml": "a: 7\n"}, "", 0},
		{"they add a file", files{"pigsty.yml": base}, files{"pigsty.yml": base, "x.yml": "x"}, base, 1},
		{"both add the same file, unlike", files{"pigsty.yml": base, "x.yml": "y"}, files{"pigsty.yml": base, "x.yml": "x"}, "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRepo(t)
			first := r.push(files{"pigsty.yml": base})
			head := r.commit(tt.theirs, "theirs", first)
			r.set("refs/pull/7/head", head)
			main := r.push(tt.ours, first)
			s := open(t, r.local())
			m, err := s.Merge(t.Context(), "refs/pull/7/head")
			if err != nil {
				t.Fatal(err)
			}
			if m.Base != main.String() || m.Head != head.String() || len(m.Changed) != tt.changed && tt.want != "" {
				t.Errorf("%+v", m)
			}
			if (len(m.Conflicts) > 0) != (tt.want == "") {
				t.Fatalf("conflicts %v", m.Conflicts)
			}
			if tt.want != "" && read(t, m.Tree, "pigsty.yml") != tt.want {
				t.Errorf("%q", read(t, m.Tree, "pigsty.yml"))
			}
		})
	}
}

func TestMergesOverTheNetwork(t *testing.T) {
	for name, reach := range reached {
		t.Run(name, func(t *testing.T) {
			r := newRepo(t)
			first := r.push(files{"pigsty.yml": "a\nb\n"})
			r.set("refs/pull/7/head", r.commit(files{"pigsty.yml": "a\nB\n"}, "theirs", first))
			s := open(t, reach(t, r))
			for range 2 { // the second time it is there already
				m, err := s.Merge(t.Context(), "refs/pull/7/head")
				if err != nil || read(t, m.Tree, "pigsty.yml") != "a\nB\n" {
					t.Fatalf("%+v %v", m, err)
				}
			}
			if _, err := s.Merge(t.Context(), "refs/pull/8/head"); !errors.Is(err, sources.ErrNoRef) {
				t.Errorf("what is not there: %v", err)
			}
			r.set("refs/pull/9/head", r.commit(files{"pigsty.yml": link("/etc/passwd")}, "evil", first))
			if _, err := s.Merge(t.Context(), "refs/pull/9/head"); !errors.Is(err, sources.ErrRefused) {
				t.Errorf("a link: %v", err)
			}
		})
	}
}

// Who pushes need not be who fetches.
func TestSomebodyElsePushes(t *testing.T) {
	r := newRepo(t)
	head := r.push(files{"pigsty.yml": "good\n"})
	o := reached["https"](t, r)
	there, _ := serveHTTPS(t, r, "bob", "open")
	bob := func(context.Context) (string, string, error) { return "bob", "open", nil }
	o.PushTo = &git.Remote{URL: there.URL, CAFile: there.CAFile, Credential: bob}
	s := open(t, o)
	if _, err := s.Next(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	d := sources.Draft{Branch: "pigsync/revert", On: head.String(), Message: "Revert\n"}
	id, err := s.Push(t.Context(), d)
	if err != nil || r.ref("refs/heads/pigsync/revert").String() != id {
		t.Errorf("pushed as %s: %v", id, err)
	}
	o.PushTo, o.Dir, d.Branch = &git.Remote{Credential: bob}, t.TempDir(), "another" // at URL, where nobody knows bob
	s = open(t, o)
	if _, err := s.Next(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Push(t.Context(), d); err == nil {
		t.Error("a stranger has pushed")
	}
}
