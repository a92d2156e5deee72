package stories

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/pigsync/pigsync/lab"
)

func TestEtcdMixedFleet(t *testing.T) {
	long(t)
	s := &story{TB: t, stage: mixedStage(t)}
	s.prepare(nil)
	s.serve()
	s.commit("three members, and a node of another release", fleet{members: []int{2, 3, 4}, nodes: 4})
	t.Logf("from a commit to three converged members on Debian 12, beside Debian 13: %s", round(s.converges(2*time.Minute)))
	s.isCluster([]int{2, 3, 4})
	s.refusesStrangers(2)
	s.agrees()
}

// mixedStage is a lab of its own: a node of Debian 13, then three of Debian 12. The members are all of
// one release, for etcd 3.4 and 3.5 cannot begin a cluster together.
func mixedStage(t *testing.T) *stage {
	t.Helper()
	common := onStage(t)
	dir := t.TempDir()
	nodes := []lab.NodeConfig{{Suite: lab.Trixie}, {Suite: lab.Bookworm}, {Suite: lab.Bookworm}, {Suite: lab.Bookworm}}
	l, err := openLab(strconv.Itoa(os.Getpid())+"-m", filepath.Join(dir, "lab"), nodes)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Down(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err := l.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	return &stage{lab: l, dir: filepath.Join(dir, "admin"), bin: common.bin}
}
