package etcd

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"reflect"
	"sync"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

// Options are what an Executor needs of the world.
type Options struct {
	// Dial opens a TCP connection to addr, from the node where the member runs. Required.
	Dial func(ctx context.Context, node, addr string) (net.Conn, error)
	// Refused tells whether an error of Dial means that the node was reached and that nothing listens
	// at the address there. nil means errors.Is with syscall.ECONNREFUSED. In doubt it must say no:
	// only what is refused everywhere is absent.
	Refused func(error) bool
	// SnapshotDir is where a snapshot is kept before every change of a cluster's members, mode 0600,
	// the three newest of each cluster. "" means none.
	SnapshotDir string
	Patience    time.Duration    // with the members, during one look; 0 means 2 s
	Now         func() time.Time // nil means time.Now
	Log         *slog.Logger     // nil discards
}

// Executor observes and changes what is inside etcd clusters. It is safe for concurrent use.
type Executor struct {
	opts Options

	keys keys

	mu       sync.Mutex // guards clusters
	clusters map[string]*cluster
}

var _ executors.Executor = (*Executor)(nil)

// New makes an Executor that knows no cluster yet.
func New(o Options) *Executor {
	if o.Refused == nil {
		o.Refused = refused
	}
	if o.Patience <= 0 {
		o.Patience = lookTimeout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Executor{opts: o, clusters: map[string]*cluster{}}
}

// SetPlaces says how the clusters are reached from now on. Connections to what is the same place as
// before are kept, all others are closed.
func (e *Executor) SetPlaces(places []resource.EtcdPlace) {
	e.mu.Lock()
	defer e.mu.Unlock()
	next := make(map[string]*cluster, len(places))
	for _, p := range places {
		next[p.At] = newCluster(&e.opts, p, e.clusters[p.At])
	}
	for at, c := range e.clusters {
		c.closeExcept(next[at])
	}
	e.clusters = next
}

// Close closes all connections.
func (e *Executor) Close() {
	e.keys.close()
	e.SetPlaces(nil)
}

func (e *Executor) cluster(at string) (*cluster, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c, ok := e.clusters[at]; ok {
		return c, nil
	}
	return nil, fmt.Errorf("no place is known for the cluster %q", at)
}

// Observe looks once at every cluster the ids are of, at all of them at the same time.
func (e *Executor) Observe(ctx context.Context, ids []resource.ID) map[resource.ID]resource.State {
	byCluster := map[string][]resource.ID{}
	for _, id := range ids {
		byCluster[id.At] = append(byCluster[id.At], id)
	}
	out := make(map[resource.ID]resource.State, len(ids))
	var mu sync.Mutex // guards out
	var wg sync.WaitGroup
	for at, ids := range byCluster {
		wg.Go(func() {
			seen := executors.Seen(ids, func() map[resource.ID]resource.State { return e.observe(ctx, at, ids) })
			mu.Lock()
			defer mu.Unlock()
			maps.Copy(out, seen)
		})
	}
	wg.Wait()
	return out
}

func (e *Executor) observe(ctx context.Context, at string, ids []resource.ID) map[resource.ID]resource.State {
	c, err := e.cluster(at)
	if err == nil {
		return c.observe(ctx, ids)
	}
	out := make(map[resource.ID]resource.State, len(ids))
	for _, id := range ids {
		out[id] = resource.State{Err: fmt.Errorf("observe %s: %w", id, err)}
	}
	return out
}

// Apply makes one change and waits until it holds, for a time that depends on the kind: a minute for
// members, two for a promotion or a gate, seconds for the rest.
func (e *Executor) Apply(ctx context.Context, c diff.Change) error {
	at, err := e.cluster(c.ID.At)
	if err == nil {
		err = at.apply(ctx, c)
	}
	if err != nil {
		return fmt.Errorf("apply %s: %w", c.ID, err)
	}
	return nil
}

// moved tells whether what is there differs from what the plan was made from.
func moved(now, then resource.Spec) bool { return !reflect.DeepEqual(now, then) }
