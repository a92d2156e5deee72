package node_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/executors/node"
	"github.com/pigsync/pigsync/resource"
)

// manager is systemd in memory: it has the units it was given, and starts them.
type manager struct {
	mu    sync.Mutex // guards what follows
	units map[string]node.UnitState
	said  []string
	runs  int
	fail  map[node.Verb]error
	dies  bool // what is started ends at once
	late  time.Duration
	told  string // the invocation that was told last
}

func newManager() *manager {
	return &manager{units: map[string]node.UnitState{"etcd": {Load: "loaded", Active: "inactive", File: "disabled"}}, fail: map[node.Verb]error{}}
}

func (m *manager) Units(_ context.Context, names []string) (map[string]node.UnitState, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]node.UnitState{}
	for _, name := range names {
		s, ok := m.units[name]
		if !ok {
			s = node.UnitState{Load: "not-found", Active: "inactive"}
		}
		out[name], m.told = s, s.Invocation
	}
	return out, nil
}

func (m *manager) Do(_ context.Context, verb node.Verb, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.said = append(m.said, string(verb))
	if err := m.fail[verb]; err != nil {
		return err
	}
	s := m.units[name]
	switch verb {
	case node.Start, node.Restart:
		m.run(verb, &s)
	case node.ReloadUnit:
		if m.dies {
			s.Active, s.Sub, s.Result = "failed", "failed", "exit-code"
		}
	case node.Stop:
		s.Active = "inactive"
	case node.Enable:
		s.File = "enabled"
	case node.Disable, node.DisableRuntime:
		s.File = "disabled"
	case node.ResetFailed:
		s.Active = "inactive"
	case node.Reload:
		s.Stale = false
	}
	m.units[name] = s
	return nil
}

func (m *manager) run(verb node.Verb, s *node.UnitState) {
	m.runs++
	if s.Active != "activating" || verb != node.Start { // which would join the start that goes on
		s.Invocation, s.Started = fmt.Sprint(m.runs), time.Now().Add(m.late)
	}
	s.Active = "active"
	if m.dies {
		s.Active, s.Sub, s.Result = "failed", "failed", "exit-code"
	}
}

// edit changes a unit behind our back.
func (m *manager) edit(f func(*node.UnitState)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.units["etcd"]
	f(&s)
	m.units["etcd"] = s
}

func (m *manager) toldOf(invocation string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.told == invocation
}

func (m *manager) words() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	words := strings.Join(m.said, ",")
	m.said = nil
	return words
}

// service is a machine with a unit and a file that it loads.
type service struct {
	*testing.T
	l   *node.Local
	m   *manager
	dir string
}

var etcd = id(resource.KindUnit, "etcd")

func newService(t *testing.T) *service {
	s := &service{T: t, dir: machine(t), m: newManager()}
	s.l = local(t, s.dir)
	s.l.Systemd = s.m
	s.m.late = time.Second // files are written well before a start
	write(t, s.dir+"/etc/etcd.conf", "a: 1\ninitial-state: new\n")
	return s
}

func want(inputs string) resource.Unit {
	return resource.Unit{Active: true, Enabled: true, Inputs: inputs, Loads: []resource.Load{{Path: "/etc/etcd.conf", Skip: "initial-"}}}
}

func (s *service) see() resource.Unit {
	s.Helper()
	return see(s, s.l, etcd).(resource.Unit)
}

// becomes applies want and tells what systemd was asked to do.
func (s *service) becomes(want resource.Unit, words string) {
	s.Helper()
	s.m.words()
	if err := set(s, s.l, etcd, want); err != nil {
		s.Fatal(err)
	}
	if got := s.m.words(); got != words {
		s.Errorf("did %q, not %q", got, words)
	}
}

func TestUnitLife(t *testing.T) {
	s := newService(t)
	s.becomes(want("1"), "enable,daemon-reload,start")
	if got := s.see(); !got.Noted || got.Inputs != "1" {
		t.Errorf("got %+v", got)
	}
	s.becomes(want("2"), "restart")
	s.m.edit(func(u *node.UnitState) { u.Stale = true })
	s.becomes(want("2"), "daemon-reload")
	off := resource.Unit{Enabled: true}
	s.becomes(off, "stop")
	s.m.edit(func(u *node.UnitState) { u.Active = "failed" })
	s.becomes(want("2"), "reset-failed,start")
	if err := set(t, s.l, etcd, nil); err != nil {
		t.Fatal(err)
	}
	if got := s.m.words(); got != "stop,disable,daemon-reload" {
		t.Errorf("did %q", got)
	}
	if got := see(t, s.l, etcd); got != nil {
		t.Errorf("what went is there: %+v", got)
	}
	// Its file is a package's: whoever starts it by hand brings it back.
	s.m.edit(func(u *node.UnitState) { u.Active = "active" })
	if !s.see().Active {
		t.Error("what runs is not seen")
	}
}

