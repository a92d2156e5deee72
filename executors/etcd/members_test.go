package etcd_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

// writer writes as fast as it can until it is stopped, and remembers what the cluster has accepted.
type writer struct {
	t      testing.TB
	client *clientv3.Client
	stop   context.CancelFunc
	wg     sync.WaitGroup

	accepted int           // the numbers 1…accepted were written
	pause    time.Duration // the longest time without an accepted write
}

func (f *fleet) write() *writer {
	f.t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(f.place.CA))
	var ends []string
	for _, e := range f.place.Endpoints {
		ends = append(ends, "https://"+e.Addr)
	}
	config := clientv3.Config{Endpoints: ends, TLS: &tls.Config{RootCAs: roots}, Logger: zap.NewNop()}
	if len(f.place.Passwords) > 0 {
		config.Username, config.Password = "root", f.place.Passwords[0].Reveal()
	}
	client, err := clientv3.New(config)
	must(f.t, err)
	ctx, stop := context.WithCancel(context.Background())
	w := &writer{t: f.t, client: client, stop: stop}
	w.wg.Go(func() { w.run(ctx) })
	f.t.Cleanup(w.end)
	return w
}

func (w *writer) run(ctx context.Context) {
	last := time.Now()
	for n := 1; ctx.Err() == nil; {
		one, cancel := context.WithTimeout(ctx, 5*time.Second)
		_, err := w.client.Put(one, fmt.Sprintf("/w/%08d", n), "x")
		cancel()
		if err == nil {
			w.accepted, n = n, n+1
			w.pause, last = max(w.pause, time.Since(last)), time.Now()
		}
	}
}

func (w *writer) end() {
	w.stop()
	w.wg.Wait()
	_ = w.client.Close() // only read from
}

// check stops the writer; everything that was accepted must be there.
func (w *writer) check() {
	w.t.Helper()
	w.stop()
	w.wg.Wait()
	resp, err := w.client.Get(w.t.Context(), "/w/", clientv3.WithPrefix(), clientv3.WithCountOnly())
	must(w.t, err)
	if w.accepted == 0 || resp.Count < int64(w.accepted) || resp.Count > int64(w.accepted)+1 {
		w.t.Errorf("%d writes were accepted, and %d are there", w.accepted, resp.Count)
	}
	w.t.Logf("%d writes, the longest pause was %s", w.accepted, w.pause.Round(time.Millisecond))
}

// join adds a member, as a plan does: its place, its start, its vote, its health.
func (f *fleet) join(i int, before ...int) {
	f.t.Helper()
	f.made(id(resource.KindEtcdMember, name(i)), resource.EtcdMember{PeerURL: f.peerURL(i)})
	f.startLearner(i, before...)
	f.made(id(resource.KindEtcdVoter, name(i)), resource.EtcdVoter{})
	f.healthy(name(i))
}

func (f *fleet) startLearner(i int, before ...int) {
	f.t.Helper()
	if s := f.see(id(resource.KindEtcdVoter, name(i))); s.Spec != nil || s.Err != nil {
		f.t.Fatalf("a learner: %+v", s)
	}
	f.start(i, "existing", f.initial(append(before, i)...))
}

// TestOneBecomesThree is the walk from one member to three and back, under a client's eyes.
func TestOneBecomesThree(t *testing.T) {
	long(t)
	f := newFleet(t, 3)
	f.opts.SnapshotDir = filepath.Join(f.dir, "snapshots")
	f.renew()
	f.bootstrap(1)
	w := f.write()
	f.join(2, 1)
	f.join(3, 1, 2)
	c := f.living()
	if all, healthy := c.Voters(); all != 3 || healthy != 3 || len(c.Members) != 3 {
		t.Errorf("got %+v", c)
	}
	if c.Members[0].Name != "etcd-1" || c.Members[2].Name != "etcd-3" {
		t.Errorf("not in order: %+v", c.Members)
	}
	// The leader hands over, and goes.
	leader := id(resource.KindEtcdMember, c.Leader)
	f.made(leader, nil)
	if now := f.living(); now.Leader == c.Leader || now.Leader == "" || len(now.Members) != 2 {
		t.Errorf("got %+v", now)
	}
	w.check()
	f.snapshots(3)
	f.quiet()
}

