package reconcile_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/inventory"
	"github.com/pigsync/pigsync/modules"
	"github.com/pigsync/pigsync/resource"
)

// toys are the parameters of a module small enough to tell stories about the heart with.
type toys struct {
	Owner  string   `var:"toy_owner"`
	Files  []string `var:"toy_files"` // each comes after the one before
	Kept   []string `var:"toy_kept"`
	Tended []string `var:"toy_tended"` // each comes after the one before; orphans when their owner goes
	Asked  bool     `var:"toy_asked"`  // what is kept goes with its owner
	Tenant string   `var:"toy_tenant"` // a unit of somebody else
	Text   string   `var:"toy_text" default:"text"`
	Gates  []string `var:"toy_gates"` // come last
	Wrong  bool     `var:"toy_wrong"`
	Late   bool     `var:"toy_late"`  // so that it shows after all is declared
	Amiss  bool     `var:"toy_amiss"` // the whole commit is wrong
}

// toy is the module. What it wants belongs to toy/<toy_owner>, else to toy/<host>.
func toy() *modules.Module {
	return &modules.Module{
		Name: "toy",
		Survey: func(inv *inventory.Inventory) (ids []resource.ID) {
			for _, h := range inv.Hosts() {
				ids = append(ids, resource.FactsOf(h.Addr))
			}
			return ids
		},
		Compile: func(p *modules.Pass) {
			for _, h := range p.Inventory.Hosts() {
				compileToys(p, h)
			}
		},
	}
}

func compileToys(p *modules.Pass, h *inventory.Host) {
	var v toys
	b := inventory.Bind(h, &v)
	owner, pos := "toy/"+h.Addr, b.Pos("toy_files")
	if v.Owner != "" {
		owner = "toy/" + v.Owner
	}
	q := p.For(owner)
	switch {
	case v.Amiss:
		q.Refusef(pos, "TOY001", "all is amiss")
		return
	case v.Wrong:
		q.For("toy/").Errorf(pos, "TOY002", "something is wrong") // and nobody knows whose it is
		return
	}
	var after []resource.ID
	for _, name := range v.Files {
		after = []resource.ID{q.Want(pos, toyFile(name, h.Addr), resource.NewFile([]byte(v.Text), 0o644, "root", "root"), after...)}
	}
	if v.Tenant != "" {
		q.Tenants = []resource.Tenant{{Owner: "lodger/" + v.Tenant, Unit: modules.UnitOf(v.Tenant, h.Addr)}}
	}
	if v.Asked {
		q.Asked = []resource.Kind{resource.KindFile}
	}
	for _, name := range v.Tended {
		after = []resource.ID{q.Tend(pos, toyFile(name, h.Addr), resource.NewFile([]byte(v.Text), 0o644, "root", "root"), after...)}
	}
	for _, name := range v.Kept {
		q.Keep(pos, toyFile(name, h.Addr), resource.NewFile([]byte(v.Text), 0o644, "root", "root"))
	}
	if v.Late {
		q.Errorf(pos, "TOY003", "something is wrong here")
	}
	for _, name := range v.Gates {
		gate := resource.ID{Kind: resource.KindEtcdHealth, Name: name, At: "etcd"}
		after = []resource.ID{q.Want(pos, gate, resource.EtcdHealth{Healthy: true}, after...)}
	}
}

func toyFile(name, at string) resource.ID {
	return resource.ID{Kind: resource.KindFile, Name: "/" + name, At: at}
}

// Two nodes are all that toys need.
const (
	nodeA = "10.0.0.1"
	nodeB = "10.0.0.2"
)

// toyText is an inventory of hosts with their toys: nodeA → "toy_files: [x]".
func toyText(hosts map[string]string) string {
	text := "all:\n  hosts:\n"
	for _, h := range slices.Sorted(mapKeys(hosts)) {
		text += "    " + h + ": { " + hosts[h] + " }\n"
	}
	return text
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// play is a story about toys.
func play(t *testing.T) *story {
	t.Helper()
	s := tell(t, newFleet(t, nodeA, nodeB))
	s.Modules = []*modules.Module{toy()}
	return s
}

// there tells which toys are on a node.
func (s *story) there(at string) (names []string) {
	for _, id := range s.fleet.IDs() {
		if id.Kind == resource.KindFile && id.At == at {
			names = append(names, id.Name[1:])
		}
	}
	return names
}

func (s *story) wantThere(at string, names ...string) {
	s.t.Helper()
	if got := s.there(at); !slices.Equal(got, names) {
		s.t.Errorf("on %s there is %v, want %v", at, got, names)
	}
}

// slow takes its time for every change, unless it is stopped.
type slow struct {
	executors.Executor
	takes time.Duration

	mu  sync.Mutex // guards what follows
	cut []resource.ID
}

func (s *slow) Apply(ctx context.Context, c diff.Change) error {
	takes := s.takes
	if c.Action == diff.Check {
		takes = 0
	}
	select {
	case <-time.After(takes):
		return s.Executor.Apply(ctx, c)
	case <-ctx.Done():
		s.mu.Lock()
		defer s.mu.Unlock()
		s.cut = append(s.cut, c.ID)
		return ctx.Err()
	}
}
