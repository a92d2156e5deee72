package node_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pigsync/pigsync/executors/node"
	"github.com/pigsync/pigsync/resource"
)

var sshd = id(resource.KindGuarded, "/etc/sshd.conf")

// guardhouse is a machine with a guarded file and the commands that were run.
type guardhouse struct {
	*testing.T
	dir string
	l   *node.Local
	mu  sync.Mutex // guards what follows
	ran []string
	bad string // the command that fails
	now time.Time
}

func newGuardhouse(t *testing.T) *guardhouse {
	g := &guardhouse{T: t, dir: machine(t), now: time.Now()}
	if err := os.MkdirAll(g.dir+"/etc/systemd/system", 0o755); err != nil {
		t.Fatal(err)
	}
	g.l = local(t, g.dir)
	g.l.Self = "/opt/pig$ync 100%"
	g.l.Run = g.run
	g.l.Now = func() time.Time { g.mu.Lock(); defer g.mu.Unlock(); return g.now }
	return g
}

func (g *guardhouse) run(_ context.Context, c node.Command) ([]byte, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	words := strings.Join(c.Argv, " ")
	g.ran = append(g.ran, words)
	if g.bad != "" && strings.HasPrefix(words, g.bad) {
		return []byte("no luck"), errBoom
	}
	return nil, nil
}

// told gives the commands that were run since it was asked last.
func (g *guardhouse) told() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	words := strings.Join(g.ran, "; ")
	g.ran = nil
	return words
}

func (g *guardhouse) later(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now = g.now.Add(d)
}

// timers are the undo units that are there.
func (g *guardhouse) timers() int {
	found, err := filepath.Glob(g.dir + "/etc/systemd/system/pigsync-undo-*")
	if err != nil {
		g.Fatal(err)
	}
	return len(found)
}

func (g *guardhouse) holds(content string) {
	g.Helper()
	b, err := os.ReadFile(g.dir + "/etc/sshd.conf")
	if got := string(b); got != content || err != nil && content != "" {
		g.Errorf("the file holds %q (%v), not %q", got, err, content)
	}
}

func guarded(content string) resource.Guarded {
	w := resource.NewGuarded([]byte(content), 0o600, "", "")
	w.Validate, w.Activate, w.Deactivate = []string{"sshd", "-t", "-f", "{}"}, []string{"reload"}, []string{"reload", "without"}
	return w
}

// Whoever is near confirms at once.
func TestGuardedNearby(t *testing.T) {
	g := newGuardhouse(t)
	if err := set(t, g.l, sshd, guarded("a")); err != nil {
		t.Fatal(err)
	}
	if got := g.told(); !strings.Contains(got, "enable --now pigsync-undo-") || !strings.Contains(got, "; sshd -t -f ") ||
		!strings.Contains(got, "; reload; systemctl disable --now pigsync-undo-") {
		t.Errorf("ran %s", got)
	}
	if got := see(t, g.l, sshd).(resource.Guarded); !got.Confirmed {
		t.Errorf("got %+v", got)
	}
	if err := set(t, g.l, sshd, nil); err != nil {
		t.Fatal(err)
	}
	if got := g.told(); !strings.Contains(got, "; reload without; ") {
		t.Errorf("ran %s", got)
	}
	if got := see(t, g.l, sshd); got != nil || g.timers() != 0 {
		t.Errorf("got %v, %d timers", got, g.timers())
	}
}

// What nobody confirms is taken back: content, mode, and what runs.
func TestGuardedUndo(t *testing.T) {
	g := newGuardhouse(t)
	write(t, g.dir+"/etc/sshd.conf", "old")
	if err := os.Chmod(g.dir+"/etc/sshd.conf", 0o640); err != nil {
		t.Fatal(err)
	}
	far := piped(t, g.l, node.Options{})
	have := see(t, g.l, sshd)
	if have.(resource.Guarded).Confirmed {
		t.Error("what nobody confirmed is confirmed")
	}
	if err := far.Apply(t.Context(), change(sshd, guarded("new"), have)); err != nil {
		t.Fatal(err)
	}
	g.holds("new")
	fails(t, g.l.Observe(t.Context(), []resource.ID{sshd})[sshd].Err, "waits to be confirmed")
	service, err := filepath.Glob(g.dir + "/etc/systemd/system/pigsync-undo-*.service")
	if err != nil || len(service) != 1 || !strings.Contains(text(t, service[0]), `ExecStart="/opt/pig$$ync 100%%" node undo "/etc/sshd.conf"`+"\n") {
		t.Errorf("%v %v", service, err)
	}
	g.told()
	if err := g.l.Undo(t.Context(), "/etc/sshd.conf"); err != nil {
		t.Fatal(err)
	}
	g.holds("old")
	if got := see(t, g.l, sshd); fmt.Sprint(got) != fmt.Sprint(have) || g.timers() != 0 {
		t.Errorf("got %+v, was %+v, %d timers", got, have, g.timers())
	}
	if got := g.told(); !strings.HasPrefix(got, "reload; systemctl disable --now") {
		t.Errorf("ran %s", got)
	}
	fails(t, far.Confirm(t.Context(), sshd), "too late, it has undone itself")
	if err := g.l.Undo(t.Context(), "/etc/sshd.conf"); err != nil || g.told() != "" {
		t.Errorf("a second undo: %v", err)
	}
	// A file that was not there goes again.
	other := id(resource.KindGuarded, "/etc/new.conf")
	if err := far.Apply(t.Context(), change(other, guarded("x"), nil)); err != nil {
		t.Fatal(err)
	}
	if err := g.l.Undo(t.Context(), "/etc/new.conf"); err != nil {
		t.Fatal(err)
	}
	if got := see(t, g.l, other); got != nil {
		t.Errorf("got %v", got)
	}
}

