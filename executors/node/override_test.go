package node

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// oneUnit is a systemd that knows one unit by one file.
type oneUnit struct{ UnitState }

func (o oneUnit) Units(_ context.Context, names []string) (map[string]UnitState, error) {
	return map[string]UnitState{names[0]: o.UnitState}, nil
}

func (oneUnit) Do(context.Context, Verb, string) error { return nil }

// A unit file of ours beside a package's is news to systemd, which says nothing of it: seen on a real
// node, where etcd started with the package's file.
func TestAUnitFileThatOverridesMakesItStale(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	l := &Local{Root: root, Systemd: oneUnit{UnitState{Load: "loaded", Fragment: "/usr/lib/systemd/system/etcd.service"}}}
	stale := func() bool {
		units, err := l.readUnits(t.Context(), []string{"etcd"})
		if err != nil {
			t.Fatal(err)
		}
		return units["etcd"].Stale
	}
	if stale() {
		t.Error("stale without any other file")
	}
	own := filepath.Join(dir, "etc/systemd/system")
	if err := os.MkdirAll(own, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(own, "etcd.service"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if !stale() {
		t.Error("not stale beside a file of ours")
	}
	l.Systemd = oneUnit{UnitState{Load: "loaded", Fragment: "/etc/systemd/system/etcd.service"}}
	if stale() {
		t.Error("stale though the file of ours was read")
	}
}
