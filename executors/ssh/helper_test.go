package ssh

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pigsync/pigsync/executors/ssh/sshtest"
)

// fakeHelper is a program that says ready and repeats its input. Ballast makes it long, and
// hard to compress.
func fakeHelper(t *testing.T, ballast int) (path, sum string) {
	t.Helper()
	noise := make([]byte, ballast/2)
	rnd := rand.NewChaCha8([32]byte{1})
	_, _ = rnd.Read(noise) // never fails
	text := "#!/bin/sh\n[ \"$1\" = node ] || exit 2\necho ready\nexec cat\n: " + hex.EncodeToString(noise) + "\n"
	sha := sha256.Sum256([]byte(text))
	return writeFile(t, text), hex.EncodeToString(sha[:])
}

// yard is a server whose node keeps helpers in a directory of the test.
type yard struct {
	srv  *sshtest.Server
	c    *Client
	home string
	sum  string
}

// newYard serves with the given programs before those of the machine, and exec around the shell.
func newYard(t *testing.T, ballast int, wrap func(context.Context, *sshtest.Exec, func(context.Context, *sshtest.Exec) int) int, dirs ...string) *yard {
	t.Helper()
	shell := sshtest.Shell(append([]string{sshtest.Script(t, "sudo", sshtest.Sudo)}, dirs...)...)
	if wrap == nil {
		wrap = func(ctx context.Context, e *sshtest.Exec, run func(context.Context, *sshtest.Exec) int) int {
			return run(ctx, e)
		}
	}
	y := &yard{home: filepath.Join(t.TempDir(), "pigsync")}
	y.srv = sshtest.Serve(t, sshtest.Options{Exec: func(ctx context.Context, e *sshtest.Exec) int { return wrap(ctx, e, shell) }})
	path, sum := fakeHelper(t, ballast)
	y.sum = sum
	p := newPool(t, Config{KnownHosts: []string{y.srv.KnownHosts}, HelperPath: onlyHere(path)})
	p.home = y.home
	c, err := p.Client(soon(t), target(y.srv))
	if err != nil {
		t.Fatal(err)
	}
	y.c = c
	return y
}

func onlyHere(path string) func(string, string) (string, error) {
	return func(goos, goarch string) (string, error) {
		if goos != "linux" || goarch != runtime.GOARCH {
			return "", os.ErrNotExist
		}
		return path, nil
	}
}

func (y *yard) bin() string { return filepath.Join(y.home, "bin") }

// files lists the directory of helpers.
func (y *yard) files(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(y.bin())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// start starts the helper and has it repeat a word.
func (y *yard) start(t *testing.T) {
	t.Helper()
	s, err := y.c.Helper(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	talk(t, s)
}

func talk(t *testing.T, s Stream) {
	t.Helper()
	if _, err := io.WriteString(s, "word"); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len("ready\nword"))
	if _, err := io.ReadFull(s, got); err != nil || string(got) != "ready\nword" {
		t.Fatalf("%q, %v", got, err)
	}
}

func isReceive(cmd string) bool { return strings.Contains(cmd, "sha256sum") }

func TestHelperIsBroughtOnce(t *testing.T) {
	y := newYard(t, 1<<20, nil)
	y.start(t)
	first := y.srv.Commands()
	if len(first) != 5 { // try, ask, look, bring, start
		t.Errorf("%d commands to bring it:\n%s", len(first), strings.Join(first, "\n"))
	}
	y.start(t)
	quiet := y.srv.Commands()[len(first):]
	if len(quiet) != 1 || quiet[0] != "sudo -n "+y.bin()+"/"+y.sum+" node" {
		t.Errorf("a quiet start: %q", quiet)
	}
	if got := y.files(t); len(got) != 1 || got[0] != y.sum {
		t.Errorf("left %v", got)
	}
	for _, dir := range []string{y.home, y.bin(), filepath.Join(y.bin(), y.sum)} {
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("%s: %v, %v", dir, info.Mode(), err)
		}
	}
}