// renew makes a new executor with the fleet's options.
func (f *fleet) renew() {
	f.t.Helper()
	f.exec.Close()
	f.exec = newExecutor(f)
}

func (f *fleet) snapshots(most int) {
	f.t.Helper()
	found, err := filepath.Glob(filepath.Join(f.opts.SnapshotDir, clusterName, "*"))
	must(f.t, err)
	if len(found) == 0 || len(found) > most {
		f.t.Errorf("snapshots: %v", found)
	}
	for _, name := range found {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 || filepath.Ext(name) != ".db" || info.Size() < 4096 {
			f.t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

// TestAMemberIsReplaced loses a member's data, with authentication on and a client writing.
func TestAMemberIsReplaced(t *testing.T) {
	long(t)
	f := guarded(t, 1, 2, 3)
	w := f.write()
	c := f.living()
	victim := number(c.Leader) // the hardest case
	memberID := id(resource.KindEtcdMember, name(victim))
	old := f.see(memberID).Spec.(resource.EtcdMember)

	// As long as it answers it is not lost, whatever the plan says.
	lost := resource.EtcdMember{PeerURL: old.PeerURL, Lost: old.MemberID}
	if err := f.to(memberID, lost); !errors.Is(err, executors.ErrMoved) {
		t.Errorf("replacing a healthy member: %v", err)
	}
	f.lose(victim)
	f.eventually("a new leader", func() bool { c, _ := f.cluster(); return c.Quorum && c.Leader != name(victim) })
	c = f.living()
	if m, ok := c.Member(f.peerURL(victim)); !ok || m.Healthy {
		t.Errorf("the lost one: %+v", m)
	}
	if s := f.see(id(resource.KindEtcdHealth, "cluster")); s.Spec != (resource.EtcdHealth{}) {
		t.Errorf("health: %+v", s)
	}
	// With one of three down, no other may go.
	for _, m := range c.Members {
		if m.Name == name(victim) {
			continue
		}
		if err := f.to(id(resource.KindEtcdMember, m.Name), nil); err == nil || !strings.Contains(err.Error(), "quorum") {
			t.Errorf("removing %s: %v", m.Name, err)
		}
	}
	must(t, f.to(memberID, lost))
	now, _ := f.see(memberID).Spec.(resource.EtcdMember)
	if now.PeerURL != old.PeerURL || now.MemberID == old.MemberID || now.MemberID == "" {
		t.Errorf("replaced: %+v, before %+v", now, old)
	}
	f.startLearner(victim, others(victim)...)
	f.made(id(resource.KindEtcdVoter, name(victim)), resource.EtcdVoter{})
	f.healthy(name(victim))
	w.check()
	if all, healthy := f.living().Voters(); all != 3 || healthy != 3 {
		t.Errorf("%d of %d are healthy", healthy, all)
	}
	f.quiet()
}

func others(but int) (list []int) {
	for _, i := range []int{1, 2, 3} {
		if i != but {
			list = append(list, i)
		}
	}
	return list
}

func TestMembersMoveOnlyWhenThePlanStillHolds(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	f.bootstrap(1)
	first := id(resource.KindEtcdMember, "etcd-1")
	second := id(resource.KindEtcdMember, "etcd-2")
	member := f.see(first).Spec.(resource.EtcdMember)
	stale := member
	stale.MemberID = "1"
	moved := []diff.Change{
		{Resource: resource.Resource{ID: first, Spec: member}, Action: diff.Create},
		{Resource: resource.Resource{ID: first, Spec: member}, Action: diff.Delete, Have: stale},
		{Resource: resource.Resource{ID: first, Spec: resource.EtcdMember{PeerURL: member.PeerURL, Lost: "1"}}, Action: diff.Update, Have: stale},
		{Resource: resource.Resource{ID: second, Spec: member}, Action: diff.Delete, Have: member},
		{Resource: resource.Resource{ID: second, Spec: member}, Action: diff.Create}, // the URL is the first one's
		{Resource: resource.Resource{ID: id(resource.KindEtcdVoter, "etcd-1"), Spec: resource.EtcdVoter{}}, Action: diff.Create},
		{Resource: resource.Resource{ID: id(resource.KindEtcdVoter, "etcd-2"), Spec: resource.EtcdVoter{}}, Action: diff.Create},
	}
	for _, c := range moved {
		if err := f.apply(c); !errors.Is(err, executors.ErrMoved) {
			t.Errorf("%s %s: %v", c.Action, c.ID, err)
		}
	}
	refused := map[resource.ID]resource.Spec{
		first:                                resource.EtcdMember{PeerURL: "https://127.0.0.1:9"},
		id(resource.KindEtcdVoter, "etcd-1"): nil,
		second:                               resource.EtcdMember{PeerURL: "no url"},
	}
	for id, want := range refused {
		if err := f.to(id, want); err == nil || errors.Is(err, executors.ErrMoved) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s to %v: %v", id, want, err)
		}
	}
	// A learner that never starts is not promoted, and what was waited for is said.
	must(t, f.to(second, resource.EtcdMember{PeerURL: f.peerURL(2)}))
	if s := f.see(id(resource.KindEtcdHealth, "cluster")); s.Spec != (resource.EtcdHealth{Healthy: true}) {
		t.Errorf("a learner is no voter: %+v", s)
	}
	if s := f.see(id(resource.KindEtcdHealth, "etcd-2")); s.Spec != (resource.EtcdHealth{}) {
		t.Errorf("it has not started: %+v", s)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	err := f.exec.Apply(ctx, diff.Change{Resource: resource.Resource{ID: id(resource.KindEtcdVoter, "etcd-2"), Spec: resource.EtcdVoter{}}, Action: diff.Create})
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "it has not started") || !strings.Contains(err.Error(), "etcd-2 to be promoted since") {
		t.Errorf("promotion: %v", err)
	}
	f.made(second, nil) // a learner may always go
	f.made(second, resource.EtcdMember{PeerURL: f.peerURL(2)})
}

// Changes of the place keep what stays the same.
func TestPlacesKeepConnections(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	f.bootstrap(1)
	f.living()
	dials := f.dials.Load()
	for range 3 {
		f.move()
		f.living()
	}
	if got := f.dials.Load() - dials; got > 3 { // the second node refuses each time
		t.Errorf("%d connections were opened for three looks", got)
	}
}

// BenchmarkObserve is a quiet round: three members, authentication on, a user and a role for each of
// ten PostgreSQL clusters.
func BenchmarkObserve(b *testing.B) {
	f := guarded(b, 1, 2, 3)
	ids := append(everything(), id(resource.KindEtcdHealth, "cluster"))
	for i := range 10 {
		name := fmt.Sprintf("pg-%d", i)
		f.place.Logins[name] = secret(name)
		f.move()
		f.made(id(resource.KindEtcdRole, name), resource.EtcdRole{Prefixes: []string{"/pg/" + name + "/"}})
		f.made(id(resource.KindEtcdUser, name), resource.EtcdUser{Password: secret(name), Roles: []string{name}})
		ids = append(ids, id(resource.KindEtcdRole, name), id(resource.KindEtcdUser, name))
	}
	for _, bench := range []struct {
		name string
		cold bool
	}{{"kept", false}, {"cold", true}} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if bench.cold {
					f.renew()
				}
				for id, s := range f.exec.Observe(b.Context(), ids) {
					if s.Err != nil {
						b.Fatal(id, s.Err)
					}
				}
			}
		})
	}
}
