package node_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/executors/node"
	"github.com/pigsync/pigsync/resource"
)

// noisy says something before the helper does.
type noisy struct {
	io.Reader
	io.WriteCloser
}

func TestABannerIsTolerated(t *testing.T) {
	p := spawn(t, machine(t), nil)
	r := connect(t, noisy{io.MultiReader(strings.NewReader("Welcome!\nLast login: today\n"), p), p}, node.Options{})
	if _, ok := see(t, r, id(resource.KindFacts, "node")).(resource.Facts); !ok || r.Digest() != "digest" || r.Boot() == "" {
		t.Errorf("digest %q, boot %q", r.Digest(), r.Boot())
	}
}

func TestNoGreeting(t *testing.T) {
	for said, want := range map[string]string{
		"This account is\x1b[31m not available.\n": "not available.", strings.Repeat("noise\n", 2000): "begins with something else", "": "EOF",
		"\x00pigsync node\n\xff\xff\xff\xff":                 "out of step",
		"\x00pigsync node\n\x00\x00\x00\x0c{\"Op\":\"log\"}": "out of step",
	} {
		near, far := net.Pipe()
		go func() { io.WriteString(far, said); far.Close() }()
		_, err := node.Connect(t.Context(), near, node.Options{})
		var hello *node.HelloError
		if !errors.As(err, &hello) || !strings.Contains(err.Error(), want) || strings.ContainsRune(err.Error(), 0x1b) || len(err.Error()) > 1000 {
			t.Errorf("%.30q: %v", said, err)
		}
	}
	body := `{"Op":"hello","Hello":{"Version":99,"Now":"2026-01-01T00:00:00Z"}}`
	near, far := net.Pipe()
	go fmt.Fprintf(far, "\x00pigsync node\n\x00\x00\x00%c%s", len(body), body)
	var version *node.VersionError
	if _, err := node.Connect(t.Context(), near, node.Options{}); !errors.As(err, &version) || version.Have != 99 {
		t.Errorf("got %v", err)
	}
}

func TestTheGreetingHasADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		_, err := node.Connect(t.Context(), near, node.Options{})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestStderrExplains(t *testing.T) {
	p := spawn(t, "/no/such/root", nil)
	_, err := node.Connect(t.Context(), p, node.Options{})
	fails(t, err, "no such file or directory")
}

func TestAWrongClockIsRefused(t *testing.T) {
	for _, tt := range []struct {
		off  time.Duration
		want string
	}{{(2*365 + 95) * 24 * time.Hour, "clock is 2y3mo ahead of the admin node"}, {-2 * time.Hour, "behind"}, {4 * time.Minute, ""}} {
		off := tt.off
		l := local(t, machine(t))
		l.Now = func() time.Time { return time.Now().Add(off) }
		r := piped(t, l, node.Options{})
		link := id(resource.KindLink, "/x")
		err := r.Apply(t.Context(), change(link, resource.Link{Target: "y"}, nil))
		s := r.Observe(t.Context(), []resource.ID{link})[link]
		if tt.want == "" {
			if err != nil || s.Err != nil || s.Spec == nil {
				t.Errorf("%s: %v, %+v", tt.off, err, s)
			}
			continue
		}
		var clock *node.ClockError
		if !errors.As(err, &clock) || !errors.As(s.Err, &clock) {
			t.Errorf("%s: %v, %v", tt.off, err, s.Err)
		}
		fails(t, err, tt.want)
		off = 0 // somebody sets the clock
		r.Observe(t.Context(), nil)
		if s := r.Observe(t.Context(), []resource.ID{link})[link]; s.Err != nil || s.Spec != nil {
			t.Errorf("%s: %+v", tt.off, s)
		}
	}
}

// gate is a Runner that blocks until it is opened.
type gate struct{ entered, open chan struct{} }

