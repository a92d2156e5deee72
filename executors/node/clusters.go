package node

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pigsync/pigsync/diff"
	"github.com/pigsync/pigsync/executors"
	"github.com/pigsync/pigsync/executors/postgres"
	"github.com/pigsync/pigsync/resource"
)

// SetPostgres says where the clusters of PostgreSQL are from now on.
func (f *Fleet) SetPostgres(places []resource.PGPlace) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.places = make(map[string]resource.PGPlace, len(places))
	for _, p := range places {
		f.places[p.At] = p
	}
}

func (f *Fleet) isCluster(at string) bool {
	_, ok := f.cluster(at)
	return ok
}

func (f *Fleet) cluster(at string) (resource.PGPlace, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, ok := f.places[at]
	return p, ok
}

// placesAt are the clusters with an instance on a node, with no other instance. Who we are to Patroni is
// said with a change only: to look needs no password.
func (f *Fleet) placesAt(node string, change bool) []wirePlace {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []wirePlace
	for _, at := range slices.Sorted(maps.Keys(f.places)) {
		p := f.places[at]
		w := wirePlace{At: at}
		for _, s := range p.Seats {
			if s.Node == node {
				w.Seats = append(w.Seats, s)
			}
		}
		if change {
			w.User, w.Password = p.User, p.Password.Reveal()
		}
		if w.Seats != nil {
			list = append(list, w)
		}
	}
	return list
}

// answers are what the members of clusters said, by id and node.
type answers map[resource.ID]map[string]resource.State

// spread gives each id to its node, and one inside a cluster to every node of it.
func (f *Fleet) spread(ids []resource.ID) (byNode map[string][]resource.ID, m answers) {
	byNode, m = map[string][]resource.ID{}, answers{}
	for _, id := range ids {
		p, ok := f.cluster(id.At)
		if !ok {
			byNode[id.At] = append(byNode[id.At], id)
			continue
		}
		if m[id] != nil {
			continue
		}
		m[id] = map[string]resource.State{}
		for _, s := range p.Seats {
			if _, twice := m[id][s.Node]; !twice {
				m[id][s.Node] = resource.State{Err: errNoAnswer}
				byNode[s.Node] = append(byNode[s.Node], id)
			}
		}
	}
	return byNode, m
}

var errNoAnswer = errors.New("the node gave no answer")

// take moves what a node said of clusters out of what it said of itself.
func (m answers) take(node string, seen map[resource.ID]resource.State) {
	for id, s := range seen {
		if said := m[id]; said != nil {
			said[node] = s
			delete(seen, id)
		}
	}
}

// merge makes one state of what all members said.
func (f *Fleet) merge(m answers) map[resource.ID]resource.State {
	out := make(map[resource.ID]resource.State, len(m))
	for id, said := range m {
		switch id.Kind {
		case resource.KindPGCluster:
			out[id] = f.picture(id, said)
		default:
			out[id] = f.leading(id, said)
		}
		if err := out[id].Err; err != nil {
			out[id] = resource.State{Err: fmt.Errorf("observe %s: %w", id, err)}
		}
	}
	return out
}

// leading is the answer of the one that leads. Without it, all is absent where nowhere is anything, and
// unknown else.
func (f *Fleet) leading(id resource.ID, said map[string]resource.State) resource.State {
	var leaders, reasons []string
	nothing, unclear := 0, false
	for _, node := range slices.Sorted(maps.Keys(said)) {
		switch err := said[node].Err; {
		case err == nil:
			leaders = append(leaders, node)
		case errors.Is(err, postgres.ErrNothing):
			nothing++
		default:
			unclear = unclear || !errors.Is(err, postgres.ErrElsewhere)
			reasons = append(reasons, node+": "+reasonOf(id, err))
		}
	}
	switch {
	case len(leaders) == 1:
		f.lead(id.At, leaders[0])
		return said[leaders[0]]
	case len(leaders) > 1:
		return resource.State{Err: fmt.Errorf("more than one member says that it leads: %s", strings.Join(leaders, ", "))}
	case nothing == len(said):
		return resource.State{}
	case id.Kind == resource.KindPGHealth && !unclear:
		return resource.State{Spec: resource.PGHealth{}}
	}
	if unclear {
		return resource.State{Err: fmt.Errorf("no member answers for the cluster: %s", strings.Join(reasons, "; "))}
	}
	return resource.State{Err: fmt.Errorf("nobody leads the cluster: %s", strings.Join(reasons, "; "))}
}

// reasonOf is a member's reason without what every one of them begins with.
func reasonOf(id resource.ID, err error) string {
	return strings.TrimPrefix(err.Error(), "observe "+id.String()+": ")
}

