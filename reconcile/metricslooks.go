package reconcile

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/executors/ssh"
	"github.com/pigsync/pigsync/resource"
)

// The ways to look, as labels name them.
const (
	fleetSource = "fleet" // a whole look, all ways at once
	nodeSource  = "ssh"   // what is on nodes
)

// fault is what an error in a look is counted as.
type fault struct{ host, source, reason string }

// sourceOf is the way to look at a kind.
func sourceOf(k resource.Kind) string {
	switch {
	case k == resource.KindCA, k == resource.KindIdentity:
		return "admin"
	case slices.Contains(resource.EtcdKinds, k):
		return "etcd"
	case slices.Contains(resource.PGKinds, k):
		return "postgres"
	}
	return nodeSource
}

// reasonOf sorts errors into those that ask for different people.
func reasonOf(err error) string {
	switch {
	case errors.Is(err, ssh.ErrHostKey):
		return "hostkey"
	case errors.Is(err, ssh.ErrAuth), errors.Is(err, ssh.ErrSudo):
		return "denied"
	case errors.Is(err, ssh.ErrUnreachable):
		return "unreachable"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "timeout"
	}
	return "other"
}

// Timing makes an executor tell how long its looks took, under the name of a way to look.
func (m *Metrics) Timing(inventory, source string, e executors.Executor) executors.Executor {
	if m == nil {
		return e
	}
	return &timed{Executor: e, took: func(d time.Duration) {
		m.observeTook.WithLabelValues(inventory, source).Observe(d.Seconds())
	}}
}

// timed is an executor whose looks are timed.
type timed struct {
	executors.Executor
	took func(time.Duration)
}

// Observe looks, and tells how long that took.
func (t *timed) Observe(ctx context.Context, ids []resource.ID) map[resource.ID]resource.State {
	began := time.Now()
	defer func() { t.took(time.Since(began)) }()
	return t.Executor.Observe(ctx, ids)
}

// Unwrap is the executor itself.
func (t *timed) Unwrap() executors.Executor { return t.Executor }
