package git_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pigsync/pigsync/sources/git"
	"github.com/pigsync/pigsync/sources/signed"
)

// author writes commits with the program git, signed with an SSH key.
type author struct {
	t              *testing.T
	work, key, who string
}

func (a author) git(args ...string) string {
	a.t.Helper()
	fixed := []string{"-C", a.work, "-c", "user.name=" + a.who, "-c", "user.email=" + a.who + "@example.com",
		"-c", "gpg.format=ssh", "-c", "user.signingkey=" + a.key}
	out, err := exec.Command("git", append(fixed, args...)...).CombinedOutput()
	if err != nil {
		a.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (a author) public() string {
	a.t.Helper()
	text, err := os.ReadFile(a.key + ".pub")
	if err != nil {
		a.t.Fatal(err)
	}
	return a.who + " " + string(text)
}

func newAuthor(t *testing.T, work, who string) author {
	t.Helper()
	for _, program := range []string{"git", "ssh-keygen"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(program + " is not installed")
		}
	}
	key := filepath.Join(t.TempDir(), who)
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return author{t, work, key, who}
}

// Who is known and signs a commit with the trailer has agreed, also in an empty commit on top; a commit without
// a signature, of a stranger, or before the tree was what it is, says nothing.
func TestWords(t *testing.T) {
	work := t.TempDir()
	ann, bob, eve := newAuthor(t, work, "ann"), newAuthor(t, work, "bob"), newAuthor(t, work, "eve")
	ann.git("init", "-q", "-b", "main")
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(work, "pigsty.yml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		ann.git("add", "-A")
	}
	agree := func(a author, digest string, flags ...string) {
		a.git(append([]string{"commit", "-q", "--allow-empty", "-m", "agree\n\nPigsync-Approved: " + digest}, flags...)...)
	}
	write("all: {}\n")
	agree(ann, "000000000000", "-S") // of another tree
	write("all: { hosts: {} }\n")
	agree(ann, "aaaaaaaaaaaa", "-S")
	agree(bob, "bbbbbbbbbbbb", "-S")
	agree(bob, "cccccccccccc")       // not signed
	agree(eve, "dddddddddddd", "-S") // a stranger
	head := ann.git("rev-parse", "HEAD")

	keys, err := signed.Load([]byte(ann.public()+bob.public()), nil)
	if err != nil {
		t.Fatal(err)
	}
	src, err := git.New(git.Options{URL: work, Dir: t.TempDir(), AllowLocal: true, Signer: keys.Signer, Interval: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	rev, err := src.Next(t.Context(), "")
	if err != nil || rev.ID != head {
		t.Fatal(rev.ID, err)
	}
	words, err := src.Words(t.Context(), rev.ID)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, w := range words {
		got = append(got, w.By+" "+w.Digest+" "+w.Via)
		if w.When.IsZero() || !strings.HasSuffix(w.ID, "/"+w.Digest) {
			t.Errorf("%+v", w)
		}
	}
	slices.Sort(got)
	if want := []string{"ann aaaaaaaaaaaa commit", "bob bbbbbbbbbbbb commit"}; !slices.Equal(got, want) {
		t.Errorf("words %v, want %v", got, want)
	}
}
