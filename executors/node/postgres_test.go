package node_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/executors/exectest"
	"github.com/pigsync/pigsync/executors/node"
	"github.com/pigsync/pigsync/executors/postgres/pgtest"
	"github.com/pigsync/pigsync/resource"
)

// pgFleet is a fleet whose nodes are the instances of a cluster.
type pgFleet struct {
	*node.Fleet
	t    testing.TB
	down sync.Map     // nodes that are not reached
	open sync.Map     // the last stream to each node
	asks atomic.Int64 // requests to helpers
}

func newPGFleet(t testing.TB, place resource.PGPlace) *pgFleet {
	root, err := os.OpenRoot("/")
	must(t, err)
	f := &pgFleet{t: t}
	var wg sync.WaitGroup
	f.Fleet = &node.Fleet{Open: func(_ context.Context, at string) (io.ReadWriteCloser, error) {
		if _, down := f.down.Load(at); down {
			return nil, errors.New("no way there")
		}
		near, far := net.Pipe()
		wg.Go(func() { node.Serve(context.Background(), far, &node.Local{Root: root}, "digest") })
		f.open.Store(at, near)
		return &counted{Conn: near, writes: &f.asks}, nil
	}}
	f.SetPostgres([]resource.PGPlace{place})
	t.Cleanup(func() { f.Close(); wg.Wait(); root.Close() })
	return f
}

// counted counts what is written: each frame is one write.
type counted struct {
	net.Conn
	writes *atomic.Int64
}

func (c *counted) Write(b []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(b)
}

func (f *pgFleet) see(id resource.ID) resource.State {
	return f.Observe(f.t.Context(), []resource.ID{id})[id]
}

// to brings an id to a spec, nil for absent.
func (f *pgFleet) to(id resource.ID, want resource.Spec) error {
	s := f.see(id)
	if s.Err != nil {
		return s.Err
	}
	return f.Apply(f.t.Context(), step(id, want, s.Spec))
}

func step(id resource.ID, want, have resource.Spec) diff.Change {
	c := diff.Change{Resource: resource.Resource{ID: id, Spec: want}, Action: diff.Update, Have: have}
	switch {
	case want == nil:
		c.Action, c.Spec = diff.Delete, have
	case have == nil:
		c.Action = diff.Create
	}
	return c
}

func pgGate(id resource.ID) diff.Change {
	return diff.Change{Resource: resource.Resource{ID: id, Spec: resource.PGHealth{Healthy: true, Patience: 20}}, Action: diff.Check}
}

// A cluster from bare directories to a leader that moved, seen from its nodes' side.
func TestPostgresFromNothingToAMovedLeader(t *testing.T) {
	t.Parallel()
	c := pgtest.New(t, 2)
	f := newPGFleet(t, c.Place)
	picture, role := resource.PGClusterOf(pgtest.Name), c.ID(resource.KindPGRole, "r")
	first := resource.PGMemberOf(c.Instance(1), c.Node(1))
	for _, id := range []resource.ID{picture, role, first, c.ID(resource.KindPGConfig, "ttl"), c.ID(resource.KindPGHealth, pgtest.Name)} {
		if s := f.see(id); s.Err != nil || s.Spec != nil {
			t.Errorf("%s: nothing is anywhere, and it is %+v", id, s)
		}
	}
	f.unreached(c.Node(2), true)
	if s := f.see(role); s.Err == nil || !strings.Contains(s.Err.Error(), c.Node(2)) {
		t.Errorf("a node was not reached, and it is %+v", s)
	}
	f.unreached(c.Node(2), false)
	c.Etcd()
	c.Patroni(1)
	must(t, f.Apply(t.Context(), pgGate(c.ID(resource.KindPGHealth, pgtest.Name))))
	must(t, f.Apply(t.Context(), step(role, resource.PGRole{Name: "r", Is: map[string]bool{"login": true}}, nil)))
	c.Patroni(2)
	must(t, f.Apply(t.Context(), pgGate(resource.ID{Kind: resource.KindPGHealth, Name: c.Instance(2), At: c.Node(2)})))
	f.bothAreSeen(c)
	f.oneRequestEach(c)
	f.leaderMoves(c)
}