// Each part that fails leaves the node as it was.
func TestGuardedFails(t *testing.T) {
	for bad, says := range map[string]string{
		"systemctl daemon-reload": "no timer, no change", "systemctl enable": "no timer, no change",
		"sshd": "refused by sshd: boom: no luck", "reload": "reload: boom: no luck",
	} {
		g := newGuardhouse(t)
		write(t, g.dir+"/etc/sshd.conf", "old")
		far := piped(t, g.l, node.Options{})
		have := see(t, g.l, sshd)
		g.bad = bad
		err := far.Apply(t.Context(), change(sshd, guarded("new"), have))
		fails(t, err, says)
		g.holds("old")
		g.bad = ""
		if err := g.l.Undo(t.Context(), "/etc/sshd.conf"); err != nil { // the timer, where it could not be stopped
			t.Error(err)
		}
		if got := see(t, g.l, sshd); fmt.Sprint(got) != fmt.Sprint(have) || g.timers() != 0 {
			t.Errorf("%s: got %+v, %d timers", bad, got, g.timers())
		}
	}
	g := newGuardhouse(t)
	g.l.Self = ""
	fails(t, set(t, g.l, sshd, guarded("new")), "does not know its own path")
	g.holds("")
}

// A timer that is lost leaves a change that nobody confirmed: it is tried again.
func TestGuardedOverdue(t *testing.T) {
	g := newGuardhouse(t)
	far := piped(t, g.l, node.Options{})
	if err := far.Apply(t.Context(), change(sshd, guarded("new"), nil)); err != nil {
		t.Fatal(err)
	}
	g.later(time.Minute + time.Second)
	got := see(t, g.l, sshd).(resource.Guarded)
	if d := guarded("new").Compare(got); len(d) != 1 || d[0].Path != "confirmed" {
		t.Errorf("differs in %v", d)
	}
	if err := set(t, g.l, sshd, guarded("new")); err != nil {
		t.Fatal(err)
	}
	if got := see(t, g.l, sshd).(resource.Guarded); !got.Confirmed {
		t.Errorf("got %+v", got)
	}
}

// The fleet confirms over a connection of its own; where none can be made, the change is left to its
// timer.
func TestGuardedFromAfar(t *testing.T) {
	g := newGuardhouse(t)
	locked := errors.New("connection refused")
	var refuse error
	fresh := 0
	dial := func() (io.ReadWriteCloser, error) {
		near, far := net.Pipe()
		go node.Serve(context.Background(), far, g.l, "digest")
		return near, nil
	}
	f := &node.Fleet{
		Open: func(context.Context, string) (io.ReadWriteCloser, error) { return dial() },
		Fresh: func(context.Context, string) (io.ReadWriteCloser, error) {
			fresh++
			if refuse != nil {
				return nil, refuse
			}
			return dial()
		},
	}
	t.Cleanup(func() { f.Close() })
	if err := set(t, f, sshd, guarded("a")); err != nil {
		t.Fatal(err)
	}
	if got := see(t, f, sshd).(resource.Guarded); !got.Confirmed || fresh != 1 {
		t.Errorf("got %+v over %d new connections", got, fresh)
	}
	refuse = locked
	err := set(t, f, sshd, guarded("b"))
	fails(t, err, "no new connection could be made, so it undoes itself: connection refused")
	if !errors.Is(err, locked) {
		t.Errorf("got %v", err)
	}
	g.holds("b")
	if err := g.l.Undo(t.Context(), "/etc/sshd.conf"); err != nil {
		t.Fatal(err)
	}
	g.holds("a")
	if got := see(t, f, sshd).(resource.Guarded); !got.Confirmed {
		t.Errorf("what was confirmed once is not any more: %+v", got)
	}
}