func TestHelperForManyAtOnce(t *testing.T) {
	y := newYard(t, 1<<10, nil)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			s, err := y.c.Helper(soon(t))
			if err != nil {
				t.Error(err)
				return
			}
			_ = s.Close()
		})
	}
	wg.Wait()
	n := 0
	for _, cmd := range y.srv.Commands() {
		if isReceive(cmd) {
			n++
		}
	}
	if n != 1 {
		t.Errorf("brought %d times", n)
	}
}

func TestRootNeedsNoSudo(t *testing.T) {
	y := newYard(t, 0, nil, sshtest.Script(t, "sudo", sshtest.SudoAsks))
	to := target(y.srv)
	to.User = "root"
	c, err := y.c.pool.Client(soon(t), to)
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Helper(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	talk(t, s)
	_ = s.Close()
	for _, cmd := range y.srv.Commands() {
		if strings.Contains(cmd, "sudo") {
			t.Errorf("%q", cmd)
		}
	}
}

func TestWithoutGzip(t *testing.T) {
	y := newYard(t, 1<<20, func(ctx context.Context, e *sshtest.Exec, run func(context.Context, *sshtest.Exec) int) int {
		e.Command = strings.Replace(e.Command, "command -v gzip", "command -v no-gzip-here", 1)
		return run(ctx, e)
	})
	y.start(t)
}

func TestOldHelpersGo(t *testing.T) {
	y := newYard(t, 0, nil)
	if err := os.MkdirAll(y.bin(), 0o755); err != nil {
		t.Fatal(err)
	}
	old := func(name string, age time.Duration) string {
		path := filepath.Join(y.bin(), name)
		if err := os.WriteFile(path, nil, 0o755); err != nil {
			t.Fatal(err)
		}
		when := time.Now().Add(-age)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
		return path
	}
	previous := old(strings.Repeat("a", 64), time.Hour)
	older, oldest := old(strings.Repeat("b", 64), 2*time.Hour), old(strings.Repeat("c", 64), 3*time.Hour)
	stale, fresh := old("."+y.sum+".1.part", 2*time.Hour), old("."+y.sum+".2.part", time.Minute)
	foreign := old("README", 9*time.Hour)
	y.start(t)
	for path, want := range map[string]bool{previous: true, older: false, oldest: false, stale: false, fresh: true, foreign: true} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s: kept %t, want %t", filepath.Base(path), err == nil, want)
		}
	}
}

func TestHelperTroubles(t *testing.T) {
	tests := []struct {
		name        string
		prog, text  string // a program of the node that is different
		kind        error
		words, hint string
	}{
		{"sudo asks", "sudo", sshtest.SudoAsks, ErrSudo, "a password is required", "NOPASSWD"},
		{"no sudo", "sudo", "exit 127\n", ErrSudo, "", "install sudo"},
		{"unknown architecture", "uname", "echo Linux riscv64\n", ErrNoHelper, "linux/riscv64", "linux/riscv64"},
		{"another system", "uname", "echo Darwin arm64\n", ErrNoHelper, "darwin/arm64", ""},
		{"odd uname", "uname", "echo what\n", ErrNoHelper, "what", ""},
		{"disk full", "df", "echo Filesystem; echo /dev/x 100 99 1000 99% /\n", ErrNoSpace, "", "MiB"},
		{"altered on the way", "sha256sum", "cat >/dev/null; echo 0 -\n", ErrDigest, "", "again"},
		{"write error", "gzip", "echo no >&2; exit 1\n", ErrDigest, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			y := newYard(t, 1<<20, nil, sshtest.Script(t, tt.prog, tt.text))
			_, err := y.c.Helper(soon(t))
			mustHint(t, mustBe(t, err, tt.kind, tt.words), tt.hint)
			if got := y.files(t); len(got) != 0 {
				t.Errorf("left %v", got)
			}
			if !y.c.lives() {
				t.Error("the connection went with it")
			}
		})
	}
}