// Without a note nothing is known of what runs; a restart makes it known.
func TestAUnitOfSomebodyElse(t *testing.T) {
	s := newService(t)
	s.m.edit(func(u *node.UnitState) {
		u.Active, u.File, u.Invocation, u.Started = "active", "enabled", "x", time.Now()
	})
	if got := s.see(); got.Inputs != "" || got.Noted {
		t.Errorf("got %+v", got)
	}
	s.becomes(want("1"), "restart")
}

// A reboot or a restart by hand: what was read is right, only the note is about another process.
func TestARestartByHand(t *testing.T) {
	s := newService(t)
	s.becomes(want("1"), "enable,daemon-reload,start")
	again := func(after time.Duration) {
		s.m.edit(func(u *node.UnitState) { u.Invocation += "x"; u.Started = time.Now().Add(after) })
	}
	again(2 * time.Second)
	if got := s.see(); got.Inputs != "1" || got.Noted {
		t.Errorf("got %+v", got)
	}
	s.becomes(want("1"), "")
	if got := s.see(); !got.Noted {
		t.Errorf("got %+v", got)
	}
	// Lines that are read on the first start only do not count, however late they change.
	write(t, s.dir+"/etc/etcd.conf", "a: 1\ninitial-state: existing\n")
	again(2 * time.Second)
	if got := s.see(); got.Inputs != "1" {
		t.Errorf("got %+v", got)
	}
	// A file changed after the start was not read.
	again(-time.Hour)
	if got := s.see(); got.Inputs != "" {
		t.Errorf("got %+v", got)
	}
	write(t, s.dir+"/etc/etcd.conf", "a: 2\n")
	again(2 * time.Second)
	if got := s.see(); got.Inputs != "" {
		t.Errorf("got %+v", got)
	}
	if err := os.Remove(s.dir + "/etc/etcd.conf"); err != nil {
		t.Fatal(err)
	}
	again(2 * time.Second)
	if got := s.see(); got.Inputs != "" {
		t.Errorf("got %+v", got)
	}
}

// Dying before the restart leaves the old process, which does not count as restarted; dying after it
// leaves a new one that needs no other restart.
func TestDyingAroundARestart(t *testing.T) {
	s := newService(t)
	s.becomes(want("1"), "enable,daemon-reload,start")
	s.l.Now = func() time.Time { return time.Now().Add(time.Minute) } // the old process is younger than its files
	s.m.fail[node.Restart] = errBoom
	if err := set(t, s.l, etcd, want("2")); !errors.Is(err, errBoom) {
		t.Fatal(err)
	}
	if got := s.see(); got.Inputs == "2" {
		t.Errorf("the old process counts as restarted: %+v", got)
	}
	s.m.edit(func(u *node.UnitState) { u.Started, u.Invocation = time.Now().Add(2*time.Minute), "new" })
	if got := s.see(); got.Inputs != "2" || got.Noted {
		t.Errorf("got %+v", got)
	}
	delete(s.m.fail, node.Restart)
	s.becomes(want("2"), "")
}

// A start that an earlier helper began, and that goes on, is joined; and also when we die then, what it
// has read is known. One that has read something else is begun anew.
func TestAStartUnderWay(t *testing.T) {
	s := newService(t)
	s.m.fail[node.Start] = errBoom
	if err := set(t, s.l, etcd, want("1")); !errors.Is(err, errBoom) {
		t.Fatal(err)
	}
	s.m.edit(func(u *node.UnitState) {
		u.Active, u.Started, u.Invocation = "activating", time.Now().Add(time.Second), "theirs"
	})
	s.l.Now = func() time.Time { return time.Now().Add(time.Minute) }
	if err := set(t, s.l, etcd, want("1")); !errors.Is(err, errBoom) {
		t.Fatal(err)
	}
	s.m.edit(func(u *node.UnitState) { u.Active = "active" })
	if got := s.see(); got.Inputs != "1" || got.Noted {
		t.Errorf("got %+v", got)
	}
	delete(s.m.fail, node.Start)
	s.m.edit(func(u *node.UnitState) { u.Active = "activating" })
	s.becomes(want("1"), "start")
	if got := s.see(); got.Inputs != "1" || !got.Noted {
		t.Errorf("got %+v", got)
	}
	s.m.edit(func(u *node.UnitState) { u.Active = "activating" })
	s.becomes(want("2"), "restart")
	if got := s.see(); got.Inputs != "2" || !got.Noted {
		t.Errorf("got %+v", got)
	}
}

