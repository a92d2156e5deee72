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
	nodes := []lab.NodeConfig{{Suite: lab.Trixie}, {Suite: lab.Bookworm}, {Suite: lab.Bookworm}, {Suite: lab.Bookworm}}
	s := &story{TB: t, stage: stageOf(t, "-m", nodes)}
	s.prepare(nil)
	s.serve()
	s.commit("three members, and a node of another release", fleet{members: []int{2, 3, 4}, nodes: 4})
	t.Logf("from a commit to three converged members on Debian 12, beside Debian 13: %s", round(s.converges(2*time.Minute)))
	s.isCluster([]int{2, 3, 4})
	s.refusesStrangers(2)
	s.agrees()
}

// stageOf is a lab of its own, whose name ends so. The members of a cluster are all of one release: etcd
// 3.4 and 3.5 cannot begin a cluster together.
func stageOf(t testing.TB, end string, nodes []lab.NodeConfig) *stage {
	t.Helper()
	common := onStage(t)
	dir := t.TempDir()
	l, err := openLab(strconv.Itoa(os.Getpid())+end, filepath.Join(dir, "lab"), nodes)
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
