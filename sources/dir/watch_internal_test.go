package dir

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// What happens after watching began wakes, also in directories that were made meanwhile; what
// happens to another file than the one that counts does not.
func TestWaitIsWokenByWhatCounts(t *testing.T) {
	root := t.TempDir()
	sub := filepath.Join(root, "sub")
	file := filepath.Join(root, "pigsty.yml")
	if err := errors.Join(os.Mkdir(sub, 0o700), os.WriteFile(file, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		path, change string
		woken        bool
	}{
		"in the directory":      {root, filepath.Join(root, "a"), true},
		"below it":              {root, filepath.Join(sub, "a"), true},
		"the file itself":       {file, file, true},
		"another file than one": {file, filepath.Join(root, "b"), false},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := New(Options{Path: c.path})
			if err != nil {
				t.Fatal(err)
			}
			w := s.watch()
			defer w.close()
			if s.file == "" && !w.follow([]string{".", "sub"}) || w.follow([]string{"."}) {
				t.Error("follow is wrong about what is new to it")
			}
			if err := os.WriteFile(c.change, []byte(name), 0o600); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), map[bool]time.Duration{true: 10 * time.Second, false: 100 * time.Millisecond}[c.woken])
			defer cancel()
			if err := w.wait(ctx, time.Hour, time.Millisecond); (err == nil) != c.woken {
				t.Errorf("wait: %v", err)
			}
		})
	}
}

// A directory that is written without a pause is looked at nevertheless.
func TestWaitEndsWhenThereIsNoQuiet(t *testing.T) {
	root := t.TempDir()
	s, err := New(Options{Path: root})
	if err != nil {
		t.Fatal(err)
	}
	w := s.watch()
	defer w.close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			_ = os.WriteFile(filepath.Join(root, "a"), nil, 0o600)
		}
	}()
	if err := w.wait(ctx, time.Hour, 20*time.Millisecond); err != nil {
		t.Errorf("wait: %v", err)
	}
	cancel()
	<-done
}