func (g gate) run(ctx context.Context, _ node.Command) ([]byte, error) {
	g.entered <- struct{}{}
	select {
	case <-g.open:
		return nil, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func slow() resource.File {
	f := resource.NewFile([]byte("slow"), 0o644, "", "")
	f.Validate = []string{"check", "{}"}
	return f
}

// A long change blocks no observation on the same stream.
func TestObserveDuringALongApply(t *testing.T) {
	g := gate{make(chan struct{}), make(chan struct{})}
	l := local(t, machine(t))
	l.Run = g.run
	r := piped(t, l, node.Options{})
	done := make(chan error)
	go func() { done <- r.Apply(t.Context(), change(id(resource.KindFile, "/slow"), slow(), nil)) }()
	<-g.entered
	for range 100 {
		if see(t, r, id(resource.KindFile, "/slow")) != nil {
			t.Fatal("it is there before it was accepted")
		}
	}
	close(g.open)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestApplyCanBeCancelled(t *testing.T) {
	g := gate{make(chan struct{}), make(chan struct{})}
	l := local(t, machine(t))
	l.Run = g.run
	r := piped(t, l, node.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- r.Apply(ctx, change(id(resource.KindFile, "/slow"), slow(), nil)) }()
	<-g.entered
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	// The helper has given up, too: the same change is not in its way.
	go func() { <-g.entered; close(g.open) }()
	if err := r.Apply(t.Context(), change(id(resource.KindFile, "/slow"), slow(), nil)); err != nil {
		t.Error(err)
	}
}

// A stream that is lost under a change leaves it done or not done; the next one finds out.
func TestAStreamLostUnderAChange(t *testing.T) {
	g := gate{make(chan struct{}), make(chan struct{})}
	l := local(t, machine(t))
	l.Run = g.run
	r := piped(t, l, node.Options{})
	done := make(chan error)
	go func() { done <- r.Apply(t.Context(), change(id(resource.KindFile, "/slow"), slow(), nil)) }()
	<-g.entered
	go r.Close()
	fails(t, <-done, "not known whether it was done")
	close(g.open)
	again := piped(t, l, node.Options{})
	for range 2 { // the change under way may win
		if err := set(t, again, id(resource.KindFile, "/slow"), resource.NewFile([]byte("new"), 0o644, "", "")); err != nil && !errors.Is(err, executors.ErrMoved) {
			t.Fatal(err)
		}
	}
	if f := see(t, again, id(resource.KindFile, "/slow")).(resource.File); string(f.Content) != "new" {
		t.Errorf("got %q", string(f.Content))
	}
}

// A helper that is killed while it writes leaves a temporary file, which the next change removes.
func TestAKilledHelper(t *testing.T) {
	dir := machine(t)
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	f := resource.NewFile([]byte("x"), 0o600, "", "")
	f.Validate = []string{"sh", "-c", `echo "$1" >"$0"; sleep 60`, fifo, "{}"}
	p := spawn(t, dir, func(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} })
	r := connect(t, p, node.Options{})
	done := make(chan error)
	go func() { done <- r.Apply(t.Context(), change(id(resource.KindFile, "/new"), f, nil)) }()
	temp, err := os.ReadFile(fifo)
	if err != nil {
		t.Fatal(err)
	}
	// A living writer's file is left alone.
	other := connect(t, spawn(t, dir, nil), node.Options{})
	plain := resource.NewFile([]byte("y"), 0o600, "", "")
	if err := set(t, other, id(resource.KindFile, "/new"), plain); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(strings.TrimSpace(string(temp))); err != nil {
		t.Errorf("the file of a living writer is gone: %v", err)
	}
	if err := syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	fails(t, <-done, "not known whether it was done")
	if err := set(t, other, id(resource.KindFile, "/new"), resource.NewFile([]byte("z"), 0o600, "", "")); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(dir + "/.pigsync-*"); left != nil {
		t.Errorf("left over: %v", left)
	}
}

// The helper's log is the controller's.
func TestLogTravels(t *testing.T) {
	var j journal
	l := local(t, machine(t))
	l.Systemd = newManager()
	r := piped(t, l, node.Options{Log: j.logger().With("node", "n")})
	if err := r.Apply(t.Context(), change(id(resource.KindUnit, "etcd"), resource.Unit{Active: true, Enabled: true}, nil)); err != nil {
		t.Fatal(err)
	}
	if got := j.String(); !strings.Contains(got, `msg="unit job" node=n id=unit:etcd@n verb=start`) {
		t.Errorf("got %s", got)
	}
}

func TestServeEndsWhenNobodyAsks(t *testing.T) {
	l := local(t, machine(t))
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		done := make(chan error, 1)
		start := time.Now()
		go func() { done <- node.Serve(t.Context(), far, l, "") }()
		r, err := node.Connect(t.Context(), near, node.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took < 9*time.Minute || took > 11*time.Minute {
			t.Errorf("after %s", took)
		}
		<-r.Dead()
	})
}

// fleet is a Fleet of nodes with roots of their own.
func fleet(t *testing.T, dirs map[string]string) *node.Fleet {
	f := &node.Fleet{Open: func(ctx context.Context, at string) (io.ReadWriteCloser, error) {
		dir, ok := dirs[at]
		if !ok {
			<-ctx.Done()
			return nil, fmt.Errorf("dial: %w", ctx.Err())
		}
		return spawn(t, dir, nil), nil
	}}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestADeadNodeHoldsUpNobody(t *testing.T) {
	t.Parallel()
	f := fleet(t, map[string]string{"a": machine(t), "b": machine(t)})
	f.Timeout = 5 * time.Second // the dead one takes all of it; a busy machine needs some to start a process
	here := local(t, machine(t))
	f.Here = func(at string) executors.Executor {
		if at == "here" {
			return here
		}
		return nil
	}
	var ids []resource.ID
	for _, at := range []string{"a", "dead", "b", "here"} {
		ids = append(ids, resource.FactsOf(at), resource.ID{Kind: resource.KindFile, Name: "/x", At: at})
	}
	f.Observe(t.Context(), ids[:1])
	seen := f.Observe(t.Context(), ids)
	for _, id := range ids {
		s := seen[id]
		if (s.Err != nil) != (id.At == "dead") {
			t.Errorf("%s: %v", id, s.Err)
		}
	}
	fails(t, seen[ids[2]].Err, "dead: dial: context deadline exceeded")
}

// Each node is asked in a goroutine of its own, where nobody else could catch a panic.
func TestFleetOutlivesAPanic(t *testing.T) {
	good := fleet(t, map[string]string{"a": machine(t)})
	f := &node.Fleet{Open: func(ctx context.Context, at string) (io.ReadWriteCloser, error) {
		if at == "b" {
			panic("opened")
		}
		return good.Open(ctx, at)
	}}
	defer f.Close()
	for range 2 { // it may be tried again
		seen := f.Observe(t.Context(), []resource.ID{resource.FactsOf("a"), resource.FactsOf("b")})
		if s := seen[resource.FactsOf("a")]; s.Err != nil {
			t.Error(s.Err)
		}
		fails(t, seen[resource.FactsOf("b")].Err, "the executor failed: opened")
	}
}

// A helper that has ended is started again, also when that shows only in the middle of a request.
func TestFleetOpensAgain(t *testing.T) {
	dir := machine(t)
	var mu sync.Mutex
	var opened []*process
	f := &node.Fleet{Open: func(context.Context, string) (io.ReadWriteCloser, error) {
		p := spawn(t, dir, nil)
		mu.Lock()
		defer mu.Unlock()
		opened = append(opened, p)
		return p, nil
	}}
	defer f.Close()
	for range 5 {
		see(t, f, id(resource.KindFile, "/x"))
		see(t, f, id(resource.KindFile, "/x"))
		mu.Lock()
		opened[len(opened)-1].cmd.Process.Kill()
		mu.Unlock()
	}
	if err := f.Apply(t.Context(), change(id(resource.KindLink, "/x"), resource.Link{Target: "y"}, nil)); err != nil && !strings.Contains(err.Error(), "not known") {
		t.Error(err)
	}
	if len(opened) < 5 || len(opened) > 6 {
		t.Errorf("%d helpers", len(opened))
	}
	f.Close()
	if s := f.Observe(t.Context(), []resource.ID{id(resource.KindFile, "/x")}); s[id(resource.KindFile, "/x")].Err == nil {
		t.Error("a closed fleet answers")
	}
}

// Errors keep their identity on the way.
func TestErrorsKeepTheirIdentity(t *testing.T) {
	dir := tempDir(t)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("cannot mount here: ", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	write(t, dir+"/etc/passwd", "root:x:0:0::/:/\n")
	write(t, dir+"/etc/group", "root:x:0:\n")
	r := piped(t, &node.Local{Root: open(t, dir)}, node.Options{})
	big := resource.NewFile(make([]byte, 200<<10), 0o644, "", "")
	err := set(t, r, id(resource.KindFile, "/big"), big)
	if !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v", err)
	}
	fails(t, err, "write /big: no space left on device")
	if left, _ := filepath.Glob(dir + "/.pigsync-*"); left != nil {
		t.Errorf("left over: %v", left)
	}
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	err = set(t, r, id(resource.KindFile, "/small"), resource.NewFile([]byte("x"), 0o644, "", ""))
	if !errors.Is(err, syscall.EROFS) {
		t.Errorf("got %v", err)
	}
}
