package exectest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/resource"
)

// canary is the suite's own secret; it is in files only.
const canary = "c4n4ry-of-the-suite"

// witness remembers all that an executor says.
type witness struct {
	executors.Executor

	mu   sync.Mutex // guards said
	said map[string]bool
}

// Observe remembers errors and specs.
func (w *witness) Observe(ctx context.Context, ids []resource.ID) map[resource.ID]resource.State {
	out := w.Executor.Observe(ctx, ids)
	for _, s := range out {
		w.hear(s.Err)
		w.note(fmt.Sprintf("%+v", s.Spec))
	}
	return out
}

// Apply remembers the error.
func (w *witness) Apply(ctx context.Context, c diff.Change) error {
	err := w.Executor.Apply(ctx, c)
	w.hear(err)
	return err
}

// hear writes an error down as any printer may show it.
func (w *witness) hear(err error) {
	if err != nil {
		w.note(fmt.Sprintf("%v %+v %#v", err, err, err))
	}
}

func (w *witness) note(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said[text] = true
}

// search fails the test when anything that was said or logged shows a secret.
func (w *witness) search(t *testing.T, o Options) {
	secrets := []string{canary, fmt.Sprintf("%x", canary)}
	if o.Secrets != nil {
		secrets = append(secrets, o.Secrets()...)
	}
	if o.Logged != nil {
		w.note(o.Logged())
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for text := range w.said {
		for _, s := range secrets {
			if strings.Contains(text, s) {
				t.Errorf("a secret shows: %s", text)
			}
		}
	}
}
