package node

import (
	"os"
	"testing"

	"github.com/pigsync/pigsync/resource"
)

func rootOf(t testing.TB, dir string) *os.Root {
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

// Reading the package database of this machine against asking dpkg-query.
func BenchmarkPackages(b *testing.B) {
	l := &Local{Root: rootOf(b, "/")}
	b.ReportAllocs()
	for b.Loop() {
		v := l.look(b.Context(), nil)
		if _, err := v.readPackages(b.Context(), map[string]bool{"bash": true, "etcd": true}); err != nil {
			b.Skip(err)
		}
		v.close()
	}
}

// Wishes is how many changes under way want a package.
func (l *Local) Wishes() int { return len(l.wishes.but(resource.ID{})) }
