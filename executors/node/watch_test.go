package node_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/executors/node"
	"github.com/pigsync/pigsync/resource"
)

// guard is a fleet of one machine, what of it stirred, and a way to cut it off.
type guard struct {
	testing.TB
	*node.Fleet
	dir   string
	stirs chan executors.Stir

	mu  sync.Mutex // guards far
	far net.Conn
}

func watched(t testing.TB, dir string, manager node.Systemd) *guard {
	g := &guard{TB: t, dir: dir, stirs: make(chan executors.Stir, 1000)}
	g.Fleet = &node.Fleet{Open: func(context.Context, string) (io.ReadWriteCloser, error) {
		near, far := net.Pipe()
		l := local(t, dir)
		l.Systemd = manager
		go node.Serve(context.WithoutCancel(t.Context()), far, l, "digest") // ends with the pipe
		g.mu.Lock()
		defer g.mu.Unlock()
		g.far = far
		return near, nil
	}}
	t.Cleanup(func() { g.Close() })
	return g
}

// watch looks at ids, watches them, and waits until that is so.
func (g *guard) watch(ids ...resource.ID) {
	g.Helper()
	g.Observe(g.Context(), ids)
	g.Watch(ids, func(s executors.Stir) { g.stirs <- s })
	if s := g.next(); s.IDs != nil {
		g.Fatalf("the watch began with %v, want a reason to look at everything", s.IDs)
	}
	if w := g.Watches(); len(w) != 1 || w[0].Err != nil {
		g.Fatalf("the watches are %+v", w)
	}
}

func (g *guard) next() executors.Stir {
	g.Helper()
	select {
	case s := <-g.stirs:
		return s
	case <-time.After(10 * time.Second):
		g.Fatal("nothing stirs")
	}
	return executors.Stir{}
}

// stirsAll waits until each of the ids has stirred.
func (g *guard) stirsAll(ids ...resource.ID) {
	g.Helper()
	missing := slices.Clone(ids)
	for len(missing) > 0 {
		s := g.next()
		if s.IDs == nil {
			return
		}
		missing = slices.DeleteFunc(missing, func(id resource.ID) bool { return slices.Contains(s.IDs, id) })
	}
}

// rest waits until nothing has stirred for a while.
func (g *guard) rest() (heard int) {
	for {
		select {
		case <-g.stirs:
			heard++
		case <-time.After(300 * time.Millisecond):
			return heard
		}
	}
}

func (g *guard) write(name, text string) { write(g, filepath.Join(g.dir, name), text) }

func fileAt(name string) resource.ID {
	return resource.ID{Kind: resource.KindFile, Name: name, At: "node-1"}
}

