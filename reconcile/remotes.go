package reconcile

import (
	"log/slog"
	"maps"
	"slices"
	"sync"
)

// RemoteStatus is what a remote of the repository was good for when it was last asked.
type RemoteStatus struct {
	Remote string `json:"remote"`
	Error  string `json:"error,omitempty"`
}

// remotes are those of a source, by their place in its configuration.
type remotes struct {
	mu sync.Mutex
	at map[int]RemoteStatus
}

// heard takes in what came of asking a remote: while another one answers instead, nothing else would tell.
func (d *Daemon) heard(n int, remote string, err error) {
	d.Metrics.remote(d.Name, n, err)
	now := RemoteStatus{Remote: remote}
	if err != nil {
		now.Error = err.Error()
	}
	d.remotes.mu.Lock()
	defer d.remotes.mu.Unlock()
	if old := d.remotes.at[n]; old.Error != now.Error {
		d.logger().Warn("a remote says otherwise than before", slog.String("remote", remote), slog.String("err", now.Error))
	}
	if d.remotes.at == nil {
		d.remotes.at = map[int]RemoteStatus{}
	}
	d.remotes.at[n] = now
}

// list is what is known of several remotes, in their order; of a single one the status says all without it.
func (r *remotes) list() (all []RemoteStatus) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.at) < 2 {
		return nil
	}
	for _, n := range slices.Sorted(maps.Keys(r.at)) {
		all = append(all, r.at[n])
	}
	return all
}