// The disk fills while the helper arrives: df says there is room at first.
func TestDiskFullInTheMiddle(t *testing.T) {
	counter := filepath.Join(t.TempDir(), "asked")
	df := fmt.Sprintf("echo head; if [ -e %s ]; then echo d 9 9 0 9 /; else >%s; echo d 9 9 99999999 9 /; fi\n", counter, counter)
	y := newYard(t, 1<<10, nil, sshtest.Script(t, "df", df), sshtest.Script(t, "gzip", "exit 1\n"))
	_, err := y.c.Helper(soon(t))
	mustBe(t, err, ErrNoSpace)
}

func TestOddDirectory(t *testing.T) {
	y := newYard(t, 0, nil)
	if err := os.MkdirAll(y.home, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(t.TempDir(), y.bin()); err != nil {
		t.Fatal(err)
	}
	_, err := y.c.Helper(soon(t))
	mustBe(t, err, errNotOurs)
}

// mount puts an empty file system at the yard's home.
func mount(t *testing.T, y *yard, flags uintptr) {
	t.Helper()
	if err := os.MkdirAll(y.home, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", y.home, "tmpfs", flags, "size=64m"); err != nil {
		t.Skipf("needs to mount: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(y.home, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

func TestReadOnlyAndNoExec(t *testing.T) {
	for flags, kind := range map[uintptr]error{syscall.MS_RDONLY: ErrReadOnly, syscall.MS_NOEXEC: ErrNoExec} {
		y := newYard(t, 1<<10, nil)
		mount(t, y, flags)
		_, err := y.c.Helper(soon(t))
		if e := mustBe(t, err, kind); e.Hint() == "" {
			t.Error("no hint")
		}
		if got := y.files(t); len(got) != 0 {
			t.Errorf("left %v", got)
		}
	}
}

// cutting drops all connections once so much has been received.
type cutting struct {
	io.Reader
	left int
	cut  func()
}

func (c *cutting) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if c.left -= n; c.left < 0 && c.cut != nil {
		c.cut()
		c.cut = nil
	}
	return n, err
}

func TestCutInTheMiddleOfBringing(t *testing.T) {
	var once sync.Once
	var y *yard
	left := make(chan []string, 1)
	y = newYard(t, 1<<20, func(ctx context.Context, e *sshtest.Exec, run func(context.Context, *sshtest.Exec) int) int {
		if !isReceive(e.Command) {
			return run(ctx, e)
		}
		mine := false
		once.Do(func() { mine = true })
		if !mine {
			return run(ctx, e)
		}
		e.Stdin = &cutting{e.Stdin, 256 << 10, y.srv.Drop}
		status := run(context.WithoutCancel(ctx), e) // sshd does not kill; the end of stdin does it
		left <- y.files(t)
		return status
	})
	_, err := y.c.Helper(soon(t))
	mustBe(t, err, ErrUnreachable)
	// All of it may have been on the way already; then it is there, whole.
	if files := <-left; len(files) != 0 && !slices.Equal(files, []string{y.sum}) {
		t.Errorf("left %v", files)
	}
	again, err := y.c.pool.Client(soon(t), target(y.srv))
	if err != nil {
		t.Fatal(err)
	}
	y.c = again
	y.start(t)
}

// A power cut leaves a part behind, under a name that nobody runs; the next bringing works.
func TestKilledInTheMiddleOfBringing(t *testing.T) {
	home := filepath.Join(t.TempDir(), "pigsync")
	cmd := exec.Command("/bin/sh", "-c", receive, "pigsync", home, strings.Repeat("0", 64), "100", "plain")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(stdin, "half"); err != nil {
		t.Fatal(err)
	}
	y := newYard(t, 1<<10, nil)
	y.home = home
	y.c.pool.home = home
	part := func() bool {
		files := y.files(t)
		return len(files) == 1 && strings.HasSuffix(files[0], ".part")
	}
	eventually(t, "a part appears", part)
	_ = syscall.Kill(cmd.Process.Pid, syscall.SIGKILL)
	_ = stdin.Close()
	_ = cmd.Wait()
	if !part() {
		t.Errorf("after the kill: %v", y.files(t))
	}
	y.start(t)
}

func TestHelperThatDoesNotStart(t *testing.T) {
	for text, check := range map[string]func(error) bool{
		"echo broken >&2; exit 3\n": func(err error) bool {
			var exit *ExitError
			return errors.As(err, &exit) && exit.Status == 3 && strings.Contains(exit.Stderr, "broken")
		},
		"exit 0\n": func(err error) bool { return errors.Is(err, errNoWords) },
	} {
		y := newYard(t, 0, nil)
		y.c.pool.cfg.HelperPath = onlyHere(writeFile(t, "#!/bin/sh\n"+text))
		if _, err := y.c.Helper(soon(t)); !check(err) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestHelperIsCancelled(t *testing.T) {
	y := newYard(t, 0, func(ctx context.Context, _ *sshtest.Exec, _ func(context.Context, *sshtest.Exec) int) int {
		<-ctx.Done() // says nothing
		return 0
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := y.c.Helper(ctx)
	mustBe(t, err, ErrUnreachable, "start the helper")
}

func TestReplacedBinaryIsSeen(t *testing.T) {
	var b binaries
	path := writeFile(t, "one")
	first, err := b.get(path)
	if err != nil || first.size != 3 || len(first.sum) != 64 {
		t.Fatalf("%+v, %v", first, err)
	}
	if err := os.WriteFile(path, []byte("three"), 0o600); err != nil {
		t.Fatal(err)
	}
	second, err := b.get(path)
	if err != nil || second.sum == first.sum || second.size != 5 {
		t.Errorf("%+v, %v", second, err)
	}
	if _, err := b.get(t.TempDir()); err == nil {
		t.Error("a directory is no helper")
	}
}

func TestParseUname(t *testing.T) {
	for in, want := range map[string]string{
		"Linux x86_64\n":               "linux/amd64",
		"Welcome!\nLinux aarch64\n":    "linux/arm64",
		"Linux riscv64":                "linux/riscv64",
		"Linux armv7l\n":               "linux/arm",
		"Linux i686\n":                 "linux/386",
		"Linux loongarch64\n":          "linux/loong64",
		"":                             "",
		"sh: uname: not found here\n":  "",
		"Linux\n":                      "",
		"Linux x86_64\nLinux\n":        "",
		"Li\x1bnux x86_64\n":           "",
		"Linux ../../../etc/shadow \n": "",
	} {
		p, ok := parseUname(in)
		if ok != (want != "") || ok && p.String() != want {
			t.Errorf("%q: %v, %t", in, p, ok)
		}
	}
}

func TestReceiveCanBeQuoted(t *testing.T) {
	if strings.Contains(receive, "'") {
		t.Error("a single quote ends the argument of sh -c")
	}
}

func BenchmarkQuietStart(b *testing.B) {
	srv := sshtest.Serve(b, sshtest.Options{Exec: func(_ context.Context, e *sshtest.Exec) int {
		_, _ = io.WriteString(e.Stdout, "ready")
		_, _ = io.Copy(io.Discard, e.Stdin)
		return 0
	}})
	path := filepath.Join(b.TempDir(), "helper")
	if err := os.WriteFile(path, make([]byte, 20<<20), 0o755); err != nil {
		b.Fatal(err)
	}
	p := NewPool(Config{KnownHosts: []string{srv.KnownHosts}, HelperPath: func(string, string) (string, error) { return path, nil }})
	defer p.Close()
	for b.Loop() {
		c, err := p.Client(b.Context(), target(srv))
		if err != nil {
			b.Fatal(err)
		}
		s, err := c.Helper(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		_ = s.Close()
	}
}