func TestUnitMoves(t *testing.T) {
	s := newService(t)
	c := change(etcd, want("1"), nil)
	s.m.edit(func(u *node.UnitState) { u.File, u.Stale = "enabled", true }) // by the steps before it
	if err := s.l.Apply(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]resource.Spec{"was down": resource.Unit{}, "was absent": nil} {
		if err := s.l.Apply(t.Context(), change(etcd, want("2"), c)); !errors.Is(err, executors.ErrMoved) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Only a new note was planned; now it would be a restart.
	have := s.see()
	have.Noted = false
	s.m.edit(func(u *node.UnitState) { u.Invocation, u.Started = "y", time.Now().Add(-time.Hour) })
	if err := s.l.Apply(t.Context(), change(etcd, want("1"), have)); !errors.Is(err, executors.ErrMoved) {
		t.Errorf("got %v", err)
	}
}

func TestUnitTroubles(t *testing.T) {
	s := newService(t)
	s.m.dies = true
	err := set(t, s.l, etcd, want("1"))
	fails(t, err, "did not stay up; it is failed (failed), result exit-code: journalctl -u etcd")
	if got := s.see(); got.Active || got.Noted {
		t.Errorf("got %+v", got)
	}
	s.m.dies, s.m.fail[node.Start] = false, errBoom
	fails(t, set(t, s.l, etcd, want("1")), "start: boom; it is")
	s.m.edit(func(u *node.UnitState) { u.Load, u.File, u.Active = "masked", "masked", "inactive" })
	fails(t, set(t, s.l, etcd, want("1")), "masked")
	s.m.edit(func(u *node.UnitState) { u.Load = "bad-setting" })
	fails(t, s.l.Observe(t.Context(), []resource.ID{etcd})[etcd].Err, "cannot read the unit file")
	if err := s.l.Apply(t.Context(), change(id(resource.KindUnit, "none"), want("1"), nil)); err == nil {
		t.Error("a unit without a file was started")
	}
}

// A unit that must settle is not done while it may still die.
func TestSettle(t *testing.T) {
	t.Parallel()
	s := newService(t)
	u := want("1")
	u.Settle = 1
	start := time.Now()
	s.becomes(u, "enable,daemon-reload,start")
	if took := time.Since(start); took < time.Second {
		t.Errorf("done after %s", took)
	}
	u.Inputs, u.Settle = "2", 60
	done := make(chan error)
	go func() { done <- set(t, s.l, etcd, u) }()
	eventually(t, "the new process is known", func() bool { return s.m.toldOf("2") })
	s.m.edit(func(u *node.UnitState) { u.Invocation = "restarted by itself" })
	fails(t, <-done, "did not stay up")
}

// What a program reads again when told to is no reason to restart it.
func TestReload(t *testing.T) {
	s := newService(t)
	write(t, s.dir+"/etc/etcd.d/a.conf", "x: 1\n")
	conf := func(inputs, conf string) resource.Unit {
		u := want(inputs)
		u.Conf, u.Loads = conf, append(u.Loads, resource.Load{Path: "/etc/etcd.d/a.conf", Conf: true})
		return u
	}
	s.becomes(conf("1", "a"), "enable,daemon-reload,start")
	write(t, s.dir+"/etc/etcd.d/a.conf", "x: 2\n")
	s.becomes(conf("1", "b"), "reload")
	if got := s.see(); got.Conf != "b" || got.Inputs != "1" || !got.Noted {
		t.Errorf("got %+v", got)
	}
	s.becomes(conf("1", "b"), "")
	s.becomes(conf("2", "c"), "restart")
	// Started by hand since: it has read what is there.
	s.m.edit(func(u *node.UnitState) { u.Invocation, u.Started = "x", time.Now().Add(time.Minute) })
	if got := s.see(); got.Conf != "c" || got.Inputs != "2" || got.Noted {
		t.Errorf("got %+v", got)
	}
	// Started by hand before the file was changed: it has read something else, but only of what a
	// reload mends.
	s.m.edit(func(u *node.UnitState) { u.Started = time.Now().Add(30 * time.Minute) })
	s.l.Now = func() time.Time { return time.Now().Add(time.Hour) }
	write(t, s.dir+"/etc/etcd.d/a.conf", "x: 3\n")
	if got := s.see(); got.Conf != "" || got.Inputs != "2" {
		t.Errorf("got %+v", got)
	}
	s.becomes(conf("2", "d"), "reload")
	// A reload that nobody planned is a move, and one that kills is told.
	have := s.see()
	s.becomes(conf("2", "e"), "reload")
	if err := s.l.Apply(t.Context(), change(etcd, conf("2", "d"), have)); !errors.Is(err, executors.ErrMoved) {
		t.Errorf("got %v", err)
	}
	s.m.dies = true
	fails(t, set(t, s.l, etcd, conf("2", "f")), "did not outlive the reload; it is failed")
}

// A file that comes to or goes from a directory that is read whole is another configuration; one that
// is not read is none.
func TestReloadOfADirectory(t *testing.T) {
	s := newService(t)
	u := want("1")
	u.Conf, u.Loads = "a", append(u.Loads, resource.Load{Path: "/etc/etcd.d", Files: "*.cfg", Conf: true})
	write(t, s.dir+"/etc/etcd.d/a.cfg", "x: 1\n")
	s.becomes(u, "enable,daemon-reload,start")
	write(t, s.dir+"/etc/etcd.d/a.cfg~", "x: 2\n")
	write(t, s.dir+"/etc/etcd.d/.b.cfg", "x: 2\n")
	s.becomes(u, "")
	write(t, s.dir+"/etc/etcd.d/b.cfg", "x: 2\n")
	if got := s.see(); got.Conf != "" || got.Inputs != "1" {
		t.Errorf("got %+v", got)
	}
	s.becomes(u, "reload")
	if err := os.Remove(s.dir + "/etc/etcd.d/b.cfg"); err != nil {
		t.Fatal(err)
	}
	s.becomes(u, "reload")
	if err := os.RemoveAll(s.dir + "/etc/etcd.d"); err != nil {
		t.Fatal(err)
	}
	s.becomes(u, "reload")
	s.becomes(u, "")
}

// A file that was away while somebody else told the program to read again, and is there again: seen on a
// real node, whose load balancer went on without the service.
func TestReloadOfWhatWasAway(t *testing.T) {
	for name, file := range map[string]string{"a directory": "/etc/etcd.d/a.cfg", "a file": "/etc/etcd.conf"} {
		t.Run(name, func(t *testing.T) {
			s := newService(t)
			u := want("1")
			u.Conf = "a"
			u.Loads = append(u.Loads, resource.Load{Path: "/etc/etcd.d", Files: "*.cfg", Conf: true}, resource.Load{Path: "/etc/etcd.conf", Conf: true})
			write(t, s.dir+"/etc/etcd.d/a.cfg", "x: 1\n")
			write(t, s.dir+"/etc/etcd.conf", "x: 1\n")
			s.becomes(u, "enable,daemon-reload,start")
			s.becomes(u, "")
			if err := os.Remove(s.dir + file); err != nil {
				t.Fatal(err)
			}
			write(t, s.dir+file, "x: 1\n")
			if err := os.Chtimes(s.dir+file, time.Time{}, time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			if got := s.see(); got.Conf != "" {
				t.Errorf("got %+v", got)
			}
			s.becomes(u, "reload")
			s.becomes(u, "")
		})
	}
}

// Nothing but what can be undone is enabled or disabled.
func TestEnabled(t *testing.T) {
	s := newService(t)
	for file, on := range map[string]bool{"enabled": true, "static": true, "generated": true, "enabled-runtime": true, "indirect": true, "alias": true, "disabled": false, "": false, "masked": false} {
		s.m.edit(func(u *node.UnitState) { u.File = file })
		if got := s.see(); got.Enabled != on {
			t.Errorf("%q: %+v", file, got)
		}
	}
	for active, on := range map[string]bool{"active": true, "reloading": true, "activating": false, "failed": false, "deactivating": false} {
		s.m.edit(func(u *node.UnitState) { u.Active = active })
		if got := s.see(); got.Active != on {
			t.Errorf("%q: %+v", active, got)
		}
	}
}
