package reconcile

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pigsync/pigsync/history"
	"github.com/pigsync/pigsync/resource"
)

// PendingRestart is a member of a PostgreSQL cluster that waited for a restart at the last look.
type PendingRestart struct {
	Instance string    `json:"instance"`
	Node     string    `json:"node"`
	Cluster  string    `json:"cluster"`
	Reasons  []string  `json:"reasons,omitempty"` // names of the parameters, where somebody says them
	Since    time.Time `json:"since,omitzero"`    // when it was first seen to wait for one of them, also by an earlier process
}

// waits are members that wait for a restart, seen or remembered.
type waits map[resource.ID]history.PendingRestart

// waiting is what the loop remembers of them. No server tells since when it waits.
type waiting struct {
	known waits // nil before the first round of this process
	told  waits // what the journal knows of
}

// waited is what is known of those who wait, before a look.
func (r *Reconciler) waited() waits {
	switch {
	case r.waiting.known != nil:
		return r.waiting.known
	case r.Journal == nil:
		return waits{}
	}
	return r.Journal.PendingRestarts()
}

// restarts says who waits after a look. Of whom nothing could be seen it is still known, and not shown.
func (r *Reconciler) restarts(round *Round) {
	known := r.waited()
	round.waits = waits{}
	for id, was := range known {
		if round.blind(was) {
			round.waits[id] = was
		}
	}
	for cluster, seen := range round.postgres() {
		for _, m := range seen.Members {
			id := resource.PGMemberOf(m.Instance, m.Node)
			was, before := known[id]
			switch {
			case m.Pending:
				next := renewed(was, before, waitsFor(m, was), round.Began)
				next.ID, next.Cluster = id, cluster
				round.waits[id] = next
				round.Restarts = append(round.Restarts, PendingRestart{m.Instance, m.Node, cluster, next.Names(), next.Since})
			case before && unasked(m):
				round.waits[id] = was
			}
		}
	}
	slices.SortFunc(round.Restarts, func(a, b PendingRestart) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Instance, b.Instance))
	})
}

// postgres are the clusters that were seen, by name.
func (r *Round) postgres() map[string]resource.PGCluster {
	all := map[string]resource.PGCluster{}
	for id, s := range r.Have {
		if seen, ok := s.Spec.(resource.PGCluster); ok {
			all[id.At] = seen
		}
	}
	return all
}

// blind tells whether nothing could be seen of somebody who waited. A cluster that is not asked for has left the
// inventory, or its lines cannot be read now.
func (r *Round) blind(was history.PendingRestart) bool {
	s, asked := r.Have[resource.PGClusterOf(was.Cluster)]
	if !asked {
		for owner := range r.Frozen {
			if unitOf(owner).cluster == was.Cluster {
				return true
			}
		}
		return false
	}
	seen, _ := s.Spec.(resource.PGCluster)
	_, silent := seen.Silent[was.ID.Name]
	return s.Err != nil || silent
}

// unasked tells whether a server may run that did not say itself what it waits for. One that is down waits no more:
// it starts with all there is.
func unasked(m resource.PGMemberInfo) bool {
	return m.Cluster == "" || m.Role != "" && m.Settings == nil
}

// waitsFor are the names of the parameters that a member waits for, with those it waited for if it did not say itself.
func waitsFor(m resource.PGMemberInfo, was history.PendingRestart) []string {
	names := slices.Clone(m.Reasons)
	if unasked(m) {
		names = append(names, was.Names()...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// renewed is somebody who waits for these parameters now: for each since it was first seen. Without a name one is as
// good as the other.
func renewed(was history.PendingRestart, before bool, names []string, now time.Time) history.PendingRestart {
	next := history.PendingRestart{Since: now}
	if before && (len(names) == 0 || len(was.Reasons) == 0) {
		next.Since = was.Since
	}
	first := next.Since
	for _, name := range names {
		since := first
		if i := slices.IndexFunc(was.Reasons, func(r history.PendingReason) bool { return r.Name == name }); i >= 0 {
			since = was.Reasons[i].Since
		}
		if since.Before(next.Since) {
			next.Since = since
		}
		next.Reasons = append(next.Reasons, history.PendingReason{Name: name, Since: since})
	}
	return next
}

// noteRestarts writes down who began to wait, for what else than before, and who does no longer; else nothing.
func (r *Reconciler) noteRestarts(round *Round) {
	if r.waiting.known == nil {
		r.waiting.told = r.waited()
	}
	r.waiting.known = round.waits
	var news history.Restarts
	for _, id := range slices.SortedFunc(maps.Keys(round.waits), resource.ID.Compare) {
		if now, was := round.waits[id], r.waiting.told[id]; !alike(now, was) {
			news.Pending = append(news.Pending, now)
		}
	}
	for _, id := range slices.SortedFunc(maps.Keys(r.waiting.told), resource.ID.Compare) {
		if _, still := round.waits[id]; !still {
			news.Over = append(news.Over, id)
		}
	}
	if len(news.Pending)+len(news.Over) == 0 || r.append(news) {
		r.waiting.told = round.waits
	}
}

func alike(a, b history.PendingRestart) bool {
	return a.ID == b.ID && a.Cluster == b.Cluster && slices.Equal(a.Names(), b.Names())
}

// waitingSince is when a member was first seen to wait, for people; nothing for one that was not seen to before.
func (r *Round) waitingSince() []PendingRestart {
	all := slices.Clone(r.Restarts)
	for i, p := range all {
		if !p.Since.Before(r.Began) {
			all[i].Since = time.Time{}
		}
	}
	return all
}

// WriteRestarts prints a line for each member that waits for a restart.
func WriteRestarts(w io.Writer, all []PendingRestart) error {
	for _, p := range all {
		line := fmt.Sprintf("pending restart: %s on %s of %s", p.Instance, p.Node, p.Cluster)
		if !p.Since.IsZero() {
			line += " since " + p.Since.Local().Format(time.DateTime)
		}
		if len(p.Reasons) > 0 {
			line += ": " + strings.Join(p.Reasons, ", ")
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}
