package history_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pigsync/pigsync/history"
)

func TestOneWriter(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "prod")
	j := open(t, dir, history.Options{})
	_, err := history.Open(dir, history.Options{})
	if !errors.Is(err, history.ErrLocked) || !strings.Contains(err.Error(), "pid ") {
		t.Errorf("a second writer: %v", err)
	}
	if info, _ := os.Stat(dir); info.Mode().Perm() != 0o700 {
		t.Errorf("the directory is %v", info.Mode())
	}
	j.Close()
	if err := j.Append(began("a")); !errors.Is(err, os.ErrClosed) {
		t.Errorf("append to a closed journal: %v", err)
	}
	open(t, dir, history.Options{})
}

func TestReadBesideTheWriter(t *testing.T) {
	dir := t.TempDir()
	if _, err := history.OpenReadOnly(filepath.Join(dir, "none"), history.Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing to read: %v", err)
	}
	j := open(t, dir, history.Options{MaxBytes: 500, Keep: 2})
	var writer sync.WaitGroup
	writer.Go(func() {
		for range 100 {
			tell(t, j, result("x", ""), history.Converged{Revision: "a"})
		}
	})
	for range 20 {
		r, err := history.OpenReadOnly(dir, history.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Tampered(); err != nil {
			t.Error(err)
		}
		if err := r.Append(began("a")); !errors.Is(err, history.ErrReadOnly) {
			t.Errorf("append: %v", err)
		}
		r.Close()
	}
	writer.Wait()
	r, err := history.OpenReadOnly(dir, history.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if rev, _ := r.LastConverged(); rev != "a" {
		t.Errorf("the reader sees %q", rev)
	}
}

func TestOpenRefusesALooseDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := history.Open(dir, history.Options{}); err == nil || !strings.Contains(err.Error(), "chmod 700") {
		t.Errorf("open: %v", err)
	}
}

// grow makes a journal of several files and gives it back closed.
func grow(t testing.TB, dir string) {
	j := open(t, dir, history.Options{MaxBytes: 900, Keep: 100})
	tell(t, j, began("a"), planned("allow", ""), history.Intent{Step: step("x")}, result("x", ""),
		history.Converged{Revision: "a"}, began("b"), approval("p", noon.Add(time.Hour), "d-x"), result("y", "timeout"))
	j.Close()
}

func TestEveryChangedByteIsFound(t *testing.T) {
	dir := history.Memory(t)
	grow(t, dir)
	if err := history.Verify(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range files(t, dir) {
		good, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for i, c := range good {
			evil := []byte{c ^ 1, c ^ 32, '\n'}[i%3]
			if evil == c {
				continue
			}
			f.WriteAt([]byte{evil}, int64(i))
			if err := history.Verify(dir); !errors.Is(err, history.ErrTampered) && !errors.Is(err, history.ErrTorn) {
				t.Fatalf("byte %d of %s changed from %q to %q: %v", i, name, c, evil, err)
			}
			f.WriteAt([]byte{c}, int64(i))
		}
	}
	if err := history.Verify(dir); err != nil {
		t.Errorf("all bytes are back: %v", err)
	}
}

func TestABrokenChainIsReadAndNotWritten(t *testing.T) {
	tests := map[string]func(t *testing.T, names []string){
		"a changed byte": func(t *testing.T, names []string) {
			b, _ := os.ReadFile(names[1])
			os.WriteFile(names[1], bytes.Replace(b, []byte("etcd"), []byte("etce"), 1), 0o600)
		},
		"a file missing": func(t *testing.T, names []string) { os.Remove(names[1]) },
		"a line missing": func(t *testing.T, names []string) {
			b, _ := os.ReadFile(names[1])
			ls := bytes.SplitAfter(b, []byte("\n"))
			os.WriteFile(names[1], bytes.Join(append(ls[:1:1], ls[2:]...), nil), 0o600)
		},
		"no end in the middle": func(t *testing.T, names []string) {
			b, _ := os.ReadFile(names[1])
			os.WriteFile(names[1], b[:len(b)-1], 0o600)
		},
	}
	for name, break_ := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			grow(t, dir)
			names := files(t, dir)
			if len(names) < 3 {
				t.Fatalf("only %d files", len(names))
			}
			break_(t, names)
			j := open(t, dir, history.Options{})
			err := j.Tampered()
			if !errors.Is(err, history.ErrTampered) || !strings.Contains(err.Error(), ".jsonl:") {
				t.Errorf("tampered: %v", err)
			}
			if got := j.Attempted(); len(got) == 0 {
				t.Error("what comes before the break is not known")
			}
			if err := j.Append(began("c")); !errors.Is(err, history.ErrTampered) {
				t.Errorf("append: %v", err)
			}
		})
	}
}

func TestTornLine(t *testing.T) {
	dir := t.TempDir()
	grow(t, dir)
	names := files(t, dir)
	last := names[len(names)-1]
	f, _ := os.OpenFile(last, os.O_APPEND|os.O_WRONLY, 0)
	f.WriteString(`{"seq":12,"ti`)
	f.Close()
	if err := history.Verify(dir); !errors.Is(err, history.ErrTorn) || !strings.Contains(err.Error(), filepath.Base(last)+":") {
		t.Errorf("verify: %v", err)
	}
	j := open(t, dir, history.Options{})
	if j.Tampered() != nil || j.Torn() != 13 {
		t.Errorf("tampered %v, torn %d", j.Tampered(), j.Torn())
	}
	if b, _ := os.ReadFile(filepath.Join(dir, "torn")); string(b) != `{"seq":12,"ti` {
		t.Errorf("set aside: %q", b)
	}
	tell(t, j, began("c"))
	if err := history.Verify(dir); err != nil {
		t.Error(err)
	}
}

func TestRotationKeepsTheState(t *testing.T) {
	dir := t.TempDir()
	o := history.Options{MaxBytes: 2000, Keep: 2, Now: clock()}
	j := open(t, dir, o)
	later := noon.Add(24 * time.Hour)
	tell(t, j, began("a"), history.Converged{Revision: "a"}, began("b"), approval("p", later, "d-x", "d-y"),
		approval("q", noon.Add(2*time.Second), "d-z"), hold("etcd/*", later), history.Intent{Step: step("w")}, result("x", ""))
	want := snapshot(j, nil)
	for range 50 {
		tell(t, j, result("other", "timeout"))
	}
	if n := len(files(t, dir)); n != 2 {
		t.Errorf("%d files are kept, want 2", n)
	}
	if got := snapshot(j, nil); got != want {
		t.Errorf("state is\n%s, want\n%s", got, want)
	}
	j.Close()
	if err := history.Verify(dir); err != nil {
		t.Error(err)
	}
	if got := snapshot(open(t, dir, o), nil); got != want {
		t.Errorf("state read again is\n%s, want\n%s", got, want)
	}
}

func TestManyAtOnce(t *testing.T) {
	j := open(t, t.TempDir(), history.Options{MaxBytes: 4000, Events: 20})
	var wg sync.WaitGroup
	for _, n := range []string{"x", "y"} {
		wg.Go(func() {
			for range 40 {
				tell(t, j, history.Intent{Step: step(n)}, result(n, ""))
			}
		})
		wg.Go(func() {
			for range 100 {
				j.Past(id(n), noon)
				j.Attempted()
				j.Unfinished()
				j.Approvals(noon)
				j.Head()
			}
			for _, err := range j.Records(history.Query{Limit: 20}) {
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := len(j.Past(id("x"), noon)) + len(j.Past(id("y"), noon)); n != 20 {
		t.Errorf("%d events, want 20", n)
	}
}
