package git_test

import (
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/pigsync/pigsync/sources/git"
)

// A repository as git itself leaves it: with a work tree, packed refs, packs full of deltas.
func TestRepositoryOfTheGitProgram(t *testing.T) {
	gitProgram(t, "git")
	dir := t.TempDir()
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=Ann", "-c", "user.email=a@example.org"}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	run("init", "-q", "-b", "main")
	lines := strings.Repeat("# a line that stays\n", 2000)
	var first string
	for i := range 15 {
		writeFile(t, filepath.Join(dir, "pigsty.yml"), lines+strconv.Itoa(i))
		run("add", "pigsty.yml")
		run("commit", "-q", "-m", "change "+strconv.Itoa(i))
		if i == 0 {
			first = run("rev-parse", "HEAD")
		}
	}
	run("tag", "-a", "-m", "v1", "v1")
	run("gc", "-q")
	run("commit", "-q", "--allow-empty", "-m", "loose on top")

	o := git.Options{URL: dir, Dir: filepath.Join(t.TempDir(), "state"), AllowLocal: true}
	s := open(t, o)
	rev := next(t, s, "", plumbing.NewHash(run("rev-parse", "HEAD")), lines+"14")
	if rev.Subject != "loose on top" || rev.Author != "Ann <a@example.org>" {
		t.Errorf("revision %+v", rev)
	}
	past, err := s.At(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := fs.ReadFile(past.Tree, "pigsty.yml"); err != nil || string(data) != lines+"0" {
		t.Errorf("first revision: %d bytes, %v", len(data), err)
	}
	o.Ref, o.Dir = "v1", filepath.Join(t.TempDir(), "other")
	next(t, open(t, o), "", plumbing.NewHash(run("rev-parse", "v1^{commit}")), lines+"14")

	linked := filepath.Join(t.TempDir(), "linked")
	run("worktree", "add", "-q", "--detach", linked)
	o.URL = linked
	if _, err := open(t, o).Next(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "linked work tree") {
		t.Errorf("a linked work tree: %v", err)
	}
}

func TestAgentMayHoldTheKey(t *testing.T) {
	r := newRepo(t)
	h := r.push(files{"pigsty.yml": "1"})
	o := serveSSH(t, r)
	pem, err := os.ReadFile(o.KeyFile)
	r.must(err)
	key, err := ssh.ParseRawPrivateKey(pem)
	r.must(err)
	ring := agent.NewKeyring()
	r.must(ring.Add(agent.AddedKey{PrivateKey: key}))
	socket := filepath.Join(t.TempDir(), "agent")
	l, err := net.Listen("unix", socket)
	r.must(err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(ring, conn) }()
		}
	}()
	o.KeyFile, o.Agent = "", true
	t.Setenv("SSH_AUTH_SOCK", "")
	s := open(t, o)
	if _, err := s.Next(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "no ssh agent answers") {
		t.Errorf("without an agent: %v", err)
	}
	t.Setenv("SSH_AUTH_SOCK", socket)
	next(t, s, "", h, "1")
}

// large is a repository like that of a fleet: 500 commits to one file of 200 KiB among 50.
func large(b *testing.B) (*repo, plumbing.Hash) {
	r := newRepo(b)
	group := files{}
	for i := range 50 {
		group[strconv.Itoa(i)] = "file " + strconv.Itoa(i)
	}
	lines := strings.Repeat("some: yaml, with a line of usual length\n", 5000)
	var h plumbing.Hash
	var parents []plumbing.Hash
	for i := range 500 {
		h = r.push(files{"pigsty.yml": lines + strconv.Itoa(i), "files": group}, parents...)
		parents = []plumbing.Hash{h}
	}
	return r, h
}

func BenchmarkFirstFetch(b *testing.B) {
	r, _ := large(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := open(b, r.local()).Next(b.Context(), ""); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOneMoreCommit(b *testing.B) {
	r, h := large(b)
	s := open(b, r.local())
	if _, err := s.Next(b.Context(), ""); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		h = r.push(files{"pigsty.yml": time.Now().String()}, h)
		if _, err := s.Next(b.Context(), ""); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAt(b *testing.B) {
	r, h := large(b)
	s := open(b, r.local())
	if _, err := s.Next(b.Context(), ""); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		rev, err := s.At(b.Context(), h.String())
		if err != nil {
			b.Fatal(err)
		}
		if _, err := fs.ReadFile(rev.Tree, "pigsty.yml"); err != nil {
			b.Fatal(err)
		}
	}
}
