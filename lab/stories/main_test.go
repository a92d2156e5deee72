package stories

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pigsync/pigsync/lab"
)

// prefix begins the names of the labs of this package; the number of the process follows.
const prefix = "stories-"

// stage is what all stories of a run share.
type stage struct {
	lab  *lab.Lab
	dir  string // of the daemon: repository, state, log
	bin  string
	boot time.Duration
	kept map[string]bool // the snapshots there are
}

// theStage is set up by the first story that needs it and taken down by TestMain.
var theStage struct {
	sync.Once
	*stage
	err error
}

func TestMain(m *testing.M) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		if ctx.Err() != nil && theStage.stage != nil {
			_ = theStage.down() // nobody is left to tell
			os.Exit(1)
		}
	}()
	code := m.Run()
	if theStage.stage != nil {
		if err := theStage.down(); err != nil {
			fmt.Fprintln(os.Stderr, "take the lab down:", err)
			code = max(code, 1)
		}
	}
	stop()
	os.Exit(code)
}

// wanted skips a test where no real nodes are to be had.
func wanted(t testing.TB) {
	t.Helper()
	if os.Getenv("PIGSYNC_LAB") != "1" {
		t.Skip("real nodes are started only with PIGSYNC_LAB=1")
	}
	if err := lab.Check(); err != nil {
		t.Skip(err)
	}
}

// long skips a story that -short leaves out.
func long(t testing.TB) {
	t.Helper()
	wanted(t)
	if testing.Short() {
		t.Skip("-short leaves it out")
	}
}

// soak tells whether the long walks are wanted whole.
func soak() bool { return os.Getenv("PIGSYNC_SOAK") == "1" }

func onStage(t testing.TB) *stage {
	t.Helper()
	theStage.Do(func() { theStage.stage, theStage.err = raise() })
	if theStage.err != nil {
		t.Fatalf("no lab: %v", theStage.err)
	}
	return theStage.stage
}

// raise builds the programs and starts five bare nodes.
func raise() (*stage, error) {
	ctx := context.Background()
	clearAway(ctx)
	dir, err := os.MkdirTemp("", prefix)
	if err != nil {
		return nil, err
	}
	s := &stage{dir: filepath.Join(dir, "admin"), bin: filepath.Join(dir, "pigsync"), kept: map[string]bool{}}
	if err := build(ctx, dir); err != nil {
		return s, err
	}
	s.lab, err = openLab(strconv.Itoa(os.Getpid()), filepath.Join(dir, "lab"), nodesOf(lab.Suite(os.Getenv("PIGSYNC_SUITE")), 5))
	if err != nil {
		return s, err
	}
	if err := s.lab.Build(ctx); err != nil {
		return s, err
	}
	began := time.Now()
	err = s.lab.Up(ctx)
	s.boot = time.Since(began)
	return s, err
}

// nodesOf are nodes of a release of Debian, "" for the newest: PIGSYNC_SUITE=bookworm plays all stories that do
// not choose on the one before.
func nodesOf(s lab.Suite, count int) []lab.NodeConfig {
	return slices.Repeat([]lab.NodeConfig{{Suite: s}}, count)
}

func openLab(name, dir string, nodes []lab.NodeConfig) (*lab.Lab, error) {
	return lab.Open(lab.Config{Name: prefix + name, Dir: dir, Nodes: nodes, Packages: []string{"@pgsql", "ansible-core"}, Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))})
}

// build puts the programs into a directory.
func build(ctx context.Context, dir string) error {
	cmd := exec.CommandContext(ctx, cmp.Or(os.Getenv("GO"), "go"), "build", "-trimpath", "-ldflags", "-s -w", "-o", dir+"/", "github.com/pigsync/pigsync/cmd/...")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build pigsync: %w: %s", err, out)
	}
	return nil
}

// clearAway takes down what runs that were killed left behind.
func clearAway(ctx context.Context) {
	names, _ := lab.Names() // without an answer there is nothing we could clear
	for _, name := range names {
		number, _, _ := strings.Cut(strings.TrimPrefix(name, prefix), "-") // what follows is another lab of the same run
		pid, err := strconv.Atoi(number)
		if !strings.HasPrefix(name, prefix) || err != nil || syscall.Kill(pid, 0) == nil {
			continue
		}
		if l, err := lab.Open(lab.Config{Name: name}); err == nil {
			_ = l.Down(ctx) // in our way or not: the next Up will tell
		}
	}
}

func (s *stage) down() error {
	var err error
	if s.lab != nil {
		err = s.lab.Down(context.Background())
	}
	return errors.Join(err, os.RemoveAll(filepath.Dir(s.dir)))
}

// drawn is a source of chance for a test; its seed is printed, and PIGSYNC_SEED sets it.
func drawn(t testing.TB) *rand.Rand {
	t.Helper()
	seed, err := strconv.ParseUint(os.Getenv("PIGSYNC_SEED"), 10, 64)
	if err != nil {
		seed = rand.Uint64()
	}
	t.Logf("PIGSYNC_SEED=%d draws this sample", seed)
	return rand.New(rand.NewPCG(seed, 0))
}