func (f *pgFleet) unreached(at string, down bool) {
	if down {
		f.down.Store(at, true)
		if conn, ok := f.open.Load(at); ok {
			conn.(net.Conn).Close()
		}
		return
	}
	f.down.Delete(at)
}

func (f *pgFleet) bothAreSeen(c *pgtest.Cluster) {
	p, _ := f.see(resource.PGClusterOf(pgtest.Name)).Spec.(resource.PGCluster)
	if len(p.Members) != 2 || p.Leader != c.Instance(1) || p.Members[0].System != p.Members[1].System || p.Members[1].Role != resource.PGReplica {
		f.t.Errorf("got %+v", p)
	}
	if _, ok := p.Lag(c.Instance(2)); !ok {
		f.t.Error("the lag is not known")
	}
}

// oneRequestEach looks at all there is, on the nodes and inside, at once.
func (f *pgFleet) oneRequestEach(c *pgtest.Cluster) {
	ids := []resource.ID{resource.PGClusterOf(pgtest.Name), c.ID(resource.KindPGRole, "r"), c.ID(resource.KindPGDatabase, "postgres"), c.ID(resource.KindPGConfig, "ttl")}
	for i := 1; i <= 2; i++ {
		ids = append(ids, resource.PGMemberOf(c.Instance(i), c.Node(i)), resource.ID{Kind: resource.KindPGLoaded, Name: c.Instance(i), At: c.Node(i)},
			resource.ID{Kind: resource.KindFile, Name: "/etc/hostname", At: c.Node(i)})
	}
	before := f.asks.Load()
	for id, s := range f.Observe(f.t.Context(), ids) {
		if s.Err != nil || s.Spec == nil {
			f.t.Errorf("%s: got %+v", id, s)
		}
	}
	if n := f.asks.Load() - before; n != 2 {
		f.t.Errorf("two nodes were asked %d times", n)
	}
}

// leaderMoves ends the leader: what was planned with it is not done, and the next look finds the other.
func (f *pgFleet) leaderMoves(c *pgtest.Cluster) {
	role := c.ID(resource.KindPGRole, "r")
	have := f.see(role).Spec
	c.Stop(1, syscall.SIGTERM)
	want := resource.PGRole{Name: "r", Comment: "moved"}
	if err := f.Apply(f.t.Context(), step(role, want, have)); !errors.Is(err, executors.ErrMoved) {
		f.t.Errorf("got %v", err)
	}
	c.Eventually("the other leads", func() bool {
		p, _ := f.see(resource.PGClusterOf(pgtest.Name)).Spec.(resource.PGCluster)
		return p.Leader == c.Instance(2)
	})
	must(f.t, f.to(role, want))
	if m := f.see(resource.PGMemberOf(c.Instance(1), c.Node(1))).Spec.(resource.PGMember); m.System == "" || m.Role != "" || m.Up {
		f.t.Errorf("got %+v", m)
	}
	c.Patroni(1)
	must(f.t, f.Apply(f.t.Context(), pgGate(resource.ID{Kind: resource.KindPGHealth, Name: c.Instance(1), At: c.Node(1)})))
	c.Stop(2, syscall.SIGKILL)
	f.unreached(c.Node(2), true)
	if s := f.see(role); s.Err == nil {
		f.t.Errorf("the leader is gone, and it is %+v", s)
	}
}

