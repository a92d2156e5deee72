package etcd

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/connectivity"

	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

// KindKey is the kind of the ids by which a watch names keys: nobody asks for them, and they are told apart only
// so that one that changes all the time does not drown the others.
const KindKey resource.Kind = "key"

// maxKeys bounds the keys of a cluster of which the last value is remembered, as a digest.
const maxKeys = 512

// echoes are after what time a configuration that was written stirs again: Patroni answers with the one it had until
// it has read the new one itself.
var echoes = []time.Duration{300 * time.Millisecond, 900 * time.Millisecond}

var errBroken = errors.New("the connection to etcd was lost")

// watchOnce watches at the first member that can be asked, until that is over.
func (e *Executor) watchOnce(ctx context.Context, at string, w *keyWatch) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the client failed: %v", p)
		}
	}()
	err = errNowhere
	for _, c := range e.all() {
		for _, l := range c.links {
			told := func(key string) { e.changed(ctx, at, key) }
			if err = c.watchAt(ctx, l, func() { e.keys.note(at, w, nil) }, w.prefix, told); ctx.Err() != nil {
				return err
			}
		}
	}
	return err
}

// changed tells of a key of a cluster.
func (e *Executor) changed(ctx context.Context, at, key string) {
	stir := func() {
		if ctx.Err() == nil {
			e.keys.tell(executors.Stir{At: at, IDs: []resource.ID{{Kind: KindKey, Name: key, At: at}}})
		}
	}
	stir()
	if key == "config" {
		for _, later := range echoes {
			time.AfterFunc(later, stir)
		}
	}
}

func (e *Executor) all() (cs []*cluster) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, at := range slices.Sorted(maps.Keys(e.clusters)) {
		cs = append(cs, e.clusters[at])
	}
	return cs
}

// watchAt watches the keys over one connection, as who we are there, and tells of those that have changed.
func (c *cluster) watchAt(ctx context.Context, l *link, kept func(), prefix string, told func(key string)) error {
	dialling, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	n, _, err := l.opened(dialling)
	if err != nil {
		return err
	}
	// Whoever may read the keys may watch them; a stream that is refused says so in a way that hides why.
	err = c.ask(dialling, n, func(ctx context.Context) error {
		_, err := n.kv.Get(ctx, prefix, clientv3.WithPrefix(), clientv3.WithCountOnly())
		return err
	})
	if err != nil {
		return fmt.Errorf("read the keys below %s: %w", prefix, err)
	}
	watching, stop := context.WithCancel(as(clientv3.WithRequireLeader(ctx), n.session.current()))
	defer stop()
	go func() { // a client that has lost its only connection would wait for another for ever
		if n.grpc.WaitForStateChange(watching, connectivity.Ready) {
			stop()
		}
	}()
	watcher := clientv3.NewWatchFromWatchClient(pb.NewWatchClient(n.grpc), clientv3.NewCtxClient(watching))
	defer watcher.Close()
	seen := steady{}
	for r := range watcher.Watch(watching, prefix, clientv3.WithPrefix(), clientv3.WithCreatedNotify()) {
		switch {
		case r.Err() != nil:
			return r.Err()
		case r.Created:
			kept()
		}
		for _, ev := range r.Events {
			if key := strings.TrimPrefix(string(ev.Kv.Key), prefix); seen.differs(key, ev) {
				told(key)
			}
		}
	}
	return errBroken
}

// steady is what of the keys does not change all the time, as digests.
type steady map[string][sha256.Size]byte

// volatile are the parts of a member's key that every round of Patroni renews.
var volatile = []string{"xlog_location", "replay_lsn", "receive_lsn", "received_location", "replayed_location", "replication_state"}

// differs tells whether an event is news. Positions in the log are none.
func (s steady) differs(key string, ev *clientv3.Event) bool {
	if key == "status" || strings.HasPrefix(key, "optime/") {
		return false
	}
	value := ev.Kv.Value
	var member map[string]any
	if strings.HasPrefix(key, "members/") && json.Unmarshal(value, &member) == nil {
		for _, name := range volatile {
			delete(member, name)
		}
		value, _ = json.Marshal(member) // it was JSON a moment ago
	}
	if ev.Type == mvccpb.DELETE {
		value = []byte("\x00gone")
	}
	sum := sha256.Sum256(value)
	if s[key] == sum {
		return false
	}
	if len(s) >= maxKeys {
		clear(s)
	}
	s[key] = sum
	return true
}
