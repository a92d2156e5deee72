package executors_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/executors/memory"
	"github.com/pigsync/pigsync/resource"
)

// hand is a fleet in memory that counts how often it is asked, and may hold on first.
type hand struct {
	*memory.World
	hold func(context.Context) error

	mu   sync.Mutex // guards asks
	asks [][]resource.ID
}

func newHand() *hand { return &hand{World: memory.New(1)} }

func (h *hand) Observe(ctx context.Context, ids []resource.ID) map[resource.ID]resource.State {
	h.mu.Lock()
	h.asks = append(h.asks, ids)
	h.mu.Unlock()
	if h.hold != nil && h.hold(ctx) != nil {
		return nil
	}
	return h.World.Observe(ctx, ids)
}

var (
	link  = resource.ID{Kind: resource.KindLink, Name: "/a", At: "1"}
	lines = resource.ID{Kind: resource.KindLines, Name: "/b#m", At: "2"}
	role  = resource.ID{Kind: resource.KindEtcdRole, Name: "r", At: "etcd"}
	user  = resource.ID{Kind: resource.KindEtcdUser, Name: "u", At: "etcd"}
)

func TestMuxAsksEachHandOnce(t *testing.T) {
	tests := []struct {
		name       string
		ids        []resource.ID
		node, etcd int // ids that the only question had; 0 is no question
		unknown    []resource.ID
	}{
		{"nothing", nil, 0, 0, nil},
		{"one kind", []resource.ID{link}, 1, 0, nil},
		{"two kinds of one hand", []resource.ID{link, lines}, 2, 0, nil},
		{"two hands", []resource.ID{link, role, lines}, 2, 1, nil},
		{"a kind of nobody's", []resource.ID{user}, 0, 0, []resource.ID{user}},
		{"a kind of nobody's among others", []resource.ID{user, link, role}, 1, 1, []resource.ID{user}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			node, etcd := newHand(), newHand()
			m := executors.Mux{link.Kind: node, lines.Kind: node, role.Kind: etcd}
			seen := m.Observe(t.Context(), tt.ids)
			asked(t, node, tt.node)
			asked(t, etcd, tt.etcd)
			if len(seen) != len(tt.ids) {
				t.Errorf("%d states for %d ids", len(seen), len(tt.ids))
			}
			failed := 0
			for _, s := range seen {
				if s.Err != nil {
					failed++
				}
			}
			for _, id := range tt.unknown {
				nobody(t, id, seen[id].Err)
			}
			if failed != len(tt.unknown) {
				t.Errorf("%d are unknown: %v", failed, seen)
			}
		})
	}
}

func asked(t *testing.T, h *hand, ids int) {
	t.Helper()
	if len(h.asks) > 1 || len(h.asks) != min(ids, 1) || ids > 0 && len(h.asks[0]) != ids {
		t.Errorf("was asked %v, want %d ids at once", h.asks, ids)
	}
}

func nobody(t *testing.T, id resource.ID, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), "nobody") || !strings.Contains(err.Error(), id.String()) {
		t.Errorf("%s: got %v", id, err)
	}
}

// Every hand waits until all are asked: one after the other would wait for ever.
func TestMuxAsksAllAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ids := []resource.ID{link, lines, role, user}
		var all sync.WaitGroup
		all.Add(len(ids))
		m := executors.Mux{}
		for _, id := range ids {
			h := newHand()
			h.hold = func(ctx context.Context) error { all.Done(); return wait(ctx, &all) }
			m[id.Kind] = h
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if seen := m.Observe(ctx, ids); len(seen) != len(ids) || ctx.Err() != nil {
			t.Errorf("saw %v, %v", seen, ctx.Err())
		}
	})
}

// A hand that panics is in a goroutine of its own, where nobody else could catch it.
func TestMuxOutlivesAHandThatPanics(t *testing.T) {
	node, etcd := newHand(), newHand()
	node.Set(link, resource.Link{Target: "x"})
	etcd.hold = func(context.Context) error { panic("no more") }
	seen := executors.Mux{link.Kind: node, role.Kind: etcd, user.Kind: etcd}.Observe(t.Context(), []resource.ID{link, role, user})
	if s := seen[link]; s.Err != nil || s.Spec == nil {
		t.Errorf("%s: got %+v", link, s)
	}
	for _, id := range []resource.ID{role, user} {
		if err := seen[id].Err; err == nil || !strings.Contains(err.Error(), "no more") || !strings.Contains(err.Error(), id.String()) {
			t.Errorf("%s: got %v", id, err)
		}
	}
}

func wait(ctx context.Context, all *sync.WaitGroup) error {
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func create(id resource.ID, s resource.Spec) diff.Change {
	return diff.Change{Action: diff.Create, Resource: resource.Resource{ID: id, Spec: s}}
}

func TestMuxAppliesByKind(t *testing.T) {
	node, etcd := newHand(), newHand()
	m := executors.Mux{link.Kind: node, role.Kind: etcd}
	tests := []struct {
		change diff.Change
		hand   *hand // nil: nobody's
		moved  bool
	}{
		{create(link, resource.Link{Target: "x"}), node, false},
		{create(role, resource.EtcdRole{}), etcd, false},
		{create(role, resource.EtcdRole{}), etcd, true},
		{create(user, resource.EtcdUser{}), nil, false},
	}
	for _, tt := range tests {
		err := m.Apply(t.Context(), tt.change)
		switch {
		case tt.hand == nil:
			nobody(t, tt.change.ID, err)
		case errors.Is(err, executors.ErrMoved) != tt.moved || err != nil && !tt.moved:
			t.Errorf("%s: %v", tt.change.ID, err)
		case tt.hand.Get(tt.change.ID) == nil:
			t.Errorf("%s is not there", tt.change.ID)
		}
	}
	if n, e := len(node.Applied()), len(etcd.Applied()); n != 1 || e != 1 {
		t.Errorf("%d and %d changes", n, e)
	}
}

func TestDryRunObservesOnly(t *testing.T) {
	h := newHand()
	h.Set(link, resource.Link{Target: "x"})
	dry := executors.DryRun{Executor: executors.Mux{link.Kind: h}}
	there := dry.Observe(t.Context(), []resource.ID{link})[link]
	if there.Spec != (resource.Link{Target: "x"}) || there.Err != nil {
		t.Errorf("saw %+v", there)
	}
	update := create(link, resource.Link{Target: "y"})
	update.Action, update.Have = diff.Update, there.Spec
	gone := diff.Change{Action: diff.Delete, Have: there.Spec, Resource: resource.Resource{ID: link}}
	for _, c := range []diff.Change{update, gone, create(user, resource.EtcdUser{})} {
		if err := dry.Apply(t.Context(), c); err != nil {
			t.Errorf("%s %s: %v", c.Action, c.ID, err)
		}
	}
	if len(h.Applied()) != 0 || h.Get(link) != there.Spec {
		t.Errorf("%v was applied", h.Applied())
	}
}