func TestWatchedFilesStir(t *testing.T) {
	t.Parallel()
	g := watched(t, machine(t), nil)
	g.write("etc/app/a.conf", "a")
	a, deep, lines := fileAt("/etc/app/a.conf"), fileAt("/srv/not/yet/there.conf"), resource.ID{Kind: resource.KindLines, Name: "/etc/hosts#etcd", At: "node-1"}
	user := resource.ID{Kind: resource.KindUser, Name: "etcd", At: "node-1"}
	must(t, os.MkdirAll(filepath.Join(g.dir, "srv"), 0o755))
	g.watch(a, deep, lines, user)
	path := filepath.Join(g.dir, "etc/app/a.conf")
	for name, harm := range map[string]func() error{
		"written to": func() error { return os.WriteFile(path, []byte("b"), 0o644) },
		"replaced": func() error {
			return errors.Join(os.WriteFile(path+".new", []byte("c"), 0o644), os.Rename(path+".new", path))
		},
		"mode":    func() error { return os.Chmod(path, 0o600) },
		"removed": func() error { return os.Remove(path) },
		"made":    func() error { return os.WriteFile(path, []byte("d"), 0o644) },
	} {
		must(t, harm())
		if s := g.next(); !slices.Equal(s.IDs, []resource.ID{a}) || s.At != "node-1" {
			t.Errorf("%s: %+v stirred, want %s", name, s, a)
		}
		g.rest()
	}
	g.write("etc/hosts", "x")
	g.stirsAll(lines)
	g.write("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
	g.stirsAll(user)
	g.rest()
	g.write("etc/app/other.conf", "nobody asks")
	g.write("tmp/x", "nobody asks")
	if n := g.rest(); n != 0 {
		t.Errorf("%d words about what nobody asks for", n)
	}
}

// A file whose directories come and go is watched wherever there is something to be seen of it.
func TestWatchFollowsDirectories(t *testing.T) {
	t.Parallel()
	g := watched(t, machine(t), nil)
	deep := fileAt("/srv/not/yet/there.conf")
	must(t, os.MkdirAll(filepath.Join(g.dir, "srv"), 0o755))
	g.watch(deep)
	g.write("srv/not/yet/there.conf", "1")
	g.stirsAll(deep)
	for range 3 {
		g.rest()
		must(t, os.RemoveAll(filepath.Join(g.dir, "srv/not")))
		g.stirsAll(deep)
		g.rest()
		g.write("srv/not/yet/there.conf", "2")
		g.stirsAll(deep)
	}
	g.rest()
	must(t, os.Rename(filepath.Join(g.dir, "srv/not"), filepath.Join(g.dir, "srv/gone")))
	g.stirsAll(deep)
}

// A storm is told in a few words, and is over when it is over.
func TestAStormIsToldInFewWords(t *testing.T) {
	t.Parallel()
	g := watched(t, machine(t), nil)
	g.write("etc/a.conf", "a")
	var many []resource.ID
	for i := range 200 {
		many = append(many, fileAt(fmt.Sprintf("/etc/many/%d", i)))
	}
	g.write("etc/many/x", "")
	g.watch(append(many, fileAt("/etc/a.conf"))...)
	path, began := filepath.Join(g.dir, "etc/a.conf"), time.Now()
	for time.Since(began) < time.Second {
		must(t, os.Chtimes(path, time.Now(), time.Now()))
	}
	if n := g.rest(); n == 0 || n > 15 {
		t.Errorf("a second of storm was told in %d words, want a few", n)
	}
	for i := range many {
		g.write(strings.TrimPrefix(many[i].Name, "/"), "x")
	}
	g.stirsAll(many...)
}

// What is lost is said, what stirs then is looked at, and the next connection is watched again.
func TestALostWatchIsSaid(t *testing.T) {
	t.Parallel()
	g := watched(t, machine(t), nil)
	a := fileAt("/etc/a.conf")
	g.watch(a)
	g.mu.Lock()
	far := g.far
	g.mu.Unlock()
	must(t, far.Close())
	if s := g.next(); s.IDs != nil {
		t.Errorf("after the loss %v stirred, want everything", s.IDs)
	}
	if w := g.Watches(); len(w) != 1 || w[0].Err == nil {
		t.Errorf("the watch was lost, and is told to be %+v", w)
	}
	g.watch(a)
	g.write("etc/a.conf", "x")
	g.stirsAll(a)
	g.Watch(nil, func(executors.Stir) { t.Error("nobody watches any more") })
	if w := g.Watches(); len(w) != 0 {
		t.Errorf("nothing is wanted, and watched is %+v", w)
	}
	g.write("etc/a.conf", "y")
	g.rest()
}

// bell is a manager of units that can be rung.
type bell struct {
	node.Systemd
	ring chan string
}

func (bell) Units(context.Context, []string) (map[string]node.UnitState, error) { return nil, nil }

func (b bell) Follow(ctx context.Context, changed func(string)) error {
	go func() {
		for {
			select {
			case unit := <-b.ring:
				changed(unit)
			case <-ctx.Done():
				return
			}
		}
	}()
	return nil
}

func TestWatchedUnitsStir(t *testing.T) {
	t.Parallel()
	b := bell{ring: make(chan string)}
	g := watched(t, machine(t), b)
	etcd := resource.ID{Kind: resource.KindUnit, Name: "etcd", At: "node-1"}
	must(t, os.MkdirAll(filepath.Join(g.dir, "etc/systemd/system"), 0o755))
	g.watch(etcd, fileAt("/etc/a"))
	b.ring <- "ssh.service"
	if n := g.rest(); n != 0 {
		t.Errorf("%d words of a unit that nobody asks for", n)
	}
	b.ring <- "etcd.service"
	g.stirsAll(etcd)
	g.rest()
	g.write("etc/systemd/system/multi-user.target.wants/etcd.service", "")
	g.stirsAll(etcd)
	g.rest()
	b.ring <- ""
	if s := g.next(); s.IDs != nil {
		t.Errorf("signals were missed, and only %v is looked at", s.IDs)
	}
}