// picture joins the parts that the members gave of the picture of their cluster.
func (f *Fleet) picture(id resource.ID, said map[string]resource.State) resource.State {
	var c resource.PGCluster
	var reasons []string
	place, _ := f.cluster(id.At)
	for _, node := range slices.Sorted(maps.Keys(said)) {
		s := said[node]
		part, _ := s.Spec.(resource.PGCluster)
		switch {
		case s.Err == nil:
			c.Members = append(c.Members, part.Members...)
			if c.Leader == "" {
				c.Leader, c.Configured = part.Leader, part.Configured
			}
		case !errors.Is(s.Err, postgres.ErrNothing):
			reasons = append(reasons, node+": "+reasonOf(id, s.Err))
			c.Silent = silence(c.Silent, place, node, reasonOf(id, s.Err))
		}
	}
	switch {
	case len(c.Members) == 0 && len(c.Silent) == 0:
		return resource.State{}
	case len(c.Members) == 0:
		return resource.State{Err: errors.New(strings.Join(reasons, "; "))}
	}
	slices.SortFunc(c.Members, func(a, b resource.PGMemberInfo) int { return strings.Compare(a.Instance, b.Instance) })
	return resource.State{Spec: c}
}

// silence notes of a node's instances why nothing is known of them.
func silence(silent map[string]string, p resource.PGPlace, node, why string) map[string]string {
	for _, s := range p.Seats {
		if s.Node != node {
			continue
		}
		if silent == nil {
			silent = map[string]string{}
		}
		silent[s.Instance] = why
	}
	return silent
}

// lead remembers where a leader is, "" for nowhere.
func (f *Fleet) lead(cluster, node string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.leaders == nil {
		f.leaders = map[string]string{}
	}
	f.leaders[cluster] = node
}

// leader is the node where a cluster's leader was last, or is, when nobody knows.
func (f *Fleet) leader(ctx context.Context, cluster string) (string, error) {
	f.mu.Lock()
	node := f.leaders[cluster]
	f.mu.Unlock()
	if node != "" {
		return node, nil
	}
	gate := resource.ID{Kind: resource.KindPGHealth, Name: cluster, At: cluster}
	if s := f.Observe(ctx, []resource.ID{gate})[gate]; s.Err != nil {
		return "", s.Err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if node = f.leaders[cluster]; node == "" {
		return "", errors.New("nobody leads the cluster")
	}
	return node, nil
}

// applyInside asks the leader. When that one leads no more, the world has moved.
func (f *Fleet) applyInside(ctx context.Context, c diff.Change) error {
	node, err := f.leader(ctx, c.ID.At)
	if err != nil {
		return fmt.Errorf("apply %s: %w", c.ID, err)
	}
	err = f.applyAt(ctx, node, c)
	if err == nil && c.ID.Kind != resource.KindPGLeading {
		return nil
	}
	f.lead(c.ID.At, "")
	if err == nil {
		return nil
	}
	for _, why := range []error{postgres.ErrElsewhere, postgres.ErrStopped, postgres.ErrNothing} {
		if errors.Is(err, why) {
			return fmt.Errorf("%w: %w", executors.ErrMoved, err)
		}
	}
	return err
}

const (
	gatePatience = 2 * time.Minute
	gateEvery    = 250 * time.Millisecond
)

// busy are Patroni's words for what takes as long as it takes.
var busy = []string{"creating replica", "initializing new cluster", "running custom bootstrap script", "starting", "restarting"}

// awaitPG waits at a gate: as long as its patience, and for as long as a member is made.
func (f *Fleet) awaitPG(ctx context.Context, c diff.Change) error {
	want, ok := c.Spec.(resource.PGHealth)
	if !ok || !want.Healthy {
		return fmt.Errorf("apply %s: a gate only waits for health", c.ID)
	}
	patience := gatePatience
	if want.Patience > 0 {
		patience = time.Duration(want.Patience) * time.Second
	}
	tick := time.NewTicker(gateEvery)
	defer tick.Stop()
	vain := time.Now().Add(patience)
	for {
		state, what := f.gate(ctx, c.ID)
		if state.Err == nil && state.Spec != nil && len(want.Compare(state.Spec)) == 0 {
			return nil
		}
		if slices.Contains(busy, what) {
			vain = time.Now().Add(patience)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("apply %s: %w: %s", c.ID, ctx.Err(), ill(state, what))
		case <-tick.C:
			if time.Now().After(vain) {
				return fmt.Errorf("apply %s: not healthy for %s: %s", c.ID, patience, ill(state, what))
			}
		}
	}
}

func ill(s resource.State, what string) string {
	switch {
	case s.Err != nil:
		return s.Err.Error()
	case what == "":
		return "nothing runs"
	}
	return "it is " + what
}

// gate looks at a gate, and where that is shut at what the instance, or the busiest of a cluster, does: that is
// much more to ask for.
func (f *Fleet) gate(ctx context.Context, id resource.ID) (s resource.State, what string) {
	s = f.Observe(ctx, []resource.ID{id})[id]
	if h, ok := s.Spec.(resource.PGHealth); ok && h.Healthy {
		return s, ""
	}
	about := resource.PGMemberOf(id.Name, id.At)
	if f.isCluster(id.At) {
		about = resource.PGClusterOf(id.At)
	}
	switch m := f.Observe(ctx, []resource.ID{about})[about].Spec.(type) {
	case resource.PGMember:
		if what = m.State; m.Runs() && !m.Up && m.Role == resource.PGReplica {
			what += ", and follows nobody"
		}
	case resource.PGCluster:
		for _, m := range m.Members {
			if what == "" || slices.Contains(busy, m.State) {
				what = m.State
			}
		}
	}
	return s, what
}
