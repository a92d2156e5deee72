package etcd_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pigsync/pigsync/executors/etcd"
	"github.com/pigsync/pigsync/resource"
)

// everything is one id of each kind.
func everything() (ids []resource.ID) {
	for _, k := range resource.EtcdKinds {
		ids = append(ids, id(k, "etcd-1"))
	}
	return ids
}

// unknown fails unless every kind is an error that says so.
func (f *fleet) unknown(want string) {
	f.t.Helper()
	out := f.exec.Observe(f.t.Context(), everything())
	for _, id := range everything() {
		if s := out[id]; s.Err == nil || s.Spec != nil || !strings.Contains(s.Err.Error(), want) {
			f.t.Errorf("%s: got %+v, want an error with %q", id, s, want)
		}
	}
}

// absent fails unless nothing is there.
func (f *fleet) absent() {
	f.t.Helper()
	out := f.exec.Observe(f.t.Context(), everything())
	for _, id := range everything() {
		s := out[id]
		if h, gate := s.Spec.(resource.EtcdHealth); s.Err != nil || s.Spec != nil && (!gate || h.Healthy) {
			f.t.Errorf("%s: got %+v", id, s)
		}
	}
}

// There is nothing only where every node was reached and nothing listened.
func TestNothingListensIsAbsent(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3)
	f.absent()
	f.place.CA = ""
	f.move()
	f.absent()
	f.losesPatience()
	f.cutOff(2, true)
	f.unknown("etcd-2")
	f.place.CA, _ = f.ca.PEM()
	f.move()
	f.unknown("etcd-2")
	f.place.Endpoints = nil
	f.move()
	f.unknown("no endpoint")
	f.exec.SetPlaces(nil)
	f.unknown("no place")
}

// listen puts something else than etcd on a node.
func (f *fleet) listen(i int, serve func(net.Conn)) {
	f.t.Helper()
	l, err := net.Listen("tcp", f.client(i))
	must(f.t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serve(c)
		}
	}()
	f.t.Cleanup(func() {
		_ = l.Close() // it was only a stand-in
		<-done
	})
}

func TestWhatIsNotEtcdIsNotAbsent(t *testing.T) {
	t.Parallel()
	t.Run("another protocol", func(t *testing.T) {
		f := newFleet(t, 1)
		f.listen(1, func(c net.Conn) {
			_, _ = c.Write([]byte("SSH-2.0-x\r\n")) // the peer finds that out
			_ = c.Close()
		})
		f.unknown("TLS")
		f.place.CA = ""
		f.move()
		f.unknown("something listens")
	})
	t.Run("silence", func(t *testing.T) {
		f := newFleet(t, 2)
		f.losesPatience()
		f.listen(1, func(c net.Conn) { t.Cleanup(func() { _ = c.Close() }) })
		c, err := f.cluster()
		if s := f.see(resource.EtcdClusterOf(clusterName)); s.Spec == nil || err != nil || c.Quorum {
			t.Errorf("got %+v, %v", c, err)
		}
	})
}

func TestAForeignCertificateIsUnknown(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	f.bootstrap(1)
	other, err := newCA(t, filepath.Join(t.TempDir(), "ca")).PEM()
	must(t, err)
	right := f.place.CA
	f.place.CA = other
	f.move()
	f.unknown("its certificate cannot be verified")
	f.place.CA = "no PEM"
	f.move()
	f.unknown("not PEM")
	f.place.CA = right
	f.move()
	if c := f.living(); len(c.Members) != 1 {
		t.Errorf("got %+v", c)
	}
}

