package stories

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pigsync/pigsync/lab"
)

// story is one test: five nodes, a repository of inventories, and a daemon that follows it.
type story struct {
	testing.TB
	*stage
	daemon *daemon // nil when none runs
}

// onBareNodes begins a story on five bare nodes, with nothing known of them.
func onBareNodes(t testing.TB) *story {
	t.Helper()
	s := &story{TB: t, stage: onStage(t)}
	s.reset("")
	s.must(os.RemoveAll(s.dir))
	s.prepare(nil)
	return s
}

// onThree begins a story on a cluster of three members on the first three nodes; the inventory that
// made it is committed, and the daemon's state is what it was. No daemon runs yet.
func onThree(t testing.TB) *story {
	t.Helper()
	return onSnapshot(t, "three", func(s *story) {
		s.commit("three members", fleet{members: []int{1, 2, 3}})
		s.serve()
		s.converges(3 * time.Minute)
	})
}

// onSnapshot begins a story where lead ends that begins on bare nodes: nodes, repository and the daemon's
// state are as it left them, and no daemon runs. The first story of a run that asks for it leads there.
func onSnapshot(t testing.TB, name string, lead func(*story)) *story {
	t.Helper()
	s := &story{TB: t, stage: onStage(t)}
	if !s.kept[name] {
		s.keep(name, lead)
	}
	s.reset(name)
	s.must(os.RemoveAll(s.dir))
	s.copyDir(s.dir+"."+name, s.dir)
	s.prepare(nil)
	return s
}

// onSettledThree begins as onThree does, once a daemon has seen the nodes after their start.
func onSettledThree(t testing.TB) *story {
	t.Helper()
	s := onThree(t)
	s.serve()
	s.converges(2 * time.Minute)
	s.stop()
	return s
}

// keep makes a snapshot.
func (s *story) keep(name string, lead func(*story)) {
	s.Helper()
	s.reset("")
	s.must(os.RemoveAll(s.dir))
	s.prepare(nil)
	lead(s)
	s.stop()
	s.must(os.Remove(s.path("log")))
	s.must(os.RemoveAll(s.dir + "." + name))
	s.copyDir(s.dir, s.dir+"."+name)
	s.must(s.lab.Snapshot(s.Context(), name))
	s.kept[name] = true
}

// prepare writes the daemon's configuration, with more lines for the inventory, and sees to it that
// the story ends without a daemon, telling what there was when it failed.
func (s *story) prepare(more []string) {
	s.Helper()
	s.must(os.MkdirAll(s.dir, 0o755))
	s.configure(more...)
	s.Cleanup(func() {
		if s.Failed() {
			s.tell()
		}
		s.stop()
	})
}

func (s *story) reset(snapshot string) {
	s.Helper()
	began := time.Now()
	s.must(s.lab.Reset(s.Context(), snapshot))
	s.must(s.lab.WaitReady(s.Context()))
	s.Logf("five nodes are %q after %s", snapshot, round(time.Since(began)))
}

func (s *story) copyDir(from, to string) {
	s.Helper()
	s.run(exec.CommandContext(s.Context(), "cp", "-a", from, to))
}

// path is a path in the daemon's directory.
func (s *story) path(name string) string { return filepath.Join(s.dir, name) }

func (s *story) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// run runs a command that must succeed, and gives what it said.
func (s *story) run(cmd *exec.Cmd) string {
	s.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.Fatalf("%s: %v: %s", strings.Join(cmd.Args, " "), err, out)
	}
	return string(out)
}

// node is the i-th node, from 1.
func (s *story) node(i int) *lab.Node { return s.lab.Nodes()[i-1] }

// on runs a shell script as root on a node, where it must succeed, and gives what it printed.
func (s *story) on(i int, script string) string {
	s.Helper()
	out, err := s.node(i).Run(s.Context(), "sh", "-ec", script)
	s.must(err)
	return strings.TrimSpace(out)
}

// etcdctl runs etcdctl as an administrator would, on a node; it must succeed.
func (s *story) etcdctl(i int, args string) string {
	s.Helper()
	return s.on(i, ". /etc/profile.d/etcdctl.sh; etcdctl --command-timeout=30s "+args)
}

// eventually polls until done, and fails after the limit. What is awaited happens in other
// processes and on other machines, which send no event.
func (s *story) eventually(limit time.Duration, what string, done func() bool) time.Duration {
	s.Helper()
	began := time.Now()
	if !poll(s.Context(), limit, 50*time.Millisecond, done) {
		s.Fatalf("%s: not within %s", what, limit)
	}
	return time.Since(began)
}

func poll(ctx context.Context, limit, every time.Duration, done func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			return done()
		case <-tick.C:
		}
	}
	return true
}

func round(d time.Duration) time.Duration { return d.Round(10 * time.Millisecond) }
