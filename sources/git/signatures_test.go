package git_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pigsync/pigsync/sources"
	"github.com/pigsync/pigsync/sources/git"
	"github.com/pigsync/pigsync/sources/signed"
)

// signedHistory is a repository that ann writes, and a source that wants her signature.
type signedHistory struct {
	author
	src *git.Source
}

func newSignedHistory(t *testing.T) *signedHistory {
	t.Helper()
	ann := newAuthor(t, t.TempDir(), "ann")
	ann.git("init", "-q", "-b", "main")
	keys, err := signed.Load([]byte(ann.public()), nil)
	if err != nil {
		t.Fatal(err)
	}
	src, err := git.New(git.Options{URL: ann.work, Dir: t.TempDir(), AllowLocal: true, Signer: keys.Signer, Signed: true, Interval: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return &signedHistory{ann, src}
}

// commit makes a commit of somebody, with the flags, and gives its hash.
func (h *signedHistory) commit(a author, subject string, flags ...string) string {
	h.t.Helper()
	if err := os.WriteFile(filepath.Join(h.work, subject), []byte(subject), 0o600); err != nil {
		h.t.Fatal(err)
	}
	a.git("add", "-A")
	a.git(append([]string{"commit", "-q", "-m", subject}, flags...)...)
	return a.git("rev-parse", "HEAD")
}

// wants asks for the newest revision: it is to be taken, or refused with these words.
func (h *signedHistory) wants(what, refusal string) {
	h.t.Helper()
	rev, err := h.src.Next(h.t.Context(), "")
	switch {
	case refusal == "" && (err != nil || rev.ID != h.git("rev-parse", "HEAD")):
		h.t.Errorf("%s: %.12s %v, want it to be taken", what, rev.ID, err)
	case refusal != "" && (!errors.Is(err, sources.ErrUnsigned) || !strings.Contains(err.Error(), refusal)):
		h.t.Errorf("%s: %v, want %q", what, err, refusal)
	}
}

// Where signatures are wanted, each commit since the last one that was taken has one of somebody who is known.
func TestEveryCommitIsSigned(t *testing.T) {
	h := newSignedHistory(t)
	eve := newAuthor(t, h.work, "eve")
	h.commit(h.author, "before signatures were wanted")
	h.wants("the newest is not signed", "is not signed")
	h.commit(h.author, "first", "-S")
	h.wants("the newest is signed", "")
	h.commit(h.author, "second", "-S")
	h.commit(h.author, "third", "-S")
	h.wants("all are signed", "")
	good := h.git("rev-parse", "HEAD")

	plain := h.commit(h.author, "plain")
	h.commit(h.author, "hides", "-S")
	h.wants("one below the newest is not signed", plain[:12])
	h.git("reset", "-q", "--hard", good)
	strange := h.commit(eve, "strange", "-S")
	h.wants("of a stranger", strange[:12])
	h.git("reset", "-q", "--hard", good)
	h.wants("taken back", "")
}

// A merge brings commits of a branch that began before the last revision: those of the branch are asked for, and what
// is older than both, when nobody signed, is not.
func TestSignaturesOfAMerge(t *testing.T) {
	h := newSignedHistory(t)
	for _, name := range []string{"a", "b", "c"} {
		h.commit(h.author, name)
	}
	base := h.git("rev-parse", "HEAD")
	for i := range 20 {
		h.commit(h.author, "main"+string(rune('a'+i)), "-S")
	}
	h.wants("main", "")
	branch := func(name string, flags ...string) {
		h.git("checkout", "-q", "-b", name, base)
		h.commit(h.author, name, flags...)
		h.commit(h.author, name+"2", "-S")
		h.git("checkout", "-q", "main")
		h.git("merge", "-q", "--no-ff", "-S", "-m", "merge", name)
	}
	branch("signed", "-S")
	h.wants("a branch of signed commits", "")
	good := h.git("rev-parse", "HEAD")
	branch("plain")
	h.wants("a branch with a commit that is not", "is not signed")
	h.git("reset", "-q", "--hard", good)
	h.git("merge", "-q", "--no-ff", "-m", "merge", h.git("commit-tree", "-S", "-m", "x", "-p", good, "HEAD^{tree}"))
	h.wants("the merge itself is not", "is not signed")
}

func TestSignaturesWantSigners(t *testing.T) {
	if _, err := git.New(git.Options{URL: t.TempDir(), Dir: t.TempDir(), AllowLocal: true, Signed: true}); err == nil || !strings.Contains(err.Error(), "nobody's signature") {
		t.Errorf("got %v", err)
	}
}