func TestAClusterOfOne(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	f.bootstrap(1)
	c := f.living()
	m := c.Members[0]
	if c.Leader != "etcd-1" || c.ID == "" || c.Auth || m.Name != "etcd-1" || m.PeerURL != f.peerURL(1) || !m.Healthy || m.Learner || m.Version == "" {
		t.Errorf("got %+v", c)
	}
	if s := f.see(id(resource.KindEtcdVoter, "etcd-1")); s.Spec != (resource.EtcdVoter{}) {
		t.Errorf("voter: %+v", s)
	}
	if s := f.see(id(resource.KindEtcdMember, "etcd-1")); s.Spec != (resource.EtcdMember{PeerURL: f.peerURL(1), MemberID: m.ID}) {
		t.Errorf("member: %+v", s)
	}
	for _, k := range []resource.Kind{resource.KindEtcdVoter, resource.KindEtcdMember} {
		if s := f.see(id(k, "etcd-2")); s.Spec != nil || s.Err != nil {
			t.Errorf("%s of nobody: %+v", k, s)
		}
	}
	if s := f.see(id(resource.KindEtcdHealth, "etcd-2")); s.Spec != (resource.EtcdHealth{}) {
		t.Errorf("health of nobody: %+v", s)
	}
	// The last voter stays, whoever asks.
	if err := f.to(id(resource.KindEtcdMember, "etcd-1"), nil); err == nil || !strings.Contains(err.Error(), "last voter") {
		t.Errorf("removing it: %v", err)
	}
	// A restart breaks the connection that was kept; the next look opens another.
	f.stop(1)
	f.absent()
	f.start(1, "new", f.initial(1))
	f.healthy("etcd-1")
}

// A member that waits for the others is there, and has no quorum; so is one that has lost them.
func TestWithoutAQuorum(t *testing.T) {
	long(t)
	f := newFleet(t, 3)
	f.start(1, "new", f.initial(1, 2, 3))
	f.eventually("the first member to listen", func() bool { return f.see(resource.EtcdClusterOf(clusterName)).Spec != nil })
	if c, err := f.cluster(); err != nil || c.Quorum || c.Members != nil {
		t.Errorf("one of three: %+v, %v", c, err)
	}
	f.start(2, "new", f.initial(1, 2, 3))
	f.eventually("a quorum", func() bool { c, _ := f.cluster(); return c.Quorum })
	if all, healthy := f.living().Voters(); all != 3 || healthy > 2 {
		t.Errorf("two of three: %d of %d are healthy", healthy, all)
	}
	f.start(3, "new", f.initial(1, 2, 3))
	f.well()
	f.stop(1)
	f.stop(2)
	f.eventually("the loss of the quorum", func() bool { c, err := f.cluster(); return err == nil && !c.Quorum })
	out := f.exec.Observe(t.Context(), everything())
	for _, id := range everything() {
		s := out[id]
		switch id.Kind {
		case resource.KindEtcdCluster:
		case resource.KindEtcdHealth:
			if s.Spec != (resource.EtcdHealth{}) {
				t.Errorf("%s: %+v", id, s)
			}
		default:
			if s.Err == nil {
				t.Errorf("%s: %+v", id, s)
			}
		}
	}
	// A gate that cannot open says who is in the way, why, and since when.
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	err := f.exec.Apply(ctx, gate("etcd-1"))
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "etcd-1 ("+f.client(1)+"): connection refused since ") {
		t.Errorf("gate: %v", err)
	}
	// With the others out of sight nothing is absent either.
	f.stop(3)
	f.cutOff(1, true)
	f.cutOff(2, true)
	f.unknown("etcd-1")
}

func TestEndpointsOfTwoClustersAreUnknown(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	f.start(1, "new", f.initial(1))
	f.start(2, "new", f.initial(2))
	f.eventually("both to answer", func() bool {
		_, err := f.cluster()
		return err != nil && strings.Contains(err.Error(), "to another")
	})
	f.unknown("to another")
}

// What panics on the way to one endpoint says nothing about it, and ends nothing else.
func TestAClientThatPanicsIsUnknown(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	dial := f.opts.Dial
	f.opts.Dial = func(ctx context.Context, node, addr string) (net.Conn, error) {
		if addr == f.client(2) {
			panic("dialled")
		}
		return dial(ctx, node, addr)
	}
	f.exec = etcd.New(f.opts)
	f.move()
	f.unknown("the client failed: dialled")
}

// What is refused is not for this package to guess: the way there knows it.
func TestRefusedIsForTheDialToSay(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	gone := errors.New("tunnel refused")
	f.opts.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, gone }
	f.exec = etcd.New(f.opts)
	f.move()
	f.unknown("tunnel refused")
	f.opts.Refused = func(err error) bool { return errors.Is(err, gone) }
	f.exec = etcd.New(f.opts)
	f.move()
	f.absent()
}
