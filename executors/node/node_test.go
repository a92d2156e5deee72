package node_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/executors/node"
	"github.com/pigsync/pigsync/resource"
)

// rootEnv makes the test binary a helper for that root.
const rootEnv = "PIGSYNC_TEST_ROOT"

// helperEnv makes a helper of the test binary. The race detector would let every process sleep for a
// second before it ends.
func helperEnv(dir string) []string { return []string{rootEnv + "=" + dir, "GORACE=atexit_sleep_ms=0"} }

func TestMain(m *testing.M) {
	if root := os.Getenv(rootEnv); root != "" {
		if err := help(root); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

type stdio struct {
	io.Reader
	io.WriteCloser
}

func help(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	l := &node.Local{Root: root}
	if dir == "/" {
		l.Systemd = &node.DBus{}
	}
	return node.Serve(context.Background(), stdio{os.Stdin, os.Stdout}, l, "digest")
}

// machine makes a root with what a node always has.
func machine(t testing.TB) string {
	dir := tempDir(t)
	for name, text := range map[string]string{
		"etc/passwd":                     "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n",
		"etc/group":                      "root:x:0:\ndaemon:x:1:\nstaff:x:50:\n",
		"etc/gshadow":                    "root:*::\ndaemon:*::\nstaff:*::\n",
		"etc/shadow":                     "root:*:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\n",
		"etc/os-release":                 "ID=debian\nVERSION_ID=\"13\"\nVERSION_CODENAME=trixie\n",
		"etc/hostname":                   "old\n",
		"proc/stat":                      "cpu  1\ncpu0 1\ncpu1 1\nintr 1\n",
		"proc/meminfo":                   "MemTotal:        2048000 kB\nMemFree: 1 kB\n",
		"proc/sys/kernel/hostname":       "old\n",
		"proc/sys/kernel/random/boot_id": "7f1a\n",
		"var/lib/dpkg/status":            "",
	} {
		write(t, filepath.Join(dir, name), text)
	}
	return dir
}

// tempDir is in memory where it can be, since every write of a file is synced.
func tempDir(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "pigsync-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, dir string) *os.Root {
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

func local(t testing.TB, dir string) *node.Local {
	return &node.Local{Root: open(t, dir), SetName: func(name string) error {
		return os.WriteFile(dir+"/proc/sys/kernel/hostname", []byte(name+"\n"), 0o644)
	}}
}

// piped serves l over a pipe and connects to it.
func piped(t testing.TB, l *node.Local, opts node.Options) *node.Remote {
	t.Helper()
	near, far := net.Pipe()
	var wg sync.WaitGroup
	wg.Go(func() { node.Serve(context.Background(), far, l, "digest") })
	r, err := node.Connect(t.Context(), near, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); wg.Wait() })
	return r
}

// process is a helper in a process of its own.
type process struct {
	io.Reader
	io.WriteCloser
	cmd    *exec.Cmd
	stderr bytes.Buffer
	once   sync.Once
}

func (p *process) Stderr() string { return p.stderr.String() }

func (p *process) Close() error {
	p.once.Do(func() {
		p.WriteCloser.Close()
		p.cmd.Wait()
	})
	return nil
}

func spawn(t testing.TB, dir string, change func(*exec.Cmd)) *process {
	t.Helper()
	p := &process{cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), helperEnv(dir)...)
	p.cmd.Stderr = &p.stderr
	var err error
	if p.WriteCloser, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if p.Reader, err = p.cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(p.cmd)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func connect(t testing.TB, rw io.ReadWriteCloser, opts node.Options) *node.Remote {
	t.Helper()
	r, err := node.Connect(t.Context(), rw, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// journal is a log that can be read while it is written.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.String()
}

func (j *journal) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func id(k resource.Kind, name string) resource.ID { return resource.ID{Kind: k, Name: name, At: "n"} }

// set makes want true from what is there.
func set(t testing.TB, e executors.Executor, id resource.ID, want resource.Spec) error {
	t.Helper()
	s := e.Observe(t.Context(), []resource.ID{id})[id]
	if s.Err != nil {
		t.Fatal(s.Err)
	}
	return e.Apply(t.Context(), change(id, want, s.Spec))
}

func change(id resource.ID, want, have resource.Spec) diff.Change {
	c := diff.Change{Action: diff.Update, Have: have}
	c.ID, c.Spec = id, want
	switch {
	case want == nil:
		c.Action = diff.Delete
	case have == nil:
		c.Action = diff.Create
	}
	return c
}

func see(t testing.TB, e executors.Executor, id resource.ID) resource.Spec {
	t.Helper()
	s := e.Observe(t.Context(), []resource.ID{id})[id]
	if s.Err != nil {
		t.Fatal(s.Err)
	}
	return s.Spec
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually asks until ok says yes, for a minute.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	end := time.After(time.Minute)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("never: " + what)
		}
	}
}

func fails(t *testing.T, err error, words string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("got %v, want words %q", err, words)
	}
}

var errBoom = errors.New("boom")