// Every kind that can be made goes through the suite, behind a stream.
func TestSuitePostgres(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t, 1)
	f := newPGFleet(t, c.Place)
	must(t, f.to(c.ID(resource.KindPGDatabase, "home"), resource.PGDatabase{}))
	o := pgSuite(c)
	o.Blind = func(t testing.TB) executors.Executor {
		b := newPGFleet(t, c.Place)
		b.unreached(c.Node(1), true)
		return b
	}
	exectest.Run(t, func(t testing.TB) executors.Executor {
		c.With(t).SQL(1, "home", "DROP SCHEMA IF EXISTS s CASCADE; DROP EXTENSION IF EXISTS cube CASCADE")
		c.With(t).SQL(1, "postgres", "DROP DATABASE IF EXISTS d")
		c.With(t).SQL(1, "postgres", "DROP ROLE IF EXISTS r")
		clear := c.ID(resource.KindPGConfig, "postgresql/parameters/work_mem")
		must(t, f.to(clear, resource.PGConfig{Path: "postgresql/parameters/work_mem", Value: `"5MB"`}))
		return f
	}, o)
	if strings.Contains(c.Log(), pgCanary) {
		t.Error("a password is in a log")
	}
}

const pgCanary = "pg-suite-canary"

func pgSuite(c *pgtest.Cluster) exectest.Options {
	const work = "postgresql/parameters/work_mem"
	key := func(value string) resource.PGConfig { return resource.PGConfig{Path: work, Value: value} }
	return exectest.Options{
		Secrets: func() []string { return []string{pgCanary, pgtest.Password, "SCRAM-SHA-256"} },
		Strange: []resource.ID{{Kind: resource.KindPGRole, Name: "r", At: "elsewhere"}, resource.PGMemberOf("x", c.Node(1)), c.ID(resource.KindPGSchema, "nowhere")},
		Samples: []exectest.Sample{
			{ID: c.ID(resource.KindPGRole, "r"), Late: true, Specs: []resource.Spec{
				resource.PGRole{Name: "r", Is: map[string]bool{"login": true}, Password: resource.NewSecret(pgCanary)},
				resource.PGRole{Name: "r", Is: map[string]bool{"login": false}, Comment: "x", Days: new(3)},
				resource.PGRole{Name: "r", Password: resource.NewSecret(pgCanary + "2"), Settings: map[string]string{"work_mem": "1MB"}},
			}},
			{ID: c.ID(resource.KindPGDatabase, "d"), Late: true, Specs: []resource.Spec{
				resource.PGDatabase{PGCreation: resource.PGCreation{Encoding: "UTF8"}}, resource.PGDatabase{Limit: new(3), Comment: "x"},
			}, Never: []resource.Spec{resource.PGDatabase{Owner: strings.Repeat("x", 64)}}},
			{ID: c.ID(resource.KindPGSchema, "home/s"), Late: true, Specs: []resource.Spec{resource.PGSchema{}, resource.PGSchema{Comment: "x"}}},
			{ID: c.ID(resource.KindPGExtension, "home/cube"), Specs: []resource.Spec{resource.PGExtension{}}},
			{
				ID: c.ID(resource.KindPGConfig, work), First: key(`"5MB"`), Specs: []resource.Spec{key(`"6MB"`), key("7168")},
			},
		},
	}
}

// What the members of a cluster say makes one state, or a reason why there is none.
func TestMembersMakeOneState(t *testing.T) {
	t.Parallel()
	place := resource.PGPlace{At: "pg"}
	for i := 1; i <= 3; i++ {
		place.Seats = append(place.Seats, resource.PGSeat{Instance: fmt.Sprintf("pg-%d", i), Node: fmt.Sprintf("n%d", i)})
	}
	f := &node.Fleet{Open: func(context.Context, string) (io.ReadWriteCloser, error) { return nil, errors.New("no way there") }}
	t.Cleanup(func() { f.Close() })
	f.SetPostgres([]resource.PGPlace{place})
	for _, id := range []resource.ID{resource.PGClusterOf("pg"), resource.PGRoleOf("r", "pg"), {Kind: resource.KindPGHealth, Name: "pg", At: "pg"}} {
		if s := f.Observe(t.Context(), []resource.ID{id})[id]; s.Err == nil || s.Spec != nil || !strings.Contains(s.Err.Error(), "n3") {
			t.Errorf("%s: got %+v", id, s)
		}
	}
}
